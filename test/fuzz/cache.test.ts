/** The files of the cache, with anything in them: never an error, another key's token or an expired one. */
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { type CachedToken, type CacheKey, isFresh, keyFileName, readCache, writeCache } from '../../src/cache/cache.ts';
import { hashText } from '../../src/cache/hash.ts';
import { type Lock, LockAttempt } from '../../src/cache/lock.ts';
import { readMarker } from '../../src/cache/markers.ts';
import { pruneCache } from '../../src/cache/prune.ts';
import { parseJsonObject } from '../../src/json.ts';
import { readMachine } from '../../src/system/machine.ts';
import { cacheIn } from '../unit/cache-in.ts';
import { openFuzzFolder } from './fuzz-folder.ts';
import { ANY_JSON, mutatedJsonText } from './mutate.ts';
import { RUN_OPTIONS } from './runs.ts';

const NOW_SECONDS = 1_767_323_045;
const KEY: CacheKey = { service: 'myregistry.azurecr.io', identity: 'client-secret x', kind: 'refresh-token' };
const TOKEN: CachedToken = { token: 'a.b.c', expiresAtSeconds: NOW_SECONDS + 3600, savedAtSeconds: NOW_SECONDS - 60 };
const MARKER = 'renewal x';
const NUMBERS = fc.oneof(
  fc.integer({ min: -400, max: 11_000 }).map((seconds) => NOW_SECONDS + seconds),
  fc.constantFrom(0, -1, 1e308, Number.MAX_SAFE_INTEGER, String(NOW_SECONDS + 3600)),
);
const VALUES = fc.oneof(ANY_JSON, NUMBERS);

const folder = openFuzzFolder();
const cache = cacheIn(folder.path);
beforeAll(() => {
  for (const one of [cache.folder, cache.lockFolder, cache.markerFolder]) mkdirSync(one, { mode: 0o700 });
});
const writeEntry = (key: CacheKey, text: string) => folder.write(`tokens/${keyFileName(key)}.json`, text);

describe('an entry of the cache', () => {
  it('with anything in it is read as the token that it names for its key, or not at all', () => {
    fc.assert(
      fc.property(mutatedJsonText({ ...KEY, ...TOKEN }, VALUES), (text) => {
        writeEntry(KEY, text);
        const found = readCache(cache, KEY, NOW_SECONDS);
        if (found === undefined) return;
        const entry = parseJsonObject(text) ?? {};
        expect({ ...entry, ...KEY, token: found.token }).toEqual(entry);
        expect(found.token).not.toBe('');
        expect([found.expiresAtSeconds, found.savedAtSeconds].every((one) => Number.isFinite(one))).toBe(true);
        expect(found.expiresAtSeconds).toBeLessThanOrEqual(Number(entry['expiresAtSeconds']));
        if (isFresh(found, NOW_SECONDS)) expect(Number(entry['expiresAtSeconds'])).toBeGreaterThan(NOW_SECONDS);
      }),
      RUN_OPTIONS,
    );
  });

  const word = fc.oneof(fc.constantFrom('a', 'a\nb', 'b\nc', '\n', '__proto__', ''), fc.string({ maxLength: 3 }));
  const keys = fc.record({
    service: fc.constantFrom('one.azurecr.io', 'two.azurecr.io', '@entra'),
    identity: word,
    kind: word,
  });
  const isSame = (one: CacheKey, other: CacheKey) => JSON.stringify(one) === JSON.stringify(other);

  it('is read for its own key only, even where another key has the same file', () => {
    fc.assert(
      fc.property(keys, keys, (one, other) => {
        writeCache(cache, one, TOKEN);
        expect(readCache(cache, one, NOW_SECONDS)?.token).toBe(TOKEN.token);
        writeEntry(other, readFileSync(join(cache.folder, `${keyFileName(one)}.json`), 'utf8'));
        expect(readCache(cache, other, NOW_SECONDS)?.token).toBe(isSame(one, other) ? TOKEN.token : undefined);
      }),
      RUN_OPTIONS,
    );
  });

  it('is read for its own key only where the texts of two keys have the same hash', () => {
    fc.assert(
      fc.property(word, word, word, (first, second, third) => {
        const one = { service: KEY.service, identity: `${first}\n${second}`, kind: third };
        const other = { service: KEY.service, identity: first, kind: `${second}\n${third}` };
        expect(keyFileName(one)).toBe(keyFileName(other));
        writeCache(cache, one, TOKEN);
        expect(readCache(cache, one, NOW_SECONDS)?.token).toBe(TOKEN.token);
        expect(readCache(cache, other, NOW_SECONDS)).toBeUndefined();
      }),
      RUN_OPTIONS,
    );
  });
});

describe('a marker', () => {
  it('with anything in it has the value that it names, in its time, or none', () => {
    const template = { name: MARKER, value: 'failed', fromSeconds: NOW_SECONDS - 10, untilSeconds: NOW_SECONDS + 50 };
    fc.assert(
      fc.property(mutatedJsonText(template, VALUES), (text) => {
        folder.write(`notes/${hashText(MARKER)}.json`, text);
        const value = readMarker(cache, MARKER, NOW_SECONDS);
        if (value === undefined) return;
        const marker = parseJsonObject(text) ?? {};
        expect([marker['name'], marker['value']]).toEqual([MARKER, value]);
        expect(Number(marker['untilSeconds'])).toBeGreaterThan(NOW_SECONDS);
      }),
      RUN_OPTIONS,
    );
  });
});

describe('a lock', () => {
  const holder = { process: process.pid, ...readMachine(), id: 'id', key: 'key' };

  it('with anything in its file is free or held, and is gone when the one who took it lets go', () => {
    const numbers = fc.constantFrom('1', '2', '07', '999999999', '999999999999999', '1e3', '-1', 'x', '');
    fc.assert(
      fc.property(mutatedJsonText(holder, fc.oneof(VALUES, fc.constantFrom(1, 4_194_999))), numbers, (text, number) => {
        emptyFolder(cache.lockFolder);
        folder.write(`locks/lock.${number}`, text);
        const attempt = new LockAttempt(cache.lockFolder, 'lock');
        const lock = tryOnce(attempt);
        expect(['undefined', 'string']).toContain(typeof attempt.holding?.key);
        if (lock === undefined) return;
        expect(new LockAttempt(cache.lockFolder, 'lock').try()).toBeUndefined();
        lock.release();
        const isLock = /^[1-9]\d{0,8}$/.test(number);
        expect(readdirSync(cache.lockFolder)).toEqual(isLock ? [] : [`lock.${number}`]);
      }),
      RUN_OPTIONS,
    );
  });
});

describe('pruning', () => {
  const texts = fc.oneof(
    mutatedJsonText({ ...KEY, ...TOKEN }, VALUES),
    mutatedJsonText({ name: 'x', untilSeconds: 0 }),
  );
  const names = fc.constantFrom(
    ...[
      'a.json',
      '.json',
      'x_1.json',
      '.1-abc.tmp',
      '.4194999-abc.tmp',
      'lock.1',
      'lock.2',
      'lock.failed',
      'erased',
      'a.renewal.1',
      'note',
    ],
  );
  const files = fc.array(fc.tuple(fc.constantFrom('tokens', 'locks', 'notes'), names, texts), { maxLength: 6 });

  it('of folders with anything in them keeps every living token, and removes every expired one in the end', () => {
    fc.assert(
      fc.property(files, (others) => {
        for (const one of [cache.folder, cache.lockFolder, cache.markerFolder]) emptyFolder(one);
        for (const [where, name, text] of others) folder.write(`${where}/${name}`, text);
        const expired = { ...KEY, kind: 'access-token repository:a:pull' };
        writeCache(cache, KEY, TOKEN);
        writeCache(cache, expired, { ...TOKEN, expiresAtSeconds: NOW_SECONDS - 1 });
        for (let tries = 0; tries < 20 && readCache(cache, expired, NOW_SECONDS) !== undefined; tries += 1) {
          pruneCache(cache, NOW_SECONDS);
        }
        expect(readCache(cache, expired, NOW_SECONDS)).toBeUndefined();
        expect(readCache(cache, KEY, NOW_SECONDS)).toMatchObject(TOKEN);
      }),
      RUN_OPTIONS,
    );
  });
});

/** A lock that cannot be taken for any reason costs a request, but no answer. */
function tryOnce(attempt: LockAttempt): Lock | undefined {
  try {
    return attempt.try();
  } catch {
    return undefined;
  }
}

function emptyFolder(path: string): void {
  for (const name of readdirSync(path)) rmSync(join(path, name), { recursive: true });
}
