/** The log that a person asks for. */
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

test('a step is a line of JSON with the time and the process', () => {
  const log = open(folder.path('log'));
  log?.({ step: 'start', outcome: 'ours', host: 'myregistry.azurecr.io' });
  log?.({ step: 'end', outcome: 'two\nlines', reason: 'a "reason"' });
  const [first = '', second = '', end] = readFileSync(folder.path('log'), 'utf8').split('\n');
  const common = { time: new Date(NOW_MS).toISOString(), process: process.pid };
  expect(parseJsonObject(first)).toEqual({ ...common, step: 'start', outcome: 'ours', host: 'myregistry.azurecr.io' });
  expect(parseJsonObject(second)).toEqual({ ...common, step: 'end', outcome: 'two\nlines', reason: 'a "reason"' });
  expect(end).toBe('');
});

test('a line goes through the redactor before it is written', () => {
  const log = openLog(makeRuntime(), folder.path('log'), (text) => text.replaceAll('hidden', '[redacted]'));
  log?.({ step: 'end', outcome: 'failed', reason: 'it said hidden' });
  expect(readFileSync(folder.path('log'), 'utf8')).toContain('it said [redacted]');
});

test('lines are added to those of before', () => {
  for (const outcome of ['one', 'two']) open(folder.path('log'))?.({ step: 'end', outcome });
  expect(readFileSync(folder.path('log'), 'utf8').match(/"outcome":"\w+"/g)).toEqual([
    '"outcome":"one"',
    '"outcome":"two"',
  ]);
});

for (const umask of [0, 0o22, 0o777]) {
  test(`the file is its owner's alone, with umask ${umask.toString(8)}`, () => {
    folder.path();
    process.umask(umask);
    open(folder.path('log'))?.({ step: 'end', outcome: 'one' });
    expect(modeOf(folder.path('log'))).toBe(0o600);
  });
}

test('an empty file that others could read is closed to them first', () => {
  writeFileSync(folder.path('log'), '', { mode: 0o644 });
  open(folder.path('log'))?.({ step: 'end', outcome: 'one' });
  expect(modeOf(folder.path('log'))).toBe(0o600);
});

describe('a large log makes way for a new one', () => {
  const full = 'x'.repeat(1024 * 1024);

  test('and one before it is kept', () => {
    for (const old of ['one', 'two']) {
      writeFileSync(folder.path('log'), `${old}${full}`, { mode: 0o600 });
      open(folder.path('log'))?.({ step: 'end', outcome: 'new' });
      expect(readFileSync(folder.path('log.1'), 'utf8').slice(0, 3)).toBe(old);
      expect(readFileSync(folder.path('log'), 'utf8')).toContain('"outcome":"new"');
      expect(statSync(folder.path('log')).size).toBeLessThan(1000);
      expect(modeOf(folder.path('log.1'))).toBe(0o600);
    }
  });

  test('but not before it is large', () => {
    writeFileSync(folder.path('log'), full.slice(1), { mode: 0o600 });
    open(folder.path('log'))?.({ step: 'end', outcome: 'new' });
    expect(statSync(folder.path('log')).size).toBeGreaterThan(full.length);
  });

  test('and a link in the way is replaced, not followed', () => {
    writeFileSync(folder.path('precious'), 'text');
    symlinkSync(folder.path('precious'), folder.path('log.1'));
    writeFileSync(folder.path('log'), full, { mode: 0o600 });
    open(folder.path('log'))?.({ step: 'end', outcome: 'new' });
    expect(readFileSync(folder.path('precious'), 'utf8')).toBe('text');
  });
});

describe('there is no log', () => {
  const rows: readonly (readonly [name: string, plant: (file: string) => void])[] = [
    [
      'through a link',
      (file) => {
        writeFileSync(folder.path('precious'), '', { mode: 0o600 });
        symlinkSync(folder.path('precious'), file);
      },
    ],
    ['through a link that leads nowhere', (file) => symlinkSync(folder.path('nowhere'), file)],
    ['in a folder', (file) => mkdirSync(file)],
    ['in a named pipe that nobody reads', makeNamedPipe],
    [
      'in a file that others can read and that holds something',
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

  test("in another user's file", (context) => {
    needRoot(context);
    writeFileSync(folder.path('log'), 'theirs', { mode: 0o600 });
    chownSync(folder.path('log'), 65_534, 65_534);
    expect(open(folder.path('log'))).toBeUndefined();
    expect(readFileSync(folder.path('log'), 'utf8')).toBe('theirs');
  });

  test('where there is no folder, or no file can be', () => {
    for (const file of [folder.path('none', 'log'), '/dev/null', '/dev/full', '', 'a\0b']) {
      expect(open(file)).toBeUndefined();
    }
  });
});

test('stderr is a log', async () => {
  const script = `
    import { openLog } from ${JSON.stringify(`${import.meta.dirname}/../../src/log.ts`)};
    const machine = { env: {}, platform: 'linux', programName: 'x', now: () => 0, secrets: new Set() };
    openLog(machine, 'stderr', (text) => text)({ step: 'end', outcome: 'told' });
  `;
  const { stdout, stderr } = await runNode(['--input-type=module', '--eval', script]);
  expect(stdout).toBe('');
  expect(parseJsonObject(stderr)).toMatchObject({ time: '1970-01-01T00:00:00.000Z', step: 'end', outcome: 'told' });
});
