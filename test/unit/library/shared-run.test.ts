/** A run that several callers wait for. */
import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { SharedRun } from '../../../src/library/shared-run.ts';

/** A run that ends when the test says so. */
function startRun() {
  let finish = (_value: string) => {};
  let signal = new AbortController().signal;
  const run = new SharedRun((given: AbortSignal) => {
    signal = given;
    return new Promise<string>((resolve) => {
      finish = resolve;
    });
  });
  return { run, finish: (value: string) => finish(value), isAborted: () => signal.aborted };
}

test('gives its result to all that wait', async () => {
  const { run, finish, isAborted } = startRun();
  const joined = [run.join(undefined), run.join(new AbortController().signal)];
  expect(isAborted()).toBe(false);
  finish('token');
  expect(await Promise.all(joined)).toEqual(['token', 'token']);
});

test('gives its failure to all that wait', async () => {
  const run = new SharedRun<string>(() => Promise.reject(new Error('refused')));
  const joined = [run.join(undefined), run.join(new AbortController().signal)];
  for (const one of joined) await expect(one).rejects.toThrow('refused');
});

test('goes on when one of two leaves, and is called off when the last one does', async () => {
  const { run, isAborted } = startRun();
  const [first, second] = [new AbortController(), new AbortController()];
  const joined = [run.join(first.signal), run.join(second.signal)];
  first.abort(new Error('first'));
  await expect(joined[0]).rejects.toThrow('first');
  expect([isAborted(), run.isCalledOff]).toEqual([false, false]);
  second.abort(new Error('second'));
  await expect(joined[1]).rejects.toThrow('second');
  expect([isAborted(), run.isCalledOff]).toEqual([true, true]);
});

test('fails unheard when nobody waits any more', async () => {
  const run = new SharedRun<string>((signal) => new Promise((_, reject) => signal.addEventListener('abort', reject)));
  const leaving = new AbortController();
  const joined = run.join(leaving.signal);
  leaving.abort(new Error('left'));
  await expect(joined).rejects.toThrow('left');
  await wait(1); // an unhandled rejection would fail the test run
});
