/**
 * A lock between processes. It becomes free when its holder is killed.
 *
 * Each holder creates a lock file with a generation number, exclusively. When a process finds the newest holder dead,
 * it creates the next generation, and only one process can. No process ever takes over an existing file, so two
 * processes can never both take the same lock over. A holder is dead when its process is gone, or when its file has not
 * been touched for a few seconds. The second rule also covers a stopped process, a reused process id, and another
 * machine or container that shares the folder.
 */

import { readdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { readErrorCode } from '../errors.ts';
import { parseJsonObject } from '../json.ts';
import { readClockMs } from '../system/clock.ts';
import { createOwnFile, readOwnFile, removeFile } from '../system/files.ts';
import { readMachine } from '../system/machine.ts';
import { readRandomHex } from '../system/random.ts';
import {
  DEAD_AFTER_MS,
  type Holding,
  isHolderDead,
  isReplaced,
  parseHolding,
  type SeenHolder,
  watchHolder,
} from './lock-holder.ts';

/** A lock that this process holds. */
export interface Lock extends Holding {
  readonly release: () => void;
}

interface Generation {
  readonly number: number;
  readonly isFile: boolean;
}

const HEARTBEAT_MS = 500;
const MAX_LOCK_BYTES = 1024;
/** A number as we write it. The numbers begin anew whenever the lock is free, so they stay small. */
const GENERATION = /^[1-9]\d{0,8}$/;
const MAX_GENERATION = 999_999_999;
const ID_BYTES = 8;
const KEY_BYTES = 16;

/** Repeated attempts to get one lock. It remembers what it saw of the holder between attempts. */
export class LockAttempt {
  readonly #folder: string;
  readonly #name: string;
  #seen: SeenHolder | undefined;
  #holding: Holding | undefined;

  /** @param folder the folder of the lock files, which must exist. */
  constructor(folder: string, name: string) {
    this.#folder = folder;
    this.#name = name;
  }

  /** The last holder that an attempt met; `undefined` when there was none. */
  get holding(): Holding | undefined {
    return this.#holding;
  }

  /**
   * Tries once to get the lock, without waiting.
   * @returns `undefined` while another process holds the lock.
   * @throws the system's error when the lock file cannot be created.
   */
  try(): Lock | undefined {
    const generations = this.#listGenerations();
    // A folder of that name is not a lock. It stays, and its number is not used.
    const old = generations.filter(({ isFile }) => isFile);
    const newest = old.at(-1);
    if (newest !== undefined && !this.#isDead(this.#file(newest))) return undefined;
    const file = this.#file({ number: chooseNumber(generations) });
    const holding = { id: readRandomHex(ID_BYTES), key: readRandomHex(KEY_BYTES) };
    const text = JSON.stringify({ process: process.pid, ...readMachine(), ...holding });
    try {
      createOwnFile(file, text);
    } catch (cause) {
      if (readErrorCode(cause) === 'EEXIST') return undefined;
      throw cause;
    }
    for (const generation of old) {
      // Since we looked, a living process may have created a file with the name of the dead one.
      if (generation === newest && this.#seen !== undefined && isReplaced(this.#seen)) {
        removeFile(file);
        return undefined;
      }
      removeFile(this.#file(generation));
    }
    // A process that was suspended finds its lock taken over, and perhaps another one under the same name.
    const isOurs = () => readOwnFile(file, MAX_LOCK_BYTES) === text;
    const heartbeat = setInterval(() => {
      if (isOurs()) touch(file);
    }, HEARTBEAT_MS).unref();
    return {
      ...holding,
      release: () => {
        clearInterval(heartbeat);
        if (isOurs()) removeFile(file);
      },
    };
  }

  #file({ number }: Pick<Generation, 'number'>): string {
    return join(this.#folder, `${this.#name}.${number}`);
  }

  #listGenerations(): Generation[] {
    const prefix = `${this.#name}.`;
    return readdirSync(this.#folder, { withFileTypes: true })
      .filter(({ name }) => name.startsWith(prefix) && GENERATION.test(name.slice(prefix.length)))
      .map((entry) => ({ number: Number(entry.name.slice(prefix.length)), isFile: entry.isFile() }))
      .sort((one, other) => one.number - other.number);
  }

  #isDead(file: string): boolean {
    this.#seen = watchHolder(file);
    if (this.#seen === undefined) return false; // released a moment ago: look again
    const { sinceMs, touchedMs } = this.#seen;
    // Measured with our own clock: a shared folder may be on a machine with another time.
    if (readClockMs() - sinceMs > DEAD_AFTER_MS) return true;
    const holder = parseJsonObject(readOwnFile(file, MAX_LOCK_BYTES) ?? '');
    if (holder !== undefined) {
      this.#holding = parseHolding(holder) ?? this.#holding;
      const isDead = isHolderDead(holder, touchedMs);
      if (isDead !== undefined) return isDead;
    }
    // It may be dead. If so, it may also hold a lock that this process needs later.
    for (const name of readdirSync(this.#folder)) watchHolder(join(this.#folder, name));
    return false;
  }
}

/** The number after the last one; where somebody has planted that, the first that is free. */
function chooseNumber(generations: readonly Generation[]): number {
  const next = (generations.at(-1)?.number ?? 0) + 1;
  if (next <= MAX_GENERATION) return next;
  const taken = new Set(generations.map(({ number }) => number));
  let free = 1;
  while (taken.has(free)) free += 1;
  return free;
}

function touch(file: string): void {
  try {
    const now = new Date();
    utimesSync(file, now, now);
  } catch {
    // Somebody removed the folder, and the lock with it.
  }
}
