/** Waiting for the holder of a lock: what wakes the waiting process, and what it does where nothing can be watched. */
import { once } from 'node:events';
import { mkdirSync, renameSync, rmSync, utimesSync, watch, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { LockWait } from '../../../src/cache/lock-wait.ts';
import { useTemporaryFolder } from '../temporary-folder.ts';

const folder = useTemporaryFolder();
const toClose: { readonly close: () => void }[] = [];

beforeEach(() => {
  // Time stands still, so that only an event can end a wait.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  mkdirSync(folder.path('locks'));
  writeFileSync(folder.path('locks', 'name.1'), '');
});
afterEach(() => {
  for (const one of toClose.splice(0)) one.close();
  vi.useRealTimers();
});

/** Begins to wait for the lock `name`. The first wait, which returns at once, is over. */
async function startWaiting(path = folder.path('locks')): Promise<LockWait> {
  const wait = new LockWait(path, 'name');
  toClose.push(wait);
  await wait.next();
  return wait;
}

/** Waits for the next attempt. `isOver` tells whether the wait has ended. */
function follow(wait: LockWait) {
  let isOver = false;
  const over = wait.next().then(() => {
    isOver = true;
  });
  return { over, isOver: () => isOver };
}

/** Acts, and waits until every watcher of the folder in this process has heard of it. */
async function actAndHear(act: () => void): Promise<void> {
  const watcher = watch(folder.path('locks'));
  const heard = once(watcher, 'change');
  act();
  await heard;
  await new Promise((resolve) => setImmediate(resolve));
  watcher.close();
}

describe('a wait in a folder that can be watched', () => {
  test('returns at once the first time, since the first attempt was before the watch', async () => {
    const wait = new LockWait(folder.path('locks'), 'name');
    toClose.push(wait);
    const first = follow(wait);
    await first.over;
    expect(vi.getTimerCount()).toBe(0);
  });

  const events: readonly (readonly [what: string, act: () => void])[] = [
    ["the lock's file is removed", () => rmSync(folder.path('locks', 'name.1'))],
    ['the next holder creates a file', () => writeFileSync(folder.path('locks', 'name.2'), '')],
    ['a failure is saved beside it', () => writeFileSync(folder.path('locks', 'name.failed'), '')],
    [
      'a failure is moved beside it',
      () => {
        writeFileSync(folder.path('elsewhere'), '');
        renameSync(folder.path('elsewhere'), folder.path('locks', 'name.failed'));
      },
    ],
  ];
  for (const [what, act] of events) {
    test(`ends as soon as ${what}`, async () => {
      const { over, isOver } = follow(await startWaiting());
      expect(isOver()).toBe(false);
      act();
      await over;
    });

    test(`returns at once when ${what} before it begins`, async () => {
      const wait = await startWaiting();
      await actAndHear(act);
      await wait.next();
      expect(vi.getTimerCount()).toBe(0);
    });
  }

  const others: readonly (readonly [what: string, act: () => void])[] = [
    ['the holder touches its file', () => utimesSync(folder.path('locks', 'name.1'), 1, 1)],
    ['the lock of another key is taken', () => writeFileSync(folder.path('locks', 'other.1'), '')],
    [
      'a file appears whose name only contains that of the lock',
      () => writeFileSync(folder.path('locks', '.name'), ''),
    ],
  ];
  for (const [what, act] of others) {
    test(`goes on when ${what}, and ends with the release`, async () => {
      const { over, isOver } = follow(await startWaiting());
      await actAndHear(act);
      expect(isOver()).toBe(false);
      rmSync(folder.path('locks', 'name.1'));
      await over;
    });
  }

  test('ends without an event after 125 to 375 ms, since a holder that dies causes none', async () => {
    const { isOver } = follow(await startWaiting());
    await vi.advanceTimersByTimeAsync(124);
    expect(isOver()).toBe(false);
    await vi.advanceTimersByTimeAsync(252);
    expect(isOver()).toBe(true);
  });

  test('leaves no timer behind', async () => {
    const { over } = follow(await startWaiting());
    expect(vi.getTimerCount()).toBe(1);
    rmSync(folder.path('locks', 'name.1'));
    await over;
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('a wait where nothing can be watched', () => {
  test('ends after 4 to 12 ms at first, and after 50 to 150 ms later', async () => {
    const wait = await startWaiting(folder.path('none'));
    const first = follow(wait);
    await vi.advanceTimersByTimeAsync(3);
    expect(first.isOver()).toBe(false);
    await vi.advanceTimersByTimeAsync(10);
    expect(first.isOver()).toBe(true);
    for (let waits = 0; waits < 10; waits += 1) {
      const next = follow(wait);
      await vi.advanceTimersByTimeAsync(151);
      expect(next.isOver()).toBe(true);
    }
    const late = follow(wait);
    await vi.advanceTimersByTimeAsync(49);
    expect(late.isOver()).toBe(false);
    await vi.advanceTimersByTimeAsync(102);
    expect(late.isOver()).toBe(true);
  });
});

describe('close', () => {
  test('can be called twice, and the next wait polls', async () => {
    const wait = await startWaiting();
    wait.close();
    wait.close();
    const { isOver } = follow(wait);
    await vi.advanceTimersByTimeAsync(13);
    expect(isOver()).toBe(true);
  });

  test('ends the watch: a release ends no wait any more', async () => {
    const wait = await startWaiting();
    wait.close();
    const { isOver } = follow(wait);
    await actAndHear(() => rmSync(folder.path('locks', 'name.1')));
    expect(isOver()).toBe(false);
  });

  test('can be called where nothing could be watched', async () => {
    const wait = await startWaiting(folder.path('none'));
    expect(() => wait.close()).not.toThrow();
  });
});
