/** Lets root work in another user's folder with no more than that user's rights. */

import { lstatSync, readFileSync } from 'node:fs';
import { dirname, parse, resolve, sep } from 'node:path';
import { MISSING_IS_UNDEFINED } from './folders.ts';

/** The user to whom files of unknown users seem to belong. */
const UNKNOWN_USER = 65_534;
const ALL_USERS = /^\s*0\s+0\s+4294967295\s*$/;

/** A user of the system, and the group for new files. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Finds the user who decides what is at a path: the owner of its first folder or link that is not root's.
 * @returns `undefined` when nobody but root does, and for everybody who is not root: then the system checks the rights.
 */
export function findDecidingOwner(path: string): Owner | undefined {
  if (process.geteuid?.() !== 0) return undefined;
  const { root } = parse(path);
  const names = resolve(path).slice(root.length).split(sep);
  for (let count = 1; count <= names.length; count += 1) {
    const stats = lstatSync(root + names.slice(0, count).join(sep), MISSING_IS_UNDEFINED);
    if (stats === undefined) return undefined;
    if (stats.uid === UNKNOWN_USER && isUserNamespace()) continue;
    // Where only root can rename, the owner of a file decides its content and nothing else.
    if (stats.uid !== 0 && (stats.isDirectory() || stats.isSymbolicLink())) return { uid: stats.uid, gid: stats.gid };
    if (stats.uid !== 0 && isSharedFolder(dirname(root + names.slice(0, count).join(sep)))) {
      return { uid: stats.uid, gid: stats.gid };
    }
  }
  return undefined;
}

/**
 * Runs synchronous work with the rights of a user. As root of their home, a link that they put there would otherwise
 * lead root to any file of the system.
 * @param owner `undefined` for one's own rights.
 */
export function withRightsOf<T>(owner: Owner | undefined, work: () => T): T {
  if (owner === undefined) return work();
  const groups = process.getgroups?.() ?? [];
  const groupId = process.getegid?.() ?? 0;
  process.setgroups?.([]);
  process.setegid?.(owner.gid);
  process.seteuid?.(owner.uid);
  try {
    return work();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(groupId);
    process.setgroups?.(groups);
  }
}

/**
 * Whether this root is only that of a user namespace, as in `podman unshare`: the system's folders then seem to belong to
 * an unknown user, and to them, this root has the rights of an ordinary user.
 * @see https://man7.org/linux/man-pages/man7/user_namespaces.7.html
 */
function isUserNamespace(): boolean {
  try {
    return !ALL_USERS.test(readFileSync('/proc/self/uid_map', 'utf8'));
  } catch {
    return false; // another system, or no /proc
  }
}

/** Whether others than its owner can add and rename files in a folder. */
function isSharedFolder(folder: string): boolean {
  return (lstatSync(folder).mode & 0o022) !== 0;
}
