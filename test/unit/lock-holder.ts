/**
 * A process that takes a lock again and again, and checks each time that nobody else holds it.
 *
 * Arguments: the folder, and how many times. It prints a line each time that two hold the lock, and `done` at the end.
 */
import { closeSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LockAttempt } from '../../src/cache/lock.ts';

const [folder = '', times = ''] = process.argv.slice(2);
const mark = join(folder, 'held');

for (let taken = 0; taken < Number(times); ) {
  const lock = new LockAttempt(folder, 'name').try();
  if (lock === undefined) {
    await sleep(Math.random() * 2);
    continue;
  }
  try {
    closeSync(openSync(mark, 'wx')); // fails when another holder is between here and the release
    await sleep(Math.random());
    rmSync(mark);
  } catch (cause) {
    process.stdout.write(`two held the lock: ${String(cause)}\n`);
  }
  lock.release();
  taken += 1;
}
process.stdout.write('done\n');
