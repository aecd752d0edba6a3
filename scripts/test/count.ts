/** What a vitest run counted, read from the report that its json reporter writes. */

export interface TestCount {
  readonly passed: number;
  readonly failed: number;
  /** Names of the tests that did not run, with the reason where it is known. */
  readonly skipped: readonly string[];
}

export const NO_TESTS: TestCount = { passed: 0, failed: 0, skipped: [] };

/** What a run that ended without a readable report counts as. */
export const ONE_FAILURE: TestCount = { passed: 0, failed: 1, skipped: [] };

export function addCounts(one: TestCount, other: TestCount): TestCount {
  return {
    passed: one.passed + other.passed,
    failed: one.failed + other.failed,
    skipped: [...one.skipped, ...other.skipped],
  };
}

/** The line that ends a test run. */
export function formatCount({ passed, failed, skipped }: TestCount): string {
  return `${passed} passed, ${failed} failed, ${skipped.length} skipped`;
}

/** @returns `undefined` when the text is not a report */
export function parseReport(text: string): TestCount | undefined {
  let report: unknown;
  try {
    report = JSON.parse(text);
  } catch {
    return undefined;
  }
  const files = property(report, 'testResults');
  return Array.isArray(files) ? files.map(countFile).reduce(addCounts, NO_TESTS) : undefined;
}

function countFile(file: unknown): TestCount {
  const tests = property(file, 'assertionResults');
  const results = Array.isArray(tests) ? tests : [];
  const withStatus = (status: string) => results.filter((test) => property(test, 'status') === status);
  const failed = withStatus('failed').length;
  const passed = withStatus('passed').length;
  const skipped = results
    .filter((test) => !['passed', 'failed'].includes(String(property(test, 'status'))))
    .map(nameSkipped);
  // A file that cannot be loaded, or whose hooks fail, has a failure that belongs to none of its tests.
  const failsAsAWhole = failed === 0 && property(file, 'status') === 'failed';
  return { passed, failed: failsAsAWhole ? 1 : failed, skipped };
}

function nameSkipped(test: unknown): string {
  const name = String(property(test, 'fullName')).trim();
  const reason = property(property(test, 'meta'), 'skipReason');
  return typeof reason === 'string' ? `${name} (${reason})` : name;
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
