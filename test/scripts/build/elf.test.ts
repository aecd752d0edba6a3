/** What a Linux executable must have so that a system can load it. */
import { execPath } from 'node:process';
import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  findDamage,
  findSegmentTable,
  parseSegments,
  readSegments,
  SEGMENT_TYPES,
  type Segment,
  setLibraryPath,
} from '../../../scripts/build/elf.ts';
import { TARGETS } from '../../../scripts/build/target.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

const { load, dynamic, note, table } = SEGMENT_TYPES;
const PAGE = 65_536;
/** As patchelf leaves them: the table at the beginning, the program's note at the end. */
const SOUND: readonly Segment[] = [
  { type: table, offset: 64, address: 0x3f_0040, sizeBytes: 784 },
  { type: load, offset: 0, address: 0x3f_0000, sizeBytes: PAGE },
  { type: dynamic, offset: 0x350, address: 0x3f_0350, sizeBytes: 624 },
  { type: load, offset: PAGE, address: 0x40_0000, sizeBytes: 5 * PAGE },
  { type: load, offset: 0x1_0000 * 9 + 0xd1f0, address: 0x707_d1f0, sizeBytes: 2 * PAGE },
  { type: load, offset: 20 * PAGE, address: 0xed4_0000, sizeBytes: PAGE },
  { type: note, offset: 20 * PAGE, address: 0xed4_0000, sizeBytes: PAGE - 100 },
];

/** The sound segments with one changed. */
function change(index: number, changes: Partial<Segment>): readonly Segment[] {
  return SOUND.map((one, at) => (at === index ? { ...one, ...changes } : one));
}

describe('findDamage', () => {
  test('finds nothing in a sound executable', () => {
    expect(findDamage(SOUND, PAGE)).toBeUndefined();
  });

  test.each([
    [
      'a segment that fits pages of 4 KB only',
      change(5, { offset: 20 * PAGE + 4096 }),
      'is not aligned to pages of 65536 bytes',
    ],
    ['a segment whose address was moved', change(3, { address: 0x40_1000 }), 'is not aligned'],
    ['a note beyond what is loaded', change(6, { sizeBytes: PAGE + 1 }), 'of type 4, is not loaded'],
    ['a dynamic section before what is loaded', change(1, { offset: 0x1_0000 * 40 }), 'is not loaded'],
    ['no segment to load', SOUND.filter(({ type }) => type !== load), 'nothing is loaded'],
    ['no segments', [], 'nothing is loaded'],
  ])('finds %s', (_what, segments, damage) => {
    expect(findDamage(segments, PAGE)).toContain(damage);
  });

  test('accepts a segment for pages of 4 KB where no page is larger', () => {
    const segments = change(5, { offset: 20 * PAGE - 4096, sizeBytes: 2 * PAGE });
    expect(findDamage(segments, 4096)).toBeUndefined();
  });
});

describe('the table of segments', () => {
  test.runIf(process.platform === 'linux')('is read from an executable', async () => {
    const segments = await readSegments(execPath);
    expect(segments.filter(({ type }) => type === load).length).toBeGreaterThan(1);
    expect(findDamage(segments, 4096)).toBeUndefined();
  });

  test('is found by the header, and read', () => {
    const header = Buffer.alloc(64);
    header.write('\x7fELF\x02\x01', 'latin1');
    header.writeBigUInt64LE(0x3088045n, 32);
    header.writeUInt16LE(56, 54);
    header.writeUInt16LE(13, 56);
    expect(findSegmentTable(header)).toEqual({ offset: 0x308_8045, count: 13 });
    const entry = Buffer.alloc(56);
    entry.writeUInt32LE(load, 0);
    entry.writeBigUInt64LE(0x1000n, 8);
    entry.writeBigUInt64LE(0x40_0000n, 16);
    entry.writeBigUInt64LE(0x42_de38n, 32);
    const expected = { type: load, offset: 0x1000, address: 0x40_0000, sizeBytes: 0x42_de38 };
    expect(parseSegments(Buffer.concat([entry, entry]))).toEqual([expected, expected]);
    // A file that ends too early.
    expect(parseSegments(entry.subarray(0, 50))).toEqual([]);
  });

  test.each([
    ['a script', Buffer.from('#!/bin/sh\n'.padEnd(64))],
    ['an executable with 32 bits', Buffer.from('\x7fELF\x01\x01'.padEnd(64), 'latin1')],
    ['a big-endian executable', Buffer.from('\x7fELF\x02\x02'.padEnd(64), 'latin1')],
    ['a table with entries of another size', Buffer.from('\x7fELF\x02\x01'.padEnd(64), 'latin1')],
    ['the beginning of a header', Buffer.from('\x7fELF\x02\x01', 'latin1')],
    ['an empty file', Buffer.alloc(0)],
  ])('is not found in %s', (_what, header) => {
    expect(findSegmentTable(header)).toBeUndefined();
  });

  test('is not read from this file', async () => {
    await expect(readSegments(import.meta.filename)).rejects.toThrow('is no executable for Linux');
  });
});

test('without patchelf, an executable stays as it is', async () => {
  vi.stubEnv('PATH', import.meta.dirname);
  const [linux] = TARGETS.filter(({ os }) => os === 'linux');
  expect(linux && (await setLibraryPath('/nowhere', linux))).toBe('patchelf is missing');
});
