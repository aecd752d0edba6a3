/** Reads the layout of an executable for macOS: a Mach-O file for one 64-bit processor. */

export interface MachO {
  /** The size of a page of memory, in bytes. */
  readonly pageSize: number;
  readonly commands: readonly LoadCommand[];
  /** Where the next load command would be. */
  readonly commandsEnd: number;
  readonly segments: readonly Segment[];
}

export interface LoadCommand {
  /** Where it is in the file. */
  readonly at: number;
  readonly type: number;
}

/** A part of the file that is mapped into memory. */
export interface Segment {
  readonly name: string;
  /** Where its load command is in the file. */
  readonly at: number;
  readonly address: bigint;
  /** Where its bytes are in the file. */
  readonly offset: number;
  readonly sizeBytes: number;
  /** Where the bytes of its first section are in the file; `undefined` when it has none there. */
  readonly firstSectionOffset: number | undefined;
}

const MAGIC_64 = 0xfeedfacf;
const EXECUTABLE = 2;
const HEADER_SIZE = 32;
const LC_SEGMENT_64 = 0x19;
const SEGMENT_SIZE = 72;
const SECTION_SIZE = 80;
/** By the type of the processor: x86-64 and arm64. */
const PAGE_SIZES = new Map([
  [0x0100_0007, 0x1000],
  [0x0100_000c, 0x4000],
]);

/** Where the header has the number and the size of the load commands. */
const COMMAND_COUNT_AT = 16;
const COMMANDS_SIZE_AT = 20;

/**
 * Reads the load commands and the segments.
 * @throws when the file is not such an executable, or its load commands are broken.
 * @see https://github.com/apple-oss-distributions/xnu/blob/main/EXTERNAL_HEADERS/mach-o/loader.h
 */
export function readMachO(file: Buffer): MachO {
  if (file.length < HEADER_SIZE || file.readUInt32LE(0) !== MAGIC_64 || file.readUInt32LE(12) !== EXECUTABLE) {
    throw new Error('Cannot read the executable: it is not a Mach-O file for one 64-bit processor');
  }
  const processor = file.readUInt32LE(4);
  const pageSize = PAGE_SIZES.get(processor);
  if (pageSize === undefined) throw new Error(`Cannot read the executable: processor ${processor} is unknown`);
  const commandsEnd = HEADER_SIZE + file.readUInt32LE(COMMANDS_SIZE_AT);
  if (commandsEnd > file.length) throw new Error('Cannot read the executable: its load commands are cut off');
  const commands: LoadCommand[] = [];
  let at = HEADER_SIZE;
  for (let left = file.readUInt32LE(COMMAND_COUNT_AT); left > 0; left--) {
    const sizeBytes = at + 8 <= commandsEnd ? file.readUInt32LE(at + 4) : 0;
    if (sizeBytes < 8 || at + sizeBytes > commandsEnd) {
      throw new Error('Cannot read the executable: its load commands do not have the sizes that they claim');
    }
    commands.push({ at, type: file.readUInt32LE(at) });
    at += sizeBytes;
  }
  if (at !== commandsEnd) throw new Error('Cannot read the executable: its load commands do not end where they should');
  const segments = commands.filter(({ type }) => type === LC_SEGMENT_64).map(({ at }) => readSegment(file, at));
  return { pageSize, commands, commandsEnd, segments };
}

function readSegment(file: Buffer, at: number): Segment {
  const sectionCount = file.readUInt32LE(at + 64);
  if (file.readUInt32LE(at + 4) !== SEGMENT_SIZE + SECTION_SIZE * sectionCount) {
    throw new Error('Cannot read the executable: a segment does not have the sections that it claims');
  }
  const sectionOffsets = Array.from({ length: sectionCount }, (_, index) =>
    file.readUInt32LE(at + SEGMENT_SIZE + SECTION_SIZE * index + 48),
  ).filter((offset) => offset !== 0);
  return {
    name: file.toString('latin1', at + 8, at + 24).replaceAll('\0', ''),
    at,
    address: file.readBigUInt64LE(at + 24),
    offset: Number(file.readBigUInt64LE(at + 40)),
    sizeBytes: Number(file.readBigUInt64LE(at + 48)),
    firstSectionOffset: sectionOffsets.length === 0 ? undefined : Math.min(...sectionOffsets),
  };
}

/** Counts one more load command in the header. */
export function countLoadCommand(file: Buffer, sizeBytes: number): void {
  file.writeUInt32LE(file.readUInt32LE(COMMAND_COUNT_AT) + 1, COMMAND_COUNT_AT);
  file.writeUInt32LE(file.readUInt32LE(COMMANDS_SIZE_AT) + sizeBytes, COMMANDS_SIZE_AT);
}

/** Changes the size of a segment in the file, and with it in memory. */
export function resizeSegment(file: Buffer, { at }: Segment, sizeBytes: number, pageSize: number): void {
  file.writeBigUInt64LE(BigInt(alignUp(sizeBytes, pageSize)), at + 32);
  file.writeBigUInt64LE(BigInt(sizeBytes), at + 48);
}

/** @returns the next multiple of `step`, or the value itself if it is one. */
export function alignUp(value: number, step: number): number {
  return Math.ceil(value / step) * step;
}
