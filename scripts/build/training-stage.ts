/**
 * Loaded before the program when its calls are recorded: makes it call the same functions on every machine, however busy.
 *
 * A waiting program wakes up by chance: by a timer, or because the system tells it of a change. Here only the end of the
 * other process wakes it. And root, for whom the program checks more, gets what every other user gets.
 */

import { EventEmitter } from 'node:events';
import fs, { readdirSync, writeSync } from 'node:fs';
import { WAITING_DESCRIPTOR } from './training-signal.ts';

const LOOK_MS = 5;
const ORDINARY_USER = 1000;

/** Tells of a file that is gone, and makes the program say that it waits instead of setting a timer. */
function watch(folder: string, _options: unknown, tell: (event: 'rename', file: null) => void) {
  const before = readdirSync(folder).length;
  const look = setInterval(() => {
    if (readdirSync(folder).length < before) tell('rename', null);
  }, LOOK_MS);
  Object.assign(globalThis, { setTimeout: () => void writeSync(WAITING_DESCRIPTOR, '.') });
  return Object.assign(new EventEmitter(), { close: () => clearInterval(look) });
}

/** Wraps a function that says who owns a file. */
function disown<Args extends readonly unknown[]>(look: (...args: Args) => unknown) {
  return (...args: Args) => {
    const stats = look(...args);
    return stats instanceof fs.Stats && stats.uid === 0 ? Object.assign(stats, { uid: ORDINARY_USER }) : stats;
  };
}

Object.assign(fs, { watch });
if (process.geteuid?.() === 0) {
  const { fstatSync, lstatSync, statSync } = fs;
  Object.assign(process, { geteuid: () => ORDINARY_USER });
  Object.assign(fs, { fstatSync: disown(fstatSync), lstatSync: disown(lstatSync), statSync: disown(statSync) });
}
