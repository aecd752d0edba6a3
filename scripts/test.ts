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
    for (const { suites, parts } of ready?.groups ?? []) {
      await parts;
      counts.push(await run(suites));
    }
    const slowCount = counts.reduce(addCounts, ready?.left ?? NO_TESTS);
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

/** What the suites of the built program wait for. */
interface Preparation {
  readonly isBuilt: boolean;
  readonly groups: readonly SuiteGroup[];
  /** The suite that cannot run, as a test that failed or is skipped. */
  readonly left: TestCount;
}

/** Suites that run side by side. */
interface SuiteGroup {
  readonly suites: readonly string[];
  /** Ends when their parts are installed. A missing one does not matter: its tests are skipped with a reason. */
  readonly parts: Promise<unknown>;
}

/** Builds the program, makes the release that is tried, and begins with the parts. Ends when the first suite can run. */
async function prepare(suites: readonly string[]): Promise<Preparation> {
  const { e2e, release, cluster } = await installTestParts(suites);
  const reported = [report(e2e), report(release)];
  const clusterParts = report(cluster);
  const build = await runCommand(process.execPath, [join(ROOT, 'scripts', 'build.ts')]);
  const isBuilt = build.exitCode === 0;
  process.stdout.write(isBuilt ? `build: done\n` : `build: failed\n${lastLines(build.output, 40)}\n`);
  await Promise.all(reported);
  const left = isBuilt && suites.includes('release') ? await makeTrialRelease(await release.catch(() => [])) : NO_TESTS;
  const canRun = suites.filter((suite) => isBuilt && (suite !== 'release' || left === NO_TESTS));
  // The end-to-end tests wait a lot, and leave a core to the tests of the release. A kubelet wants the machine for itself.
  const isAlone = (suite: string) => suite === 'cluster';
  const groups = [
    { suites: canRun.filter((suite) => !isAlone(suite)), parts: Promise.resolve() },
    { suites: canRun.filter(isAlone), parts: clusterParts },
  ];
  return { isBuilt, groups, left };
}

/**
 * Makes the release that the tests install.
 * @returns no tests; when it cannot be made, one that failed, or one that is skipped because a tool is missing.
 */
async function makeTrialRelease(parts: readonly PartReport[]): Promise<TestCount> {
  const made = await runCommand(process.execPath, [join(ROOT, 'scripts', 'release-trial.ts')]);
  const missing = parts.filter(({ state }) => state === 'missing').map(({ part }) => part);
  if (made.exitCode === 0) {
    process.stdout.write('release: done\n');
    return NO_TESTS;
  }
  process.stdout.write(`release: failed\n${lastLines(made.output, 40)}\n`);
  return missing.length === 0
    ? ONE_FAILURE
    : { ...NO_TESTS, skipped: [`release: no release can be made without ${missing.join(', ')}`] };
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
