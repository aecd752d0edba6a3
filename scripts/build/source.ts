/** What the program is built from: the version, the commit, and the time that everything made from it carries. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseJsonObject } from '../../src/json.ts';
import { runGit } from './git.ts';

export interface Source {
  /** Such as `0.1.0`. */
  readonly version: string;
  /** The first twelve digits of the commit, with `-modified` when files differ from it; empty outside a checkout. */
  readonly commit: string;
  /** The time of the commit, or `SOURCE_DATE_EPOCH`, in seconds since 1970. @see https://reproducible-builds.org/specs/source-date-epoch/ */
  readonly epochSeconds: number;
}

/** @throws when package.json has no version, or SOURCE_DATE_EPOCH is not a number. */
export async function readSource(root: string, env: NodeJS.ProcessEnv = process.env): Promise<Source> {
  const manifest = parseJsonObject(await readFile(join(root, 'package.json'), 'utf8'));
  const version = manifest?.['version'];
  if (typeof version !== 'string') throw new Error('package.json has no version');
  const epochSeconds = parseEpoch(env['SOURCE_DATE_EPOCH']);
  if (!(await isCheckout(root))) return { version, commit: '', epochSeconds: epochSeconds ?? 0 };
  const [commit, time, changes] = await Promise.all([
    runGit(root, 'rev-parse', '--short=12', 'HEAD'),
    runGit(root, 'log', '-1', '--no-show-signature', '--format=%ct'),
    runGit(root, 'status', '--porcelain', '--untracked-files=no'),
  ]);
  return {
    version,
    commit: changes === '' ? commit.trim() : `${commit.trim()}-modified`,
    epochSeconds: epochSeconds ?? Number(time.trim()),
  };
}

/** Whether a folder is the top of a git checkout with a commit. Sources may also lie in a checkout of something else. */
function isCheckout(folder: string): Promise<boolean> {
  return runGit(folder, 'rev-parse', '--show-prefix', 'HEAD').then(
    (said) => said.startsWith('\n'),
    () => false,
  );
}

function parseEpoch(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (!/^\d{1,12}$/.test(value)) throw new Error(`SOURCE_DATE_EPOCH must be a number of seconds, and is "${value}"`);
  return Number(value);
}
