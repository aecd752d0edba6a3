/** Whether a process is running. */
import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { isRunning } from '../../../src/system/processes.ts';

test('isRunning tells a running process from one that has ended', () => {
  expect(isRunning(process.pid)).toBe(true);
  expect(isRunning(1)).toBe(true);
  expect(isRunning(spawnSync(process.execPath, ['--version']).pid)).toBe(false);
});

test('isRunning takes what is not a process id for a running process, so that nothing of it is removed', () => {
  expect(isRunning(Number.NaN)).toBe(true);
});
