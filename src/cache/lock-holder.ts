/** The holder of a lock, as its lock file shows it: how it holds the lock, and whether it is dead. */

import { statSync } from 'node:fs';
import { asText, type JsonObject } from '../json.ts';
import { readClockMs } from '../system/clock.ts';
import { parseMachine, readMachine, sharesProcesses } from '../system/machine.ts';
import { isRunning } from '../system/processes.ts';

/** One holding of a lock. Both texts are in the lock file, and only there. */
export interface Holding {
  /** Names the holding. */
  readonly id: string;
  /** Known only to the holder and to those who saw its lock file: with it, the holder signs what it tells them. */
  readonly key: string;
}

/** The state of a lock file, which its holder changes all the time. */
export interface SeenHolder {
  readonly file: string;
  readonly inode: number;
  readonly touchedMs: number;
  /** When we first saw the file in this state, on the clock of `readClockMs`. */
  readonly sinceMs: number;
}

/** A holder whose file has not changed for so long is dead. */
export const DEAD_AFTER_MS = 3_000;

/**
 * What this process has seen of each lock file. All its attempts share it: a dead process may have left two locks, one
 * within the other, and is watched only once.
 */
const seenHolders = new Map<string, SeenHolder>();

/**
 * Looks at a lock file.
 * @returns its state, and since when it has been in it; `undefined` when there is no such file.
 */
export function watchHolder(file: string): SeenHolder | undefined {
  try {
    const { mtimeMs: touchedMs, ino: inode } = statSync(file);
    const seen = seenHolders.get(file);
    if (seen?.touchedMs === touchedMs && seen.inode === inode) return seen;
    const holder = { file, inode, touchedMs, sinceMs: readClockMs() };
    seenHolders.set(file, holder);
    return holder;
  } catch {
    return undefined;
  }
}

/**
 * Decides whether a holder is dead, without watching it.
 * @param holder the content of its lock file.
 * @returns `undefined` when only watching it can tell.
 */
export function isHolderDead(holder: JsonObject, touchedMs: number): boolean | undefined {
  const machine = readMachine();
  const other = parseMachine(holder);
  if (sharesProcesses(other, machine)) {
    const { process: processId } = holder;
    if (Date.now() - touchedMs > DEAD_AFTER_MS) return true;
    return typeof processId === 'number' ? !isRunning(processId) : undefined;
  }
  // After a restart of this machine, no process of the time before it is left.
  return other.host === machine.host && touchedMs < readStartMs() ? true : undefined;
}

/**
 * Reads how a holder holds the lock.
 * @returns `undefined` for a lock file without it, such as that of an older version.
 */
export function parseHolding({ id, key }: JsonObject): Holding | undefined {
  const [ours, secret] = [asText(id), asText(key)];
  return ours === undefined || secret === undefined ? undefined : { id: ours, key: secret };
}

/** Whether another file, or a sign of life, has taken the place of what was seen. */
export function isReplaced({ file, inode, touchedMs }: SeenHolder): boolean {
  try {
    const stats = statSync(file);
    return stats.ino !== inode || stats.mtimeMs !== touchedMs;
  } catch {
    return false; // the holder's file is gone, as expected
  }
}

/** When this machine was started, in milliseconds since the epoch. */
function readStartMs(): number {
  return Date.now() - process.getBuiltinModule('node:os').uptime() * 1000;
}
