/** Random digits are of the wished length, and never the same. */
import { expect, test } from 'vitest';
import { readRandomHex } from '../../../src/system/random.ts';

test.each([1, 8, 16, 64])('readRandomHex returns two digits for each of %s bytes', (bytes) => {
  expect(readRandomHex(bytes)).toMatch(new RegExp(`^[0-9a-f]{${bytes * 2}}$`));
});

test('readRandomHex returns other digits each time', () => {
  expect(new Set(Array.from({ length: 1000 }, () => readRandomHex(8))).size).toBe(1000);
});
