/** Waiting until the time is over; `test/e2e/kubelet-install.test.ts` sends the signals. */
import { expect, test } from 'vitest';
import { waitUnlessTerminated } from '../../../src/system/termination.ts';

test('a wait ends with its time, and listens to no signal any more', async () => {
  const before = process.listenerCount('SIGTERM');
  const waiting = waitUnlessTerminated(5);
  expect(process.listenerCount('SIGTERM')).toBe(before + 1);
  expect(await waiting).toBe(false);
  expect(process.listenerCount('SIGTERM')).toBe(before);
});
