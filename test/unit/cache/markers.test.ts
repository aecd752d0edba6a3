/** Markers: small facts that are remembered for a while. */
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

test('readMarker returns the value until the marker expires', () => {
  write('audience of x', 'arm');
  expect([0, 59, 60, 61].map((afterSeconds) => read('audience of x', afterSeconds))).toEqual([
    'arm',
    'arm',
    undefined,
    undefined,
  ]);
});

test('readMarker returns nothing for a marker from the future, as when the clock was turned back', () => {
  write('audience of x', 'arm');
  expect(read('audience of x', -1)).toBeUndefined();
});

test('writeMarker writes an owner-only file for each name, whatever characters the name has', () => {
  for (const name of ['a', 'b', '../../a', 'a\nb', '', '\0']) write(name, `value of ${JSON.stringify(name)}`);
  for (const name of ['a', 'b', '../../a', 'a\nb', '', '\0'])
    expect(read(name)).toBe(`value of ${JSON.stringify(name)}`);
  expect(read('c')).toBeUndefined();
  expect(files()).toHaveLength(6);
  for (const file of files()) expect(statSync(file).mode & 0o777).toBe(0o600);
});

describe('readMarker', () => {
  const good = { name: 'x', value: 'y', fromSeconds: 0, untilSeconds: 9e9 };
  const rows: readonly (readonly [name: string, text: string])[] = [
    ['no content', ''],
    ['broken JSON', '{'],
    ['another name', JSON.stringify({ ...good, name: 'z' })],
    ['no value', JSON.stringify({ ...good, value: undefined })],
    ['a value that is not a string', JSON.stringify({ ...good, value: 7 })],
    ['no expiry', JSON.stringify({ ...good, untilSeconds: undefined })],
    ['an expiry that is a string', JSON.stringify({ ...good, untilSeconds: '9e9' })],
    ['a start that is null', JSON.stringify({ ...good, fromSeconds: null })],
    ['more than 16 KiB', JSON.stringify({ ...good, filler: 'x'.repeat(16 * 1024) })],
  ];
  for (const [name, text] of rows) {
    test(`returns nothing for a file with ${name}`, () => {
      write('x', 'y');
      for (const file of files()) writeFileSync(file, text);
      expect(read('x')).toBeUndefined();
    });
  }

  test('returns the value of a complete marker', () => {
    write('x', 'other');
    for (const file of files()) writeFileSync(file, JSON.stringify(good));
    expect(read('x')).toBe('y');
  });

  test('returns nothing for a file that others can read', () => {
    write('x', 'y');
    for (const file of files()) chmodSync(file, 0o644);
    expect(read('x')).toBeUndefined();
  });
});

test('without a usable cache, writeMarker does not throw and readMarker returns nothing', () => {
  for (const cache of [undefined, cacheIn('/dev/null')]) {
    writeMarker(cache, 'x', 'y', NOW_SECONDS, 60);
    expect(readMarker(cache, 'x', NOW_SECONDS)).toBeUndefined();
  }
});
