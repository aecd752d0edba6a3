/**
 * Counts a run of vitest for the test command. A test that did not run because a hook or its file failed counts as a
 * failure here. (Vitest calls it skipped, like a test that was skipped on purpose.)
 */
import { writeFileSync } from 'node:fs';
import type { Reporter, TestCase, TestModule, TestSuite } from 'vitest/node';
import { addCounts, NO_TESTS, ONE_FAILURE, type TestCount } from './count.ts';

export class CountReporter implements Reporter {
  readonly #file: string;

  /** @param file the file to which the count is written as JSON when the run ends. */
  constructor(file: string) {
    this.#file = file;
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const counts = [...modules.map(countModule), ...unhandledErrors.map(() => ONE_FAILURE)];
    writeFileSync(this.#file, JSON.stringify(counts.reduce(addCounts, NO_TESTS)));
  }
}

function countModule(module: TestModule): TestCount {
  const count = [...module.children.allTests()].map(countTest).reduce(addCounts, NO_TESTS);
  // A file that cannot be loaded, or fails after its tests, has a failure that belongs to no test.
  const isBroken = module.state() !== 'passed' && module.state() !== 'skipped';
  return isBroken && count.failed === 0 ? addCounts(count, ONE_FAILURE) : count;
}

function countTest(test: TestCase): TestCount {
  const result = test.result();
  if (result.state === 'passed') return { ...NO_TESTS, passed: 1 };
  if (result.state !== 'skipped' || (result.note === undefined && wasToRun(test) && isInBroken(test))) {
    return ONE_FAILURE;
  }
  return { ...NO_TESTS, skipped: [result.note === undefined ? test.fullName : `${test.fullName} (${result.note})`] };
}

function wasToRun(test: TestCase): boolean {
  return test.options.mode === 'run' || test.options.mode === 'only';
}

/** Whether a hook of a suite around the test failed, or the file did. */
function isInBroken(test: TestCase): boolean {
  let around: TestSuite | TestModule = test.parent;
  while (around.errors().length === 0 && around.type === 'suite') around = around.parent;
  return around.errors().length > 0;
}
