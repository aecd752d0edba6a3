/** What the program is built from: the version, the commit, and the time that everything made from it carries. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseJsonObject } from '../../src/json.ts';
import { runProgram } from './run.ts';

export interface Source {
  /** Such as `0.1.0`. */
  readonly version: string;
  /** The first twelve digits of the commit, with `-modified` when files differ from it; empty without git. */
  readonly commit: string;
  /** The time of the commit, or `SOURCE_DATE_EPOCH`, in seconds since 1970. @see https://reproducible-builds.org/specs/source-date-epoch/ */
  readonly epochSeconds: number;
}

/** @throws when package.json has no version, or SOURCE_DATE_EPOCH is not a number. */
export async function readSource(root: string, env: NodeJS.ProcessEnv = process.env): Promise<Source> {
  const manifest = parseJsonObject(await readFile(join(root, 'package.json'), 'utf8'));
  const version = manifest?.['version'];
  if (typeof version !== 'string') throw new Error('package.json has no version');
  const git = (...args: readonly string[]) => runProgram('git', ['-C', root, ...args]).catch(() => '');
  const [commit, time, changes] = await Promise.all([
    git('rev-parse', '--short=12', 'HEAD'),
    git('log', '-1', '--format=%ct'),
    git('status', '--porcelain', '--untracked-files=no'),
  ]);
  const name = commit.trim();
  return {
    version,
    commit: name === '' || changes === '' ? name : `${name}-modified`,
    epochSeconds: parseEpoch(env['SOURCE_DATE_EPOCH']) ?? Number(time.trim()),
  };
}

function parseEpoch(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (!/^\d{1,12}$/.test(value)) throw new Error(`SOURCE_DATE_EPOCH must be a number of seconds, and is "${value}"`);
  return Number(value);
}
