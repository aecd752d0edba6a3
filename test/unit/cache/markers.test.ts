/** Small facts that are worth remembering for a while. */
import { chmodSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readMarker, writeMarker } from '../../../src/cache/markers.ts';
import { cacheIn } from '../cache-in.ts';
import { NOW_SECONDS } from '../runtime.ts';
import { useTemporaryFolder } from '../temporary-folder.ts';

const folder = useTemporaryFolder();
const theCache = () => cacheIn(folder.path());
const write = (name: string, value: string, lifeSeconds = 60) =>
  writeMarker(theCache(), name, value, NOW_SECONDS, lifeSeconds);
const read = (name: string, afterSeconds = 0) => readMarker(theCache(), name, NOW_SECONDS + afterSeconds);
const files = () => readdirSync(theCache().markerFolder).map((name) => `${theCache().markerFolder}/${name}`);

test('a fact is remembered as long as it was said to be good', () => {
  write('audience of x', 'arm');
  expect([0, 59, 60, 61].map((afterSeconds) => read('audience of x', afterSeconds))).toEqual([
    'arm',
    'arm',
    undefined,
    undefined,
  ]);
});

test('a fact from the future is none: the clock was turned back', () => {
  write('audience of x', 'arm');
  expect(read('audience of x', -1)).toBeUndefined();
});

test('each fact has its own name, whatever is in it', () => {
  for (const name of ['a', 'b', '../../a', 'a\nb', '', '\0']) write(name, `value of ${JSON.stringify(name)}`);
  for (const name of ['a', 'b', '../../a', 'a\nb', '', '\0'])
    expect(read(name)).toBe(`value of ${JSON.stringify(name)}`);
  expect(read('c')).toBeUndefined();
  expect(files()).toHaveLength(6);
  for (const file of files()) expect(statSync(file).mode & 0o777).toBe(0o600);
});

describe('a note that cannot be trusted is none', () => {
  const good = { name: 'x', value: 'y', fromSeconds: 0, untilSeconds: 9e9 };
  const rows: readonly (readonly [name: string, text: string])[] = [
    ['nothing in it', ''],
    ['no JSON', '{'],
    ['another fact', JSON.stringify({ ...good, name: 'z' })],
    ['no value', JSON.stringify({ ...good, value: undefined })],
    ['a value that is no text', JSON.stringify({ ...good, value: 7 })],
    ['no end', JSON.stringify({ ...good, untilSeconds: undefined })],
    ['an end that is a text', JSON.stringify({ ...good, untilSeconds: '9e9' })],
    ['no beginning', JSON.stringify({ ...good, fromSeconds: null })],
    ['a size that no fact has', JSON.stringify({ ...good, filler: 'x'.repeat(16 * 1024) })],
  ];
  for (const [name, text] of rows) {
    test(name, () => {
      write('x', 'y');
      for (const file of files()) writeFileSync(file, text);
      expect(read('x')).toBeUndefined();
    });
  }

  test('the same note without a flaw is one', () => {
    write('x', 'other');
    for (const file of files()) writeFileSync(file, JSON.stringify(good));
    expect(read('x')).toBe('y');
  });

  test('one that others can read', () => {
    write('x', 'y');
    for (const file of files()) chmodSync(file, 0o644);
    expect(read('x')).toBeUndefined();
  });
});

test('where nothing can be kept, nothing is remembered and nothing fails', () => {
  for (const cache of [undefined, cacheIn('/dev/null')]) {
    writeMarker(cache, 'x', 'y', NOW_SECONDS, 60);
    expect(readMarker(cache, 'x', NOW_SECONDS)).toBeUndefined();
  }
});
