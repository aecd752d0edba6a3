/** When a process id of one place means the same process in another. */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { describe, expect, test } from 'vitest';
import { type Machine, parseMachine, readMachine, sharesProcesses } from '../../../src/system/machine.ts';

const HERE: Machine = { boot: 'boot', processes: 'pid:[1]', host: 'host' };
const MAC: Machine = { boot: '', processes: '', host: 'host' };

test('readMachine reads the start of the system, the process namespace and the host name', ({ skip }) => {
  skip(process.platform !== 'linux', 'the system has no /proc');
  expect(readMachine()).toEqual({
    boot: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
    processes: expect.stringMatching(/^pid:\[\d+\]$/),
    host: hostname(),
  });
  expect(sharesProcesses(readMachine(), readMachine())).toBe(true);
});

describe('sharesProcesses', () => {
  test.each<[string, Machine, Machine, boolean]>([
    ['the same place', HERE, { ...HERE }, true],
    ['the same place under a new host name', HERE, { ...HERE, host: 'renamed' }, true],
    ['another container', HERE, { ...HERE, processes: 'pid:[2]' }, false],
    ['the same machine before its restart', HERE, { ...HERE, boot: 'earlier' }, false],
    ['a machine that says nothing', HERE, { boot: '', processes: '', host: '' }, false],
    ['a system without /proc', MAC, { ...MAC }, true],
    ['another host without /proc', MAC, { ...MAC, host: 'other' }, false],
  ])('for %s', (_name, one, other, expected) => {
    expect(sharesProcesses(one, other)).toBe(expected);
    expect(sharesProcesses(other, one)).toBe(expected);
  });
});

test('parseMachine reads what is there, and takes the rest as empty', () => {
  expect(parseMachine({ ...HERE, more: 1 })).toEqual(HERE);
  expect(parseMachine({ boot: 1, host: ['x'] })).toEqual({ boot: '', processes: '', host: '' });
});
