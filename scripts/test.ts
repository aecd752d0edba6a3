/**
 * The test command: builds the program and installs the parts that its clients' tests need while the quick tests run,
 * then runs the built program with real clients, and at last in a real cluster, whose parts are built in the meantime. `npm test -- unit` selects suites, further words select files.
 * `npm test -- fuzz --seed 123` repeats a long run of the properties.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lastLines, readTextFile, runCommand } from './parts/command.ts';
import { formatPartReports, type PartReport } from './parts/part.ts';
import { addCounts, formatCount, NO_TESTS, ONE_FAILURE, parseCount, type TestCount } from './test/count.ts';
import { BUILT_SUITES, parseSelection, QUICK_SUITES } from './test/selection.ts';
import { installTestParts } from './test-parts.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

async function main(args: readonly string[]): Promise<number> {
  const { suites, filters, variables, note } = parseSelection(args, process.env);
  if (note !== undefined) process.stdout.write(`${note}\n`);
  Object.assign(process.env, variables);
  const quick = suites.filter((suite) => QUICK_SUITES.includes(suite));
  const built = suites.filter((suite) => BUILT_SUITES.includes(suite));
  const countFolder = mkdtempSync(join(tmpdir(), 'docker-credential-acr-test-'));
  const run = (names: readonly string[]) =>
    names.length > 0 ? runSuites(names, filters, join(countFolder, `${names[0]}.json`)) : NO_TESTS;
  try {
    const [ready, quickCount] = await Promise.all([built.length > 0 ? prepare(built) : undefined, run(quick)]);
    const counts: TestCount[] = [];
    for (const suite of ready?.isBuilt === true ? built : []) {
      await ready?.parts[suite];
      if (suite === 'release') await makeTrialRelease();
      counts.push(await run([suite]));
    }
    const slowCount = counts.reduce(addCounts, NO_TESTS);
    const total = addCounts(quickCount, slowCount);
    const problems = [
      ...(ready?.isBuilt === false ? [`the program was not built, so that nothing ran of ${built.join(' and ')}`] : []),
      // A pipeline has every part, so a skipped test there means that nothing checked what it promises.
      ...(process.env['CI'] === 'true' && slowCount.skipped.length > 0
        ? ['with CI=true no test of the built program may be skipped']
        : []),
      ...(total.passed + total.failed === 0 ? ['no test ran'] : []),
    ];
    return reportOutcome(total, problems);
  } finally {
    rmSync(countFolder, { recursive: true, force: true });
  }
}

/** What a suite of the built program waits for. */
interface Preparation {
  readonly isBuilt: boolean;
  /** Ends when the parts of the suite are installed. A missing one does not matter: its tests are skipped with a reason. */
  readonly parts: Readonly<Record<string, Promise<void>>>;
}

/** Builds the program and begins with the parts. Ends when the first suite can run. */
async function prepare(suites: readonly string[]): Promise<Preparation> {
  const { e2e, release, cluster } = await installTestParts(suites);
  const parts = { e2e: report(e2e), release: report(release), cluster: report(cluster) };
  const build = await runCommand(process.execPath, [join(ROOT, 'scripts', 'build.ts')]);
  process.stdout.write(build.exitCode === 0 ? `build: done\n` : `build: failed\n${lastLines(build.output, 40)}\n`);
  await parts.e2e;
  return { isBuilt: build.exitCode === 0, parts };
}

/** Makes the release that the tests install: in another folder, so that they can compare its executable with that of the build. */
async function makeTrialRelease(): Promise<void> {
  const made = await runCommand(process.execPath, [join(ROOT, 'scripts', 'release-trial.ts')]);
  process.stdout.write(made.exitCode === 0 ? 'release: done\n' : `release: failed\n${lastLines(made.output, 40)}\n`);
}

async function report(parts: Promise<readonly PartReport[]>): Promise<void> {
  const text = await parts.then(
    (reports) => formatPartReports('test parts', reports),
    (error: unknown) => `test parts: cannot install them: ${error}\n`,
  );
  process.stdout.write(text);
}

async function runSuites(suites: readonly string[], filters: readonly string[], countFile: string): Promise<TestCount> {
  const exitCode = await runVitest(
    [
      'run',
      ...['--config', join('test', 'vitest.config.ts')],
      ...suites.flatMap((suite) => ['--project', suite]),
      '--passWithNoTests',
      ...filters,
    ],
    { ...process.env, TEST_COUNT_FILE: countFile },
  );
  // Without a count the run was aborted, whatever its exit code is.
  const count = parseCount(readTextFile(countFile) ?? '') ?? ONE_FAILURE;
  return exitCode !== 0 && count.failed === 0 ? addCounts(count, ONE_FAILURE) : count;
}

function runVitest(args: readonly string[], environment: NodeJS.ProcessEnv): Promise<number> {
  return new Promise((resolve) => {
    const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
    const child = spawn(process.execPath, [vitest, ...args], { cwd: ROOT, env: environment, stdio: 'inherit' });
    child.on('error', () => resolve(1));
    child.on('close', (code) => resolve(code ?? 1));
  });
}

/**
 * Prints the skipped tests and the problems, and then the count, which has a failure whenever the exit code is not 0.
 */
function reportOutcome(total: TestCount, problems: readonly string[]): number {
  for (const test of total.skipped) process.stdout.write(`skipped: ${test}\n`);
  for (const problem of problems) process.stdout.write(`failed: ${problem}\n`);
  const closing = problems.map(() => ONE_FAILURE).reduce(addCounts, total);
  process.stdout.write(`${formatCount(closing)}\n`);
  return closing.failed === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
