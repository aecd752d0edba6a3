/**
 * A lock between processes. It becomes free when its holder is killed.
 *
 * Each holder creates a lock file with a generation number, exclusively. When a process finds the newest holder dead,
 * it creates the next generation, and only one process can. No process ever takes over an existing file, so two
 * processes can never both take the same lock over. A holder is dead when its process is gone, or when its file has not
 * been touched for a few seconds. The second rule also covers a stopped process, a reused process id, and another
 * machine or container that shares the folder.
 */

import { readdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { readErrorCode } from '../errors.ts';
import { readClockMs } from '../system/clock.ts';
import { createOwnFile, readOwnFile } from '../system/files.ts';

/** A lock that this process holds. */
export interface Lock {
  readonly release: () => void;
}

interface SeenHolder {
  readonly file: string;
  readonly inode: number;
  readonly touchedMs: number;
  /** When we first saw the file in this state, on the clock of `readClockMs`. */
  readonly sinceMs: number;
}

const HEARTBEAT_MS = 500;
const DEAD_AFTER_MS = 3_000;
const MAX_LOCK_BYTES = 1024;

/** Repeated attempts to get one lock. It remembers what it saw of the holder between attempts. */
export class LockAttempt {
  readonly #folder: string;
  readonly #name: string;
  #seen: SeenHolder | undefined;

  /** @param folder the folder of the lock files, which must exist. */
  constructor(folder: string, name: string) {
    this.#folder = folder;
    this.#name = name;
  }

  /**
   * Tries once to get the lock, without waiting.
   * @returns `undefined` while another process holds the lock.
   * @throws the system's error when the lock file cannot be created.
   */
  try(): Lock | undefined {
    const generations = this.#listGenerations();
    const newest = generations.at(-1);
    if (newest !== undefined && !this.#isDead(this.#file(newest))) return undefined;
    const file = this.#file((newest ?? 0) + 1);
    const text = `${process.pid} ${readHostName()} ${Math.random().toString(36).slice(2)}`;
    try {
      createOwnFile(file, text);
    } catch (cause) {
      if (readErrorCode(cause) === 'EEXIST') return undefined;
      throw cause;
    }
    for (const generation of generations) {
      // Since we looked, a living process may have created a file with the name of the dead one.
      if (generation === newest && this.#seen !== undefined && isReplaced(this.#seen)) {
        rmSync(file, { force: true });
        return undefined;
      }
      rmSync(this.#file(generation), { force: true });
    }
    // A process that was suspended finds its lock taken over, and perhaps another one under the same name.
    const isOurs = () => readOwnFile(file, MAX_LOCK_BYTES) === text;
    const heartbeat = setInterval(() => {
      if (isOurs()) touch(file);
    }, HEARTBEAT_MS).unref();
    return {
      release: () => {
        clearInterval(heartbeat);
        if (isOurs()) rmSync(file, { force: true });
      },
    };
  }

  #file(generation: number): string {
    return join(this.#folder, `${this.#name}.${generation}`);
  }

  #listGenerations(): number[] {
    const prefix = `${this.#name}.`;
    return readdirSync(this.#folder)
      .filter((name) => name.startsWith(prefix))
      .map((name) => name.slice(prefix.length))
      .filter((generation) => /^\d{1,15}$/.test(generation))
      .map(Number)
      .sort((one, other) => one - other);
  }

  #isDead(file: string): boolean {
    let touchedMs: number;
    let inode: number;
    try {
      ({ mtimeMs: touchedMs, ino: inode } = statSync(file));
    } catch {
      return false; // released a moment ago: look again
    }
    const nowMs = readClockMs();
    if (this.#seen?.file !== file || this.#seen.touchedMs !== touchedMs) {
      this.#seen = { file, inode, touchedMs, sinceMs: nowMs };
    }
    // Measured with our own clock: a shared folder may be on a machine with another time.
    if (nowMs - this.#seen.sinceMs > DEAD_AFTER_MS) return true;
    const [processId, host] = (readOwnFile(file, MAX_LOCK_BYTES) ?? '').split(' ');
    if (Date.now() - touchedMs <= DEAD_AFTER_MS && isRunning(Number(processId))) return false;
    // Checked last, so that a process that waits for a living holder loads no module for the host name.
    return host === readHostName();
  }
}

function readHostName(): string {
  return process.getBuiltinModule('node:os').hostname();
}

function isReplaced({ file, inode, touchedMs }: SeenHolder): boolean {
  try {
    const stats = statSync(file);
    return stats.ino !== inode || stats.mtimeMs !== touchedMs;
  } catch {
    return false; // the holder's file is gone, as expected
  }
}

function touch(file: string): void {
  try {
    const now = new Date();
    utimesSync(file, now, now);
  } catch {
    // Somebody removed the folder, and the lock with it.
  }
}

function isRunning(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch (cause) {
    return readErrorCode(cause) !== 'ESRCH';
  }
}
