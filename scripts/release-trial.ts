/**
 * Makes a release of this machine's target for the tests, in `dist/release-trial`: from a clone in another folder, so
 * that a path or a time that got into it shows, and compressed little.
 */

import { cp, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { environmentWithoutNodeSettings, runProgram } from './build/run.ts';
import { findHostTarget } from './build/target.ts';

const root = join(import.meta.dirname, '..');

async function makeTrialRelease(): Promise<void> {
  const target = findHostTarget();
  if (target === undefined) throw new Error('There is no executable for this platform');
  const elsewhere = await mkdtemp(join(tmpdir(), 'docker-credential-acr-elsewhere-'));
  try {
    await cloneCheckout(elsewhere);
    const args = [join(elsewhere, 'scripts/release.ts'), '--target', target.name, '--fast'];
    process.stdout.write(
      await runProgram(process.execPath, [...args, '--output', join(root, 'dist/release-trial')], {
        cwd: elsewhere,
        env: environmentWithoutNodeSettings(),
      }),
    );
  } finally {
    await rm(elsewhere, { recursive: true, force: true });
  }
}

/** Clones the checkout with what is not committed yet. */
async function cloneCheckout(folder: string): Promise<void> {
  const git = (...args: readonly string[]) => runProgram('git', ['-C', root, ...args]);
  await git('clone', '--quiet', '--shared', root, folder);
  const changed = await git('diff', '--name-only', '-z', '--no-renames', 'HEAD');
  const added = await git('ls-files', '-z', '--others', '--exclude-standard');
  for (const file of `${changed}${added}`.split('\0').filter((name) => name !== '')) {
    await rm(join(folder, file), { force: true });
    await cp(join(root, file), join(folder, file)).catch(ignoreMissing);
  }
  // Hard links: with a symbolic one, esbuild would see this checkout's path.
  await runProgram('cp', ['-al', join(root, 'node_modules'), join(folder, 'node_modules')]);
  await symlink(join(root, '.parts'), join(folder, '.parts'));
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
}

await makeTrialRelease();
