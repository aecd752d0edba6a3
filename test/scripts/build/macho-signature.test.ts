/** Signs made-up executables for macOS, and checks what came out with a checker of its own. */

import { describe, expect, it } from 'vitest';
import { signAdHoc } from '../../../scripts/build/macho-signature.ts';
import { checkMachO } from '../../release/world/macho.ts';
import { ARM64, command, makeTinyMachO, X64 } from './tiny-macho.ts';

const NAME = 'docker-credential-acr';
const HASHED_PAGE = 4096;
/** Of the first byte that is not part of the file's content. */
const findLimit = (signed: Buffer) => signed.indexOf(Buffer.from('fade0cc0', 'hex'));
const findCodeDirectory = (signed: Buffer) => signed.indexOf(Buffer.from('fade0c02', 'hex'));

/** A copy with one byte flipped. */
function flip(file: Buffer, at: number): Buffer {
  const copy = Buffer.from(file);
  copy.writeUInt8(copy.readUInt8(at) ^ 0x01, at);
  return copy;
}

/** A copy with another number. */
function withNumber(file: Buffer, at: number, change: (value: number) => number, isBigEndian = false): Buffer {
  const copy = Buffer.from(file);
  if (isBigEndian) copy.writeUInt32BE(change(copy.readUInt32BE(at)), at);
  else copy.writeUInt32LE(change(copy.readUInt32LE(at)), at);
  return copy;
}

describe('an ad hoc signature', () => {
  it.each([
    ['arm64', { processor: ARM64 }],
    ['x64', { processor: X64 }],
    ['no byte to spare for its load command', { roomBytes: 16 }],
    ['content that ends where a signature may start', { linkeditBytes: 1024 }],
    ['content that ends with a page', { linkeditBytes: 4096 }],
    ['content that fills its segment', { linkeditBytes: 0x4000 }],
  ])('is right: %s', (_, options) => {
    const report = checkMachO(signAdHoc(makeTinyMachO(options), NAME));
    expect(report.faults).toEqual([]);
    expect(report.signature).toMatchObject({ identifier: NAME, flags: 2 });
  });

  it('is the same for the same file, which stays as it was', () => {
    const file = makeTinyMachO();
    const signed = signAdHoc(file, NAME);
    expect(file.equals(makeTinyMachO())).toBe(true);
    expect(signAdHoc(makeTinyMachO(), NAME).equals(signed)).toBe(true);
  });

  it.each(['a', 'x'.repeat(200)])('replaces that of %s', (other) => {
    const file = makeTinyMachO();
    expect(signAdHoc(signAdHoc(file, other), NAME).equals(signAdHoc(file, NAME))).toBe(true);
  });
});

describe('the checker', () => {
  const signed = signAdHoc(makeTinyMachO(), NAME);
  const limit = findLimit(signed);
  const directory = findCodeDirectory(signed);

  it.each(Array.from({ length: Math.ceil(limit / HASHED_PAGE) }, (_, page) => page))(
    'sees a flipped byte in page %i',
    (page) => {
      const last = Math.min((page + 1) * HASHED_PAGE, limit) - 1;
      expect(checkMachO(flip(signed, last)).faults).toContain(`page ${page} differs`);
    },
  );

  it('sees a flipped byte in a load command', () => {
    expect(checkMachO(flip(signed, 32 + 72 + 152 + 8)).faults).toContain('page 0 differs');
  });

  it.each([
    ['a cut file', signed.subarray(0, -1), '__LINKEDIT does not end with the file'],
    ['a longer file', Buffer.concat([signed, Buffer.alloc(16)]), '__LINKEDIT does not end with the file'],
    [
      'a wrong limit',
      withNumber(signed, directory + 32, (value) => value - 1, true),
      'the signed content does not end at the signature',
    ],
    ['a page too few', withNumber(signed, directory + 28, (value) => value - 1, true), 'pages are hashed'],
    ['another executable segment', flip(signed, directory + 79), 'the executable segment ends elsewhere'],
    ['a library', flip(signed, directory + 87), 'it is not signed as a main program'],
    ['wrong requirements', flip(signed, directory + 88 + NAME.length + 1), 'the hash of slot 2 is wrong'],
    [
      'fix-ups of fewer segments',
      withNumber(signed, 3 * 0x4000 + 32, () => 3),
      'the fix-ups have 3 segments, the file has 4',
    ],
    ['no signature', makeTinyMachO(), 'there is no signature'],
    [
      'segments that overlap in memory',
      withNumber(signed, 32 + 72 + 32, (value) => value + 0x4000),
      '__TEXT and NODE_SEA overlap in memory',
    ],
  ])('refuses %s', (_, file, fault) => {
    expect(checkMachO(file).faults.join('; ')).toContain(fault);
  });
});

describe('cannot sign', () => {
  const file = makeTinyMachO();
  const signed = signAdHoc(file, NAME);
  const linkedit = 32 + 72 + 2 * 152;
  it.each([
    ['text', Buffer.alloc(4096, '#!/bin/sh\n'), 'it is not a Mach-O file'],
    ['nothing', Buffer.alloc(0), 'it is not a Mach-O file'],
    ['a file for several processors', Buffer.from(`cafebabe${'00'.repeat(60)}`, 'hex'), 'it is not a Mach-O file'],
    ['a library', withNumber(file, 12, () => 6), 'it is not a Mach-O file'],
    ['another processor', withNumber(file, 4, () => 18), 'processor 18 is unknown'],
    ['cut load commands', file.subarray(0, 100), 'its load commands are cut off'],
    ['a load command without a size', withNumber(file, 36, () => 0), 'do not have the sizes that they claim'],
    ['a load command too few', withNumber(file, 16, (count) => count - 1), 'do not end where they should'],
    ['a segment with too many sections', withNumber(file, 32 + 72 + 64, () => 9), 'does not have the sections'],
    ['a file without room', makeTinyMachO({ roomBytes: 8 }), 'there is no room for one more load command'],
    ['code in the room', withNumber(file, 32 + file.readUInt32LE(20) + 8, () => 1), 'there is no room'],
    ['code elsewhere', withNumber(file, 32 + 72 + 40, () => 0x4000), 'it does not start with its code'],
    ['a file that is longer', Buffer.concat([file, Buffer.alloc(1)]), 'it does not end with its __LINKEDIT segment'],
    ['a cut file', file.subarray(0, -1), 'it does not end with its __LINKEDIT segment'],
    ['a segment behind', withNumber(file, linkedit + 24, () => 0), 'a segment follows __LINKEDIT in memory'],
    [
      'two signatures',
      makeTinyMachO({ extraCommands: [command(0x1d, 0, 0), command(0x1d, 0, 0)] }),
      'its signature is not the end',
    ],
    [
      'a signature that is not at the end',
      makeTinyMachO({ extraCommands: [command(0x1d, 3 * 0x4000, 16)] }),
      'its signature is not the end',
    ],
    ['a signed file that was cut', signed.subarray(0, -16), 'it does not end with its __LINKEDIT segment'],
  ])('%s', (_, broken, reason) => {
    expect(() => signAdHoc(broken, NAME)).toThrow(reason);
  });

  it.each(['', 'a b', 'a\0b'])('under the name %j', (name) => {
    expect(() => signAdHoc(file, name)).toThrow('cannot be its name');
  });
});
