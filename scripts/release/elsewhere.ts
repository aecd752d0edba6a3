/** Makes a release from a clone in another folder, where a path, a time or a setting that got into it shows. */

import { cp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runGit } from '../build/git.ts';
import { ignoreMissing } from '../build/missing-file.ts';
import { environmentWithoutNodeSettings, runProgram } from '../build/run.ts';
import { useScratchFolder } from '../build/scratch.ts';

export interface ElsewhereOptions {
  /** The checkout to clone, with what is not committed yet. */
  readonly root: string;
  /** The arguments of `scripts/release.ts`. */
  readonly args: readonly string[];
  /** Installs the npm packages, or links those of the checkout, which takes less time. */
  readonly npmPackages: 'install' | 'link';
}

/** What nobody publishes needs no signature. */
const WITHOUT_KEYS = { RELEASE_MINISIGN_KEY: '', RELEASE_COSIGN_KEY: '' };

/**
 * Makes a release with other settings of the machine than usual: time zone, language and umask.
 *
 * @returns what it printed.
 * @throws when it fails.
 */
export async function makeElsewhere({ root, args, npmPackages }: ElsewhereOptions): Promise<string> {
  // The name is longer than that of most folders: a path that got into a file would move everything behind it.
  return await useScratchFolder(join(tmpdir(), 'docker-credential-acr-made-elsewhere-'), async (folder) => {
    await cloneCheckout(root, folder);
    if (npmPackages === 'install') await runProgram('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder });
    // Hard links: with a symbolic one, esbuild would see this checkout's path.
    else await runProgram('cp', ['-al', join(root, 'node_modules'), join(folder, 'node_modules')]);
    await symlink(join(root, '.parts'), join(folder, '.parts'));
    const node = join(folder, 'node_modules/.bin/node');
    const script = [node, join(folder, 'scripts/release.ts'), ...args];
    return await runProgram('sh', ['-c', 'umask 077 && exec "$@"', 'sh', ...script], {
      cwd: folder,
      env: { ...environmentWithoutNodeSettings(), ...WITHOUT_KEYS, TZ: 'Pacific/Kiritimati', LC_ALL: 'C' },
    });
  });
}

async function cloneCheckout(root: string, folder: string): Promise<void> {
  const git = (...args: readonly string[]) => runGit(root, ...args);
  await git('clone', '--quiet', '--shared', root, folder);
  const changed = await git('diff', '--name-only', '-z', '--no-renames', 'HEAD');
  const added = await git('ls-files', '-z', '--others', '--exclude-standard');
  for (const file of `${changed}${added}`.split('\0').filter((name) => name !== '')) {
    await rm(join(folder, file), { force: true });
    await cp(join(root, file), join(folder, file)).catch(ignoreMissing);
  }
}
