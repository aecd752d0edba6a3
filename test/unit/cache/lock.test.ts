/** A lock among processes that a killed holder cannot keep. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type Lock, LockAttempt } from '../../../src/cache/lock.ts';
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

/** Takes the lock as one who means to keep it until the test is over. */
function take(by = attempt()): Lock | undefined {
  const lock = by.try();
  if (lock !== undefined) held.push(lock);
  return lock;
}

/** The id of a process that was here and is gone. */
function deadProcessId(): number {
  const { pid } = spawnSync(process.execPath, ['--version']);
  return pid;
}

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
  test('is taken, and tells by whom', () => {
    expect(take()).toBeDefined();
    expect(readFileSync(folder.path('name.1'), 'utf8')).toBe(`${process.pid} ${hostname()}`);
  });

  test('is taken by one', () => {
    expect(take()).toBeDefined();
    expect(take()).toBeUndefined();
    expect(take()).toBeUndefined();
    expect(generations()).toEqual(['name.1']);
  });

  test('is taken again when it was released, and leaves nothing behind', () => {
    for (let turn = 0; turn < 3; turn += 1) {
      const lock = attempt().try();
      expect(lock).toBeDefined();
      lock?.release();
      expect(generations()).toEqual([]);
    }
  });

  test('may be released twice, which takes it from nobody else', () => {
    const first = attempt().try();
    first?.release();
    first?.release();
    expect(generations()).toEqual([]);
  });

  test('is another one by another name, also where that begins alike', () => {
    expect(take(new LockAttempt(folder.path('.'), 'name'))).toBeDefined();
    expect(take(new LockAttempt(folder.path('.'), 'name2'))).toBeDefined();
    expect(take(new LockAttempt(folder.path('.'), 'nam'))).toBeDefined();
  });

  test('is not held by what is no generation of it', () => {
    for (const name of ['name.failed', 'name.x', 'name.1.5', 'name', 'xname.7', '.name.7']) {
      writeFileSync(folder.path(name), `${process.pid} ${hostname()}`);
    }
    expect(take()).toBeDefined();
  });
});

describe('a holder that cannot be alive', () => {
  test('is one whose process is gone', () => {
    plant(1, `${deadProcessId()} ${hostname()}`);
    expect(take()).toBeDefined();
    expect(generations()).toEqual(['name.2']);
  });

  test('is one that has not been heard of for seconds, though a process has its id', () => {
    plant(1, `${process.pid} ${hostname()}`, 60_000);
    expect(take()).toBeDefined();
    expect(generations()).toEqual(['name.2']);
  });

  test('leaves its lock to one, however many see it', () => {
    plant(6, `${deadProcessId()} ${hostname()}`);
    plant(7, `${deadProcessId()} ${hostname()}`);
    const attempts = [attempt(), attempt(), attempt()];
    expect(attempts.map((one) => take(one) !== undefined)).toEqual([true, false, false]);
    expect(generations()).toEqual(['name.8']);
  });

  test('is judged by the newest generation, by number', () => {
    plant(9, `${deadProcessId()} ${hostname()}`);
    plant(10, `${process.pid} ${hostname()}`);
    expect(take()).toBeUndefined();
    plant(10, `${deadProcessId()} ${hostname()}`);
    expect(take()).toBeDefined();
    expect(generations()).toEqual(['name.11']);
  });

  test('does not take the lock from its successor when it comes back', () => {
    const late = attempt().try();
    const old = new Date(Date.now() - 60_000);
    utimesSync(folder.path('name.1'), old, old);
    expect(take()).toBeDefined();
    late?.release();
    expect(generations()).toEqual(['name.2']);
    expect(take()).toBeUndefined();
  });
});

describe('a holder of whom it is not known', () => {
  const rows: readonly (readonly [name: string, text: () => string])[] = [
    ['is on another machine', () => `${deadProcessId()} another-machine`],
    ['has not written its name yet', () => ''],
    ['wrote what nobody reads', () => '\0\0\0'],
    ['wrote no number', () => `x ${hostname()}`],
    ['wrote too much', () => `${deadProcessId()} ${hostname()}${' '.repeat(2000)}`],
  ];
  for (const [name, text] of rows) {
    test(`${name}: it has the lock, until it is silent for seconds on our own clock`, () => {
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

  test('is heard of again and again: it has the lock as long as it lives', () => {
    vi.useFakeTimers({ toFake: ['hrtime'] });
    const file = plant(1, '1 another-machine');
    const one = attempt();
    for (let beat = 1; beat <= 10; beat += 1) {
      expect(take(one)).toBeUndefined();
      vi.advanceTimersByTime(2_000);
      const touched = new Date(Date.now() + beat * 1000);
      utimesSync(file, touched, touched);
    }
    expect(take(one)).toBeUndefined();
  });

  test('has a clock of its own, even one that is far ahead or behind', () => {
    for (const ageMs of [-86_400_000, 86_400_000]) {
      plant(1, '1 another-machine', ageMs);
      expect(take()).toBeUndefined();
    }
  });

  test('is not the one that was watched before', () => {
    vi.useFakeTimers({ toFake: ['hrtime'] });
    const file = plant(1, '1 another-machine');
    const one = attempt();
    expect(take(one)).toBeUndefined();
    vi.advanceTimersByTime(2_900);
    rmSync(file);
    plant(2, '1 another-machine');
    expect(take(one)).toBeUndefined();
    vi.advanceTimersByTime(2_900);
    expect(take(one)).toBeUndefined();
  });
});

test('a holder tells that it lives', () => {
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

test('where no lock can be made, that is an error', () => {
  expect(() => new LockAttempt(folder.path('none'), 'name').try()).toThrow(/ENOENT/);
  writeFileSync(folder.path('file'), '');
  expect(() => new LockAttempt(folder.path('file'), 'name').try()).toThrow(/ENOTDIR/);
  mkdirSync(folder.path('name.1'));
  expect(take()).toBeUndefined();
});

test('of many processes at once never two have the lock', async () => {
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
