/**
 * A lock among processes that a killed holder cannot keep.
 *
 * Each holder has a file of its own generation, made exclusively. Whoever finds the newest holder dead makes the next
 * generation, which only one can; no file is ever taken over, so there is no moment in which two believe that they
 * did. A holder is dead when its process is gone or when its file has not been touched for a few seconds, which also
 * covers a stopped process, a reused process id and another machine or container that shares the folder.
 */

import { readdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { readErrorCode } from '../errors.ts';
import { readClockMs } from '../system/clock.ts';
import { createOwnFile, readOwnFile } from '../system/files.ts';

export interface Lock {
  readonly release: () => void;
}

interface SeenHolder {
  readonly file: string;
  readonly inode: number;
  readonly touchedMs: number;
  /** When we first saw it so, on the clock of `readClockMs`. */
  readonly sinceMs: number;
}

const HEARTBEAT_MS = 500;
const DEAD_AFTER_MS = 3_000;
const MAX_LOCK_BYTES = 1024;

/** Tries to get one lock, again and again; remembers what it saw of the holder in between. */
export class LockAttempt {
  readonly #folder: string;
  readonly #name: string;
  #seen: SeenHolder | undefined;

  /** @param name of the lock, in a folder that is there. */
  constructor(folder: string, name: string) {
    this.#folder = folder;
    this.#name = name;
  }

  /**
   * @returns the lock, or `undefined` while somebody else has it.
   * @throws the system's error where no lock can be made at all.
   */
  try(): Lock | undefined {
    const generations = this.#listGenerations();
    const newest = generations.at(-1);
    if (newest !== undefined && !this.#isDead(this.#file(newest))) return undefined;
    const file = this.#file((newest ?? 0) + 1);
    try {
      createOwnFile(file, `${process.pid} ${readHostName()}`);
    } catch (cause) {
      if (readErrorCode(cause) === 'EEXIST') return undefined;
      throw cause;
    }
    for (const generation of generations) {
      // The name of a dead one may have been given to a living one since we looked.
      if (generation === newest && this.#seen !== undefined && isReplaced(this.#seen)) {
        rmSync(file, { force: true });
        return undefined;
      }
      rmSync(this.#file(generation), { force: true });
    }
    const heartbeat = setInterval(() => touch(file), HEARTBEAT_MS).unref();
    return {
      release: () => {
        clearInterval(heartbeat);
        rmSync(file, { force: true });
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
    // Measured on our own clock, since a shared folder may keep another one's time.
    if (nowMs - this.#seen.sinceMs > DEAD_AFTER_MS) return true;
    const [processId, host] = (readOwnFile(file, MAX_LOCK_BYTES) ?? '').split(' ');
    if (Date.now() - touchedMs <= DEAD_AFTER_MS && isRunning(Number(processId))) return false;
    // Asked last, since it takes a module that those who wait for a living holder do not load.
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
    return false; // gone, as it should be
  }
}

function touch(file: string): void {
  try {
    const now = new Date();
    utimesSync(file, now, now);
  } catch {
    // The folder was removed under us: then there is nothing left to hold.
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
