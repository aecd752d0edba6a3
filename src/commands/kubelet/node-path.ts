/** Finds a node's files below the folder at which its file system is mounted. No link leads out of that folder. */

import { lstatSync, readlinkSync, type Stats } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { MISSING_IS_UNDEFINED, WRITE_ACCESS_BY_OTHERS } from '../../system/folders.ts';

/** A path as the node's own programs see it, and where that is for this process. */
export interface NodePath {
  readonly path: string;
  readonly file: string;
}

const MAX_LINKS = 40;
const STICKY = 0o1000;
const WRITE_ACCESS_OF_GROUP = 0o020;
const ROOT = 0;

/**
 * Finds a file, which may be missing. A link is not followed if it is the file itself, only in the folders before it.
 * @throws an error without a code when links lead in a circle, or when others than root and the current user could put
 * something else in the place of a folder.
 */
export function locateOnNode(hostRoot: string, path: string): NodePath {
  return { path, file: walk(hostRoot, path, false) };
}

/** Finds what a path means for the node's own programs, which follow every link. @throws as `locateOnNode` */
export function followOnNode(hostRoot: string, path: string): string {
  return walk(hostRoot, path, true);
}

/** Walks as the system would if the folder were its root: an absolute link begins there, and `..` ends there. */
function walk(hostRoot: string, path: string, followsLast: boolean): string {
  let names: readonly string[] = [];
  let rest = split(path);
  let links = 0;
  assertTrusted(hostRoot, lstatSync(hostRoot, MISSING_IS_UNDEFINED));
  for (;;) {
    const [name, ...others] = rest;
    if (name === undefined) return join(hostRoot, ...names);
    rest = others;
    if (name === '..') {
      names = names.slice(0, -1);
      continue;
    }
    const file = join(hostRoot, ...names, name);
    const stats = lstatSync(file, MISSING_IS_UNDEFINED);
    if (stats?.isSymbolicLink() !== true || (rest.length === 0 && !followsLast)) {
      if (rest.length > 0) assertTrusted(file, stats);
      names = [...names, name];
      continue;
    }
    links += 1;
    if (links > MAX_LINKS) throw new Error('its links lead in a circle');
    const target = readlinkSync(file);
    if (isAbsolute(target)) names = [];
    rest = [...split(target), ...rest];
  }
}

function split(path: string): readonly string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.');
}

/** What runs as root on each node must not be replaceable by anyone else. */
function assertTrusted(folder: string, stats: Stats | undefined): void {
  const userId = process.geteuid?.();
  if (stats === undefined || userId === undefined) return;
  if (!stats.isDirectory()) throw new Error(`${folder} is not a folder`);
  if (stats.uid !== ROOT && stats.uid !== userId) {
    throw new Error(`${folder} belongs to another user (${stats.uid})`);
  }
  if ((stats.mode & STICKY) !== 0) return;
  const isGroupTrusted = stats.gid === ROOT;
  const access = stats.mode & WRITE_ACCESS_BY_OTHERS & (isGroupTrusted ? ~WRITE_ACCESS_OF_GROUP : ~0);
  if (access !== 0) throw new Error(`others can write to ${folder}`);
}
