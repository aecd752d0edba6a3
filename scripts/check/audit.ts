/**
 * The check of the dependencies: the lock file by itself, and npm's signatures and advisories where the registry
 * answers. `npm run audit` runs it, since `npm run check` needs no network.
 */

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkLockFile, readAllowedScripts } from './lock-file.ts';
import { type NpmReport, readAudit, readSignatures } from './npm-report.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** npm gives up on a silent server only after minutes. */
const OPTIONS = ['--json', '--fetch-retries=1', '--fetch-timeout=20000'];
const LIMIT_MS = 180_000;

/** Runs npm, and returns what it prints on stdout, whatever its exit code is. */
function runNpm(args: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    const options = { cwd: ROOT, timeout: LIMIT_MS, maxBuffer: 64 * 1024 * 1024, shell: process.platform === 'win32' };
    execFile('npm', [...args, ...OPTIONS], options, (_error, stdout) => resolve(stdout));
  });
}

function readJson(name: string): unknown {
  return JSON.parse(readFileSync(join(ROOT, name), 'utf8'));
}

/** @returns whether there is no problem. */
function print(what: string, report: NpmReport): boolean {
  if ('skipped' in report) {
    process.stdout.write(`${what}: skipped: ${report.skipped}\n`);
    return true;
  }
  for (const problem of report.problems) process.stdout.write(`${what}: failed: ${problem}\n`);
  if (report.problems.length === 0) process.stdout.write(`${what}: good\n`);
  return report.problems.length === 0;
}

const lockFile = {
  problems: checkLockFile(readJson('package-lock.json'), readAllowedScripts(readJson('package.json'))),
};
const results = [
  print('lock file', lockFile),
  print('signatures', readSignatures(await runNpm(['audit', 'signatures']))),
  print('advisories', readAudit(await runNpm(['audit']))),
];
process.exitCode = results.every((isGood) => isGood) ? 0 : 1;
