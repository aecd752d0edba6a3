/**
 * The test command: builds the program and installs the parts that its clients' tests need while the quick tests run,
 * then runs the built program with real clients. `npm test -- unit` selects suites, further words select files.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { addCounts, formatCount, NO_TESTS, ONE_FAILURE, parseReport, type TestCount } from './test/count.ts';
import { lastLines, readTextFile, runCommand } from './test-parts/command.ts';
import { formatPartReports, installTestParts } from './test-parts.ts';

const QUICK_SUITES = ['unit', 'scripts', 'docs', 'integration', 'emulator'];
const SUITES = [...QUICK_SUITES, 'e2e'];
const ROOT = fileURLToPath(new URL('..', import.meta.url));

async function main(args: readonly string[]): Promise<number> {
  const filters = args.filter((word) => !SUITES.includes(word));
  const named = SUITES.filter((suite) => args.includes(suite));
  const suites = named.length > 0 ? named : SUITES;
  const quick = suites.filter((suite) => QUICK_SUITES.includes(suite));
  const reportFolder = mkdtempSync(join(tmpdir(), 'docker-credential-acr-test-'));
  try {
    const [built, quickCount] = await Promise.all([
      suites.includes('e2e') ? prepareEndToEnd() : true,
      quick.length > 0 ? runSuites(quick, filters, join(reportFolder, 'quick.json')) : NO_TESTS,
    ]);
    const slowCount = !suites.includes('e2e')
      ? NO_TESTS
      : built
        ? await runSuites(['e2e'], filters, join(reportFolder, 'e2e.json'))
        : ONE_FAILURE;
    return reportOutcome(addCounts(quickCount, slowCount), slowCount);
  } finally {
    rmSync(reportFolder, { recursive: true, force: true });
  }
}

/** @returns whether the program was built; a missing part only makes its tests say so */
async function prepareEndToEnd(): Promise<boolean> {
  const parts = installTestParts().then((reports) => process.stdout.write(formatPartReports(reports)));
  const build = await runCommand(process.execPath, [join(ROOT, 'scripts', 'build.ts')]);
  process.stdout.write(build.exitCode === 0 ? `build: done\n` : `build: failed\n${lastLines(build.output, 40)}\n`);
  await parts;
  return build.exitCode === 0;
}

async function runSuites(
  suites: readonly string[],
  filters: readonly string[],
  reportFile: string,
): Promise<TestCount> {
  const exitCode = await runVitest([
    'run',
    ...['--config', join('test', 'vitest.config.ts')],
    ...suites.flatMap((suite) => ['--project', suite]),
    ...['--reporter', 'default', '--reporter', 'json', `--outputFile.json=${reportFile}`],
    '--passWithNoTests',
    ...filters,
  ]);
  const count = parseReport(readTextFile(reportFile) ?? '') ?? (exitCode === 0 ? NO_TESTS : ONE_FAILURE);
  // An error outside of every test fails the run without failing a test.
  return exitCode !== 0 && count.failed === 0 ? addCounts(count, ONE_FAILURE) : count;
}

function runVitest(args: readonly string[]): Promise<number> {
  return new Promise((resolve) => {
    const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
    const child = spawn(process.execPath, [vitest, ...args], { cwd: ROOT, stdio: 'inherit' });
    child.on('error', () => resolve(1));
    child.on('close', (code) => resolve(code ?? 1));
  });
}

/** Prints the closing line, and before it what nobody should overlook. */
function reportOutcome(total: TestCount, endToEnd: TestCount): number {
  for (const test of total.skipped) process.stdout.write(`skipped: ${test}\n`);
  // A pipeline has every part: a test that was skipped there is a promise that nobody checked.
  const isIncomplete = process.env['CI'] === 'true' && endToEnd.skipped.length > 0;
  if (isIncomplete) process.stdout.write('failed: with CI=true no end-to-end test may be skipped\n');
  if (total.passed + total.failed === 0) process.stdout.write('failed: no test ran\n');
  process.stdout.write(`${formatCount(total)}\n`);
  return total.failed === 0 && total.passed > 0 && !isIncomplete ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
