/** A made-up executable for macOS: as small as the format allows, with what a signer and a loader look at. */

export interface TinyMachO {
  /** The type of the processor. Arm64 by default. */
  readonly processor?: number;
  /** The bytes between the load commands and the code. */
  readonly roomBytes?: number;
  /** The size of what `__LINKEDIT` holds, in bytes. */
  readonly linkeditBytes?: number;
  /** More load commands, each with its type and its size. */
  readonly extraCommands?: readonly Buffer[];
}

export const ARM64 = 0x0100_000c;
export const X64 = 0x0100_0007;
const START = 0x1_0000_0000n;
const PAGE = 0x4000;
/** The size of a segment's load command with a section. */
const WITH_SECTION = 152;

/** It has `__PAGEZERO`, `__TEXT` with one section, `NODE_SEA`, and `__LINKEDIT` with the fix-ups. */
export function makeTinyMachO(options: TinyMachO = {}): Buffer {
  const { processor = ARM64, roomBytes = 64, linkeditBytes = 1003, extraCommands = [] } = options;
  const fixups = Buffer.alloc(linkeditBytes, 'symbols');
  fixups.fill(0, 0, 64);
  // The table of the segments is at 32, and none of them has a fix-up.
  fixups.writeUInt32LE(32, 4);
  fixups.writeUInt32LE(4, 32);
  const commands = [
    segment({ name: '__PAGEZERO', address: 0n, memory: START }),
    segment({ name: '__TEXT', address: START, bytes: 2 * PAGE, protection: 5, section: '__text' }),
    segment({
      name: 'NODE_SEA',
      address: START + 2n * BigInt(PAGE),
      start: 2 * PAGE,
      bytes: PAGE,
      section: '__NODE_SEA_BLOB',
    }),
    segment({ name: '__LINKEDIT', address: START + 3n * BigInt(PAGE), start: 3 * PAGE, bytes: linkeditBytes }),
    command(0x8000_0034, 3 * PAGE, linkeditBytes),
    command(0x1b, 1, 2, 3, 4),
    command(0x8000_0028, 0, 0, 0, 0),
    ...extraCommands,
  ];
  const header = Buffer.alloc(32);
  const sizeBytes = commands.reduce((sum, { length }) => sum + length, 0);
  for (const [index, value] of [0xfeed_facf, processor, 0, 2, commands.length, sizeBytes].entries()) {
    header.writeUInt32LE(value, 4 * index);
  }
  const codeAt = header.length + sizeBytes + roomBytes;
  // The section of the code starts after the room.
  commands[1]?.writeUInt32LE(codeAt, 72 + 48);
  commands[1]?.writeBigUInt64LE(BigInt(2 * PAGE - codeAt), 72 + 40);
  const code = Buffer.alloc(2 * PAGE - codeAt, 'code');
  return Buffer.concat([header, ...commands, Buffer.alloc(roomBytes), code, Buffer.alloc(PAGE, 'program'), fixups]);
}

interface SegmentFields {
  readonly name: string;
  readonly address: bigint;
  /** The size in memory; by default the bytes of the file in whole pages. */
  readonly memory?: bigint;
  readonly start?: number;
  readonly bytes?: number;
  readonly protection?: number;
  readonly section?: string;
}

function segment({ name, address, memory, start = 0, bytes = 0, protection = 1, section }: SegmentFields): Buffer {
  const made = Buffer.alloc(section === undefined ? 72 : WITH_SECTION);
  made.writeUInt32LE(0x19);
  made.writeUInt32LE(made.length, 4);
  made.write(name, 8, 'latin1');
  made.writeBigUInt64LE(address, 24);
  made.writeBigUInt64LE(memory ?? BigInt(Math.ceil(bytes / PAGE) * PAGE), 32);
  made.writeBigUInt64LE(BigInt(start), 40);
  made.writeBigUInt64LE(BigInt(bytes), 48);
  made.writeUInt32LE(protection, 56);
  made.writeUInt32LE(protection, 60);
  if (section === undefined) return made;
  made.writeUInt32LE(1, 64);
  made.write(section, 72, 'latin1');
  made.write(name, 88, 'latin1');
  made.writeBigUInt64LE(BigInt(bytes), 72 + 40);
  made.writeUInt32LE(start, 72 + 48);
  return made;
}

/** A load command with numbers as its fields. */
export function command(type: number, ...fields: readonly number[]): Buffer {
  const made = Buffer.alloc(8 + 4 * fields.length);
  for (const [index, value] of [type, made.length, ...fields].entries()) made.writeUInt32LE(value, 4 * index);
  return made;
}
