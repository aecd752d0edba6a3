/** What pruning removes from the cache, and what it keeps. */

import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { type CacheKey, ENTRA_SERVICE, storedTokenKey, writeCache } from '../../../src/cache/cache.ts';
import { LockAttempt } from '../../../src/cache/lock.ts';
import { writeMarker } from '../../../src/cache/markers.ts';
import { pruneCache } from '../../../src/cache/prune.ts';
import { readMachine } from '../../../src/system/machine.ts';
import { cacheIn } from '../cache-in.ts';
import { NOW_SECONDS } from '../runtime.ts';
import { useTemporaryFolder } from '../temporary-folder.ts';

const folder = useTemporaryFolder();
const theCache = () => cacheIn(folder.path());
const MINUTE = 60;
const HOUR = 3600;

beforeEach(() => {
  // A loaded machine may take longer than one run may: each run here sees everything.
  vi.useFakeTimers({ toFake: ['hrtime'] });
});

function keyOf(name: string): CacheKey {
  return { service: `${name}.azurecr.io`, identity: 'someone', kind: 'refresh-token' };
}

function keep(key: CacheKey, leftSeconds: number): void {
  writeCache(theCache(), key, {
    token: 'token',
    expiresAtSeconds: NOW_SECONDS + leftSeconds,
    savedAtSeconds: NOW_SECONDS + leftSeconds - HOUR,
  });
}

function plant(path: string, text: string, ageSeconds = 0): void {
  mkdirSync(dirname(folder.path(path)), { recursive: true, mode: 0o700 });
  writeFileSync(folder.path(path), text, { mode: 0o600 });
  const touched = new Date(Date.now() - ageSeconds * 1000);
  utimesSync(folder.path(path), touched, touched);
}

/** The text of the lock file of a process. */
function holder(processId: number, changes: object = {}): string {
  return JSON.stringify({ process: processId, ...readMachine(), id: 'an-id', key: 'a-key', ...changes });
}

const prune = () => pruneCache(theCache(), NOW_SECONDS);
const namesIn = (name: string) => readdirSync(folder.path(name)).sort();
const deadProcessId = () => spawnSync(process.execPath, ['--version']).pid;

describe('pruneCache removes', () => {
  test('expired tokens, and keeps those that live', () => {
    keep(keyOf('expired1'), -1);
    keep(keyOf('expired2'), -HOUR);
    keep({ ...keyOf('entra'), service: ENTRA_SERVICE }, -1);
    keep(keyOf('living'), 1);
    prune();
    expect(namesIn('tokens')).toEqual([expect.stringMatching(/^living\./)]);
  });

  test('a stored token a day after it has expired, since until then its hint helps', () => {
    keep(storedTokenKey('today1.azurecr.io'), -23 * HOUR);
    keep(storedTokenKey('yesterday.azurecr.io'), -25 * HOUR);
    prune();
    expect(namesIn('tokens')).toEqual([expect.stringMatching(/^today1\./)]);
  });

  test('damaged tokens and markers, and neither folders, links nor files that others can open', () => {
    plant('tokens/a_1.json', '{"token":');
    plant('notes/b.json', 'null');
    mkdirSync(folder.path('tokens', 'folder.json'));
    symlinkSync(folder.path('tokens', 'a_1.json'), folder.path('tokens', 'link.json'));
    plant('tokens/open.json', '{}');
    chmodSync(folder.path('tokens', 'open.json'), 0o644);
    prune();
    expect(namesIn('tokens')).toEqual(['folder.json', 'link.json', 'open.json']);
    expect(namesIn('notes')).toEqual([]);
  });

  test('expired markers, and those from the future', () => {
    writeMarker(theCache(), 'expired', 'value', NOW_SECONDS - 61, 60);
    writeMarker(theCache(), 'future', 'value', NOW_SECONDS + 60, 60);
    writeMarker(theCache(), 'valid', 'value', NOW_SECONDS, 60);
    prune();
    expect(namesIn('notes')).toHaveLength(1);
  });

  test.each([
    ['a shared failure', 'locks/a.failed', 61],
    ['a claim of a renewal', 'locks/a.renewal-29456', 61],
    ['the last erasure', 'notes/erased', HOUR + 1],
  ])('%s when it is old, in either direction of time, and keeps it before', (_name, path, ageSeconds) => {
    for (const age of [ageSeconds, -ageSeconds]) {
      plant(path, 'text', age);
      prune();
      expect(namesIn(dirname(path))).toEqual([]);
    }
    plant(path, 'text', ageSeconds - 10);
    prune();
    expect(namesIn(dirname(path))).toHaveLength(1);
  });

  test('the locks of dead processes, whatever their number, and no lock that is held', () => {
    for (let count = 0; count < 20; count += 1) plant(`locks/dead${count}.${count + 1}`, holder(deadProcessId()));
    plant('locks/elsewhere.1', holder(7, { boot: 'another', host: 'another' }), HOUR + 1);
    plant('locks/perhaps.1', holder(7, { boot: 'another', host: 'another' }), MINUTE);
    const held = new LockAttempt(folder.path('locks'), 'held').try();
    prune();
    expect(namesIn('locks')).toEqual(['held.1', 'perhaps.1']);
    held?.release();
  });

  test('the temporary files of dead processes and old ones, and none that a process is writing', () => {
    for (const name of ['tokens', 'notes', 'locks']) {
      plant(`${name}/.${deadProcessId()}-abc.tmp`, 'secret');
      plant(`${name}/.${process.pid}-old.tmp`, 'secret', 61);
      plant(`${name}/.${process.pid}-new.tmp`, 'secret');
    }
    prune();
    for (const name of ['tokens', 'notes', 'locks']) expect(namesIn(name)).toEqual([`.${process.pid}-new.tmp`]);
  });
});

test('pruneCache does nothing where there is no cache, and does not throw', () => {
  prune();
  expect(readdirSync(folder.path())).toEqual([]);
  pruneCache(cacheIn('/dev/null'), NOW_SECONDS);
});

test('pruneCache stops after a few milliseconds, and a few runs reach every file', () => {
  vi.useRealTimers();
  for (let count = 0; count < 600; count += 1) plant(`tokens/r${count}.azurecr.io_1.json`, 'damaged');
  const startedMs = performance.now();
  prune();
  expect(performance.now() - startedMs).toBeLessThan(1_000);
  for (let run = 0; run < 1_000 && namesIn('tokens').length > 0; run += 1) prune();
  expect(namesIn('tokens')).toEqual([]);
}, 20_000);
