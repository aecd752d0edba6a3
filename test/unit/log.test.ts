/** The log that a person can ask for: its lines, its file, and where it is refused. */
import { chmodSync, chownSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { parseJsonObject } from '../../src/json.ts';
import { openLog } from '../../src/log.ts';
import { runNode } from './child.ts';
import { makeNamedPipe } from './named-pipe.ts';
import { needRoot } from './other-user.ts';
import { makeRuntime, NOW_MS } from './runtime.ts';
import { useTemporaryFolder } from './temporary-folder.ts';

const folder = useTemporaryFolder();
const umaskBefore = process.umask();
afterEach(() => {
  process.umask(umaskBefore);
});

const open = (file: string) => openLog(makeRuntime(), file, (text) => text);
const modeOf = (file: string) => statSync(file).mode & 0o777;

test('the log writes each step as a line of JSON with the time and the process id', () => {
  const log = open(folder.path('log'));
  log?.({ step: 'start', outcome: 'ours', host: 'myregistry.azurecr.io' });
  log?.({ step: 'end', outcome: 'two\nlines', reason: 'a "reason"' });
  const [first = '', second = '', end] = readFileSync(folder.path('log'), 'utf8').split('\n');
  const common = { time: new Date(NOW_MS).toISOString(), process: process.pid };
  expect(parseJsonObject(first)).toEqual({ ...common, step: 'start', outcome: 'ours', host: 'myregistry.azurecr.io' });
  expect(parseJsonObject(second)).toEqual({ ...common, step: 'end', outcome: 'two\nlines', reason: 'a "reason"' });
  expect(end).toBe('');
});

test('the log redacts each text before it writes it', () => {
  const log = openLog(makeRuntime(), folder.path('log'), (text) => text.replaceAll('hidden', '[redacted]'));
  log?.({ step: 'end', outcome: 'failed', reason: 'it said hidden' });
  expect(readFileSync(folder.path('log'), 'utf8')).toContain('it said [redacted]');
});

test('the log appends to an existing file', () => {
  for (const outcome of ['one', 'two']) open(folder.path('log'))?.({ step: 'end', outcome });
  expect(readFileSync(folder.path('log'), 'utf8').match(/"outcome":"\w+"/g)).toEqual([
    '"outcome":"one"',
    '"outcome":"two"',
  ]);
});

for (const umask of [0, 0o22, 0o777]) {
  test(`the log creates an owner-only file with umask ${umask.toString(8)}`, () => {
    folder.path();
    process.umask(umask);
    open(folder.path('log'))?.({ step: 'end', outcome: 'one' });
    expect(modeOf(folder.path('log'))).toBe(0o600);
  });
}

test('the log makes an empty file owner-only when others could read it', () => {
  writeFileSync(folder.path('log'), '', { mode: 0o644 });
  open(folder.path('log'))?.({ step: 'end', outcome: 'one' });
  expect(modeOf(folder.path('log'))).toBe(0o600);
});

describe('a log file', () => {
  const full = 'x'.repeat(1024 * 1024);

  test('that has reached 1 MiB becomes log.1, and a new one begins', () => {
    for (const old of ['one', 'two']) {
      writeFileSync(folder.path('log'), `${old}${full}`, { mode: 0o600 });
      open(folder.path('log'))?.({ step: 'end', outcome: 'new' });
      expect(readFileSync(folder.path('log.1'), 'utf8').slice(0, 3)).toBe(old);
      expect(readFileSync(folder.path('log'), 'utf8')).toContain('"outcome":"new"');
      expect(statSync(folder.path('log')).size).toBeLessThan(1000);
      expect(modeOf(folder.path('log.1'))).toBe(0o600);
    }
  });

  test('that is smaller than 1 MiB goes on', () => {
    writeFileSync(folder.path('log'), full.slice(1), { mode: 0o600 });
    open(folder.path('log'))?.({ step: 'end', outcome: 'new' });
    expect(statSync(folder.path('log')).size).toBeGreaterThan(full.length);
  });

  test('that has reached 1 MiB replaces a link at log.1, but not its target', () => {
    writeFileSync(folder.path('precious'), 'text');
    symlinkSync(folder.path('precious'), folder.path('log.1'));
    writeFileSync(folder.path('log'), full, { mode: 0o600 });
    open(folder.path('log'))?.({ step: 'end', outcome: 'new' });
    expect(readFileSync(folder.path('precious'), 'utf8')).toBe('text');
  });
});

describe('openLog returns nothing for', () => {
  const rows: readonly (readonly [name: string, plant: (file: string) => void])[] = [
    [
      'a link',
      (file) => {
        writeFileSync(folder.path('precious'), '', { mode: 0o600 });
        symlinkSync(folder.path('precious'), file);
      },
    ],
    ['a dangling link', (file) => symlinkSync(folder.path('nowhere'), file)],
    ['a folder', (file) => mkdirSync(file)],
    ['a named pipe without a reader', makeNamedPipe],
    [
      'a file with content that others can read',
      (file) => {
        writeFileSync(file, 'precious');
        chmodSync(file, 0o644);
      },
    ],
  ];
  for (const [name, plant] of rows) {
    test(name, () => {
      plant(folder.path('log'));
      expect(open(folder.path('log'))).toBeUndefined();
    });
  }

  test("another user's file, which it leaves unchanged", (context) => {
    needRoot(context);
    writeFileSync(folder.path('log'), 'theirs', { mode: 0o600 });
    chownSync(folder.path('log'), 65_534, 65_534);
    expect(open(folder.path('log'))).toBeUndefined();
    expect(readFileSync(folder.path('log'), 'utf8')).toBe('theirs');
  });

  test('a missing folder, a device or an invalid path', () => {
    for (const file of [folder.path('none', 'log'), '/dev/null', '/dev/full', '', 'a\0b']) {
      expect(open(file)).toBeUndefined();
    }
  });
});

test('openLog writes to stderr when the log is named stderr', async () => {
  const script = `
    import { openLog } from ${JSON.stringify(`${import.meta.dirname}/../../src/log.ts`)};
    const machine = { env: {}, platform: 'linux', programName: 'x', now: () => 0, secrets: new Set(), secretVariables: new Set() };
    openLog(machine, 'stderr', (text) => text)({ step: 'end', outcome: 'told' });
  `;
  const { stdout, stderr } = await runNode(['--input-type=module', '--eval', script]);
  expect(stdout).toBe('');
  expect(parseJsonObject(stderr)).toMatchObject({ time: '1970-01-01T00:00:00.000Z', step: 'end', outcome: 'told' });
});
