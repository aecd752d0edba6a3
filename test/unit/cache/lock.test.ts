/** A lock between processes, which a killed holder does not keep. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { uptime } from 'node:os';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type Lock, LockAttempt } from '../../../src/cache/lock.ts';
import { parseJsonObject } from '../../../src/json.ts';
import { readMachine } from '../../../src/system/machine.ts';
import { runNode } from '../child.ts';
import { useTemporaryFolder } from '../temporary-folder.ts';

// Processes and sockets are slow on a machine that is busy with other suites.
vi.setConfig({ testTimeout: 20_000 });

const folder = useTemporaryFolder();
const held: Lock[] = [];
afterEach(() => {
  for (const lock of held.splice(0)) lock.release();
  vi.useRealTimers();
});

const attempt = () => new LockAttempt(folder.path('.'), 'name');

/** Tries to take the lock, and keeps it until the test is over. */
function take(by = attempt()): Lock | undefined {
  const lock = by.try();
  if (lock !== undefined) held.push(lock);
  return lock;
}

/** The id of a process that has ended. */
function deadProcessId(): number {
  const { pid } = spawnSync(process.execPath, ['--version']);
  return pid;
}

/** The text of a lock file, as a process of this machine writes it. */
function holder(processId: unknown, changes: object = {}): string {
  return JSON.stringify({ process: processId, ...readMachine(), id: 'an-id', key: 'a-key', ...changes });
}

const ELSEWHERE = { boot: 'another-boot', host: 'another-machine' };

function plant(generation: number | string, text: string, ageMs = 0): string {
  const file = folder.path(`name.${generation}`);
  writeFileSync(file, text);
  chmodSync(file, 0o600);
  const touched = new Date(Date.now() - ageMs);
  utimesSync(file, touched, touched);
  return file;
}

const generations = () => readdirSync(folder.path('.')).sort();

describe('a free lock', () => {
  test('goes to the first attempt, which records its process, its machine and how it holds the lock', () => {
    const lock = take();
    expect(lock?.id).toMatch(/^[0-9a-f]{16}$/);
    expect(lock?.key).toMatch(/^[0-9a-f]{32}$/);
    expect(parseJsonObject(readFileSync(folder.path('name.1'), 'utf8'))).toEqual({
      ...{ process: process.pid, id: lock?.id, key: lock?.key },
      ...readMachine(),
    });
  });

  test('is held with a new key each time', () => {
    const keys = Array.from({ length: 3 }, () => {
      const lock = attempt().try();
      lock?.release();
      return lock?.key;
    });
    expect(new Set(keys).size).toBe(3);
  });

  test('shows its holder to an attempt that fails, and to no other', () => {
    const waiting = attempt();
    expect(waiting.holding).toBeUndefined();
    const lock = take();
    expect(take(waiting)).toBeUndefined();
    expect(waiting.holding).toEqual({ id: lock?.id, key: lock?.key });
    lock?.release();
    expect(take(waiting)).toBeDefined();
    expect(waiting.holding?.id).toBe(lock?.id);
  });

  test('goes to one attempt only', () => {
    expect(take()).toBeDefined();
    expect(take()).toBeUndefined();
    expect(take()).toBeUndefined();
    expect(generations()).toEqual(['name.1']);
  });

  test('can be taken again after each release, which leaves no file behind', () => {
    for (let turn = 0; turn < 3; turn += 1) {
      const lock = attempt().try();
      expect(lock).toBeDefined();
      lock?.release();
      expect(generations()).toEqual([]);
    }
  });

  test('can be released twice', () => {
    const first = attempt().try();
    first?.release();
    first?.release();
    expect(generations()).toEqual([]);
  });

  test('stays with its next holder when the holder before it releases it twice', () => {
    const first = attempt().try();
    first?.release();
    expect(take()).toBeDefined();
    first?.release();
    expect(generations()).toEqual(['name.1']);
    expect(take()).toBeUndefined();
  });

  test('is independent of locks whose names start the same', () => {
    expect(take(new LockAttempt(folder.path('.'), 'name'))).toBeDefined();
    expect(take(new LockAttempt(folder.path('.'), 'name2'))).toBeDefined();
    expect(take(new LockAttempt(folder.path('.'), 'nam'))).toBeDefined();
  });

  test('is not held by a file whose name is not the name of the lock and a number', () => {
    for (const name of [
      'name.failed',
      'name.x',
      'name.1.5',
      'name',
      'xname.7',
      '.name.7',
      'name.07',
      'name.0',
      'name.9999999999',
    ]) {
      writeFileSync(folder.path(name), holder(process.pid));
    }
    expect(take()).toBeDefined();
  });
});

describe('the lock of a dead holder', () => {
  test('goes to the next attempt when the process has ended', () => {
    plant(1, holder(deadProcessId()));
    expect(take()).toBeDefined();
    expect(generations()).toEqual(['name.2']);
  });

  test('goes to the next attempt when its file is a minute old, even if a process has the same id', () => {
    plant(1, holder(process.pid), 60_000);
    expect(take()).toBeDefined();
    expect(generations()).toEqual(['name.2']);
  });

  test('goes to the next attempt at once although the host was renamed', () => {
    plant(1, holder(deadProcessId(), { host: 'the-old-name' }));
    expect(take()).toBeDefined();
  });

  test('goes to the next attempt at once when the machine was restarted since, whatever process has the id', () => {
    plant(1, holder(process.pid, { boot: 'the-last-boot' }), (uptime() + 10) * 1000);
    expect(take()).toBeDefined();
  });

  test('goes to one attempt only, however many see it', () => {
    plant(6, holder(deadProcessId()));
    plant(7, holder(deadProcessId()));
    const attempts = [attempt(), attempt(), attempt()];
    expect(attempts.map((one) => take(one) !== undefined)).toEqual([true, false, false]);
    expect(generations()).toEqual(['name.8']);
  });

  test('goes to the next attempt only if the generation with the highest number is dead', () => {
    plant(9, holder(deadProcessId()));
    plant(10, holder(process.pid));
    expect(take()).toBeUndefined();
    plant(10, holder(deadProcessId()));
    expect(take()).toBeDefined();
    expect(generations()).toEqual(['name.11']);
  });

  test('stays with the next holder when the late one releases it', () => {
    const late = attempt().try();
    const old = new Date(Date.now() - 60_000);
    utimesSync(folder.path('name.1'), old, old);
    expect(take()).toBeDefined();
    late?.release();
    expect(generations()).toEqual(['name.2']);
    expect(take()).toBeUndefined();
  });

  test('stays with the holder after the next when the late one releases it', () => {
    const late = attempt().try();
    const old = new Date(Date.now() - 60_000);
    utimesSync(folder.path('name.1'), old, old);
    const next = attempt().try();
    expect(generations()).toEqual(['name.2']);
    next?.release();
    // The generations begin anew, with the name of the late holder's file.
    expect(take()).toBeDefined();
    expect(generations()).toEqual(['name.1']);
    late?.release();
    expect(generations()).toEqual(['name.1']);
    expect(take()).toBeUndefined();
  });
});

describe('a holder that may be alive', () => {
  const rows: readonly (readonly [name: string, text: () => string])[] = [
    ['on another machine', () => holder(deadProcessId(), ELSEWHERE)],
    ['in a container of the same name', () => holder(deadProcessId(), { processes: 'pid:[1]' })],
    ['on another machine of the same name', () => holder(deadProcessId(), { boot: 'another-boot' })],
    ['of an older version of the program', () => `${deadProcessId()} ${readMachine().host} abc`],
    ['with an empty file', () => ''],
    ['with a binary file', () => '\0\0\0'],
    ['without a process id', () => holder('x')],
    ['with too long a file', () => holder(deadProcessId(), { pad: ' '.repeat(2000) })],
  ];
  for (const [name, text] of rows) {
    test(`${name} keeps the lock until it has been silent for three seconds`, () => {
      vi.useFakeTimers({ toFake: ['hrtime'] });
      plant(1, text());
      const one = attempt();
      expect(take(one)).toBeUndefined();
      vi.advanceTimersByTime(2_900);
      expect(take(one)).toBeUndefined();
      vi.advanceTimersByTime(200);
      expect(take(one)).toBeDefined();
      expect(generations()).toEqual(['name.2']);
    });
  }

  test('keeps the lock as long as its file is touched', () => {
    vi.useFakeTimers({ toFake: ['hrtime'] });
    const file = plant(1, holder(1, ELSEWHERE));
    const one = attempt();
    for (let beat = 1; beat <= 10; beat += 1) {
      expect(take(one)).toBeUndefined();
      vi.advanceTimersByTime(2_000);
      const touched = new Date(Date.now() + beat * 1000);
      utimesSync(file, touched, touched);
    }
    expect(take(one)).toBeUndefined();
  });

  test('keeps the lock though its clock is a day ahead or behind', () => {
    for (const ageMs of [-86_400_000, 86_400_000]) {
      plant(1, holder(1, ELSEWHERE), ageMs);
      expect(take()).toBeUndefined();
    }
  });

  test('uses up the three seconds of its other locks too, since a dead process may have held one within the other', () => {
    vi.useFakeTimers({ toFake: ['hrtime'] });
    plant(1, holder(1, ELSEWHERE));
    const inner = folder.path('inner.1');
    writeFileSync(inner, holder(1, ELSEWHERE), { mode: 0o600 });
    expect(take()).toBeUndefined();
    vi.advanceTimersByTime(3_100);
    expect(take()).toBeDefined();
    expect(take(new LockAttempt(folder.path('.'), 'inner'))).toBeDefined();
  });

  test('keeps an inner lock that it has touched in the meantime', () => {
    vi.useFakeTimers({ toFake: ['hrtime'] });
    plant(1, holder(1, ELSEWHERE));
    const inner = folder.path('inner.1');
    writeFileSync(inner, holder(2, ELSEWHERE), { mode: 0o600 });
    expect(take()).toBeUndefined();
    vi.advanceTimersByTime(3_100);
    const touched = new Date(Date.now() + 500);
    utimesSync(inner, touched, touched);
    expect(take()).toBeDefined();
    expect(take(new LockAttempt(folder.path('.'), 'inner'))).toBeUndefined();
  });

  test('has three seconds of its own, whatever an earlier holder has used up', () => {
    vi.useFakeTimers({ toFake: ['hrtime'] });
    const file = plant(1, holder(1, ELSEWHERE));
    const one = attempt();
    expect(take(one)).toBeUndefined();
    vi.advanceTimersByTime(2_900);
    rmSync(file);
    plant(2, holder(1, ELSEWHERE));
    expect(take(one)).toBeUndefined();
    vi.advanceTimersByTime(2_900);
    expect(take(one)).toBeUndefined();
  });
});

test('a holder touches its file every half second, and survives the loss of its folder', () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const lock = take();
  const file = folder.path('name.1');
  const old = new Date(Date.now() - 60_000);
  utimesSync(file, old, old);
  vi.advanceTimersByTime(500);
  expect(take()).toBeUndefined();
  // Even when its folder is gone.
  rmSync(folder.path('.'), { recursive: true });
  vi.advanceTimersByTime(500);
  lock?.release();
  vi.advanceTimersByTime(500);
  expect(existsSync(file)).toBe(false);
});

test('an attempt throws when its folder is missing or is a file', () => {
  expect(() => new LockAttempt(folder.path('none'), 'name').try()).toThrow(/ENOENT/);
  writeFileSync(folder.path('file'), '');
  expect(() => new LockAttempt(folder.path('file'), 'name').try()).toThrow(/ENOTDIR/);
});

test('a lock can be taken by one at a time although the highest number is taken', () => {
  plant(999_999_999, holder(deadProcessId()));
  mkdirSync(folder.path('name.1'));
  expect(take()).toBeDefined();
  expect(take()).toBeUndefined();
  expect(generations()).toEqual(['name.1', 'name.2']);
});

describe('a folder or a link with the name of a lock file', () => {
  const planted: readonly (readonly [name: string, plant: (file: string) => void])[] = [
    ['an empty folder', (file) => mkdirSync(file)],
    ['a full folder', (file) => mkdirSync(`${file}/inside`, { recursive: true })],
    ['a link', (file) => symlinkSync(folder.path('elsewhere'), file)],
  ];
  for (const [name, plantAt] of planted) {
    test(`is not a lock: with ${name} the lock can be taken again and again, and leaves no file`, () => {
      plantAt(folder.path('name.5'));
      for (let turn = 0; turn < 3; turn += 1) {
        const lock = attempt().try();
        expect(lock).toBeDefined();
        expect(attempt().try()).toBeUndefined();
        lock?.release();
        expect(generations()).toEqual(['name.5']);
      }
    });
  }
});

test('four processes at once never hold the lock together', async () => {
  folder.path();
  const holders = Array.from({ length: 4 }, () =>
    runNode([`${import.meta.dirname}/../lock-holder.ts`, folder.path('.'), '40']),
  );
  for (const { stdout, stderr } of await Promise.all(holders)) {
    expect(stderr).toBe('');
    expect(stdout).toBe('done\n');
  }
  expect(generations()).toEqual([]);
});
