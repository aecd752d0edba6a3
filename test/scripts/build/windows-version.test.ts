/** Describes a made-up executable for Windows. */

import { NtExecutable, NtExecutableResource, type ResourceEntry } from 'resedit';
import { describe, expect, it } from 'vitest';
import { describeExecutable } from '../../../scripts/build/windows-version.ts';
import { readPe, readVersion } from '../../release/world/pe.ts';

const PROGRAM = new TextEncoder().encode('the program');
const MANIFEST = new TextEncoder().encode('<assembly/>');

/** An executable with an icon, a program, a manifest, and by default the entry of a signature that is not there. */
function makeTinyPe({ hasDeadSignature = true } = {}): Buffer {
  const executable = NtExecutable.createEmpty(false, false);
  const resources = NtExecutableResource.from(executable);
  const entry = (type: number, id: string | number, bytes: Uint8Array<ArrayBuffer>): ResourceEntry => {
    return { type, id, lang: 1033, codepage: 0, bin: bytes.buffer };
  };
  resources.entries = [
    entry(3, 1, new Uint8Array(1000)),
    entry(14, 1, new Uint8Array(20)),
    entry(10, 'NODE_SEA_BLOB', PROGRAM),
    entry(24, 1, MANIFEST),
  ];
  resources.outputResource(executable);
  const file = Buffer.from(executable.generate());
  const optional = file.readUInt32LE(0x3c) + 24;
  file.writeUInt32LE(1, optional + 64);
  if (!hasDeadSignature) return file;
  file.writeUInt32LE(file.length - 100, optional + 112 + 8 * 4);
  file.writeUInt32LE(100, optional + 116 + 8 * 4);
  return file;
}

const VERSION = { version: '12.34.56', nodeVersion: '26.7.0' };
const findVersion = (file: Buffer) => {
  return readVersion(readPe(file).resources.find(({ type }) => type === '16')?.bytes ?? Buffer.alloc(0));
};

describe('an executable for Windows', () => {
  it('keeps its program and its manifest, and loses the icon and the dead signature', () => {
    const described = readPe(describeExecutable(makeTinyPe(), VERSION));
    const resources = new Map(described.resources.map(({ type, bytes }) => [type, bytes.toString('latin1')]));
    expect([...resources.keys()].sort()).toEqual(['10', '16', '24']);
    expect(resources.get('10')).toBe('the program');
    expect(resources.get('24')).toBe('<assembly/>');
    expect(described.signature).toEqual({ start: 0, sizeBytes: 0 });
    expect(described.checksum).toBe(described.expectedChecksum);
  });

  it('is the same each time, and the same when it is described again', () => {
    const described = describeExecutable(makeTinyPe(), VERSION);
    expect(describeExecutable(makeTinyPe(), VERSION).equals(described)).toBe(true);
    expect(findVersion(describeExecutable(described, VERSION))).toEqual(findVersion(described));
  });

  it('loses what is left behind its sections', () => {
    const longer = Buffer.concat([makeTinyPe({ hasDeadSignature: false }), Buffer.alloc(512, 'signature')]);
    expect(describeExecutable(longer, VERSION).includes('signature')).toBe(false);
  });

  it.each([
    ['0.1.0', [0, 1, 0, 0]],
    ['12.34.56', [12, 34, 56, 0]],
    ['1.2.3-rc.4', [1, 2, 3, 0]],
  ])('tells version %s', (version, numbers) => {
    const told = findVersion(describeExecutable(makeTinyPe(), { ...VERSION, version }));
    expect(told.numbers).toEqual(numbers);
    expect(told.strings).toMatchObject({ FileVersion: version, ProductVersion: version });
    expect(told.strings['Comments']).toBe('Contains Node.js 26.7.0');
  });
});

it.each([
  ['nothing', Buffer.alloc(0)],
  ['a program for Linux', Buffer.from('\x7fELF'.padEnd(4096, '\0'), 'latin1')],
  ['text', Buffer.alloc(4096, 'MZ')],
])('%s cannot be described', (_, file) => {
  expect(() => describeExecutable(file, VERSION)).toThrow();
});
