/** Makes a Linux executable look for a library beside itself, before it looks among the system's. */

import { open } from 'node:fs/promises';
import { environmentWithoutNodeSettings, runProgram } from './run.ts';
import type { Target } from './target.ts';

/** What the system's loader replaces with the folder of the executable. @see https://man7.org/linux/man-pages/man8/ld.so.8.html */
const OWN_FOLDER = '$ORIGIN';
const TOOL = 'patchelf';
/** The largest page of a kernel for the processor: a segment that is not aligned to it cannot be loaded there. */
const PAGE_BYTES: Readonly<Record<Target['cpu'], number>> = { x64: 4096, arm64: 65_536 };

/** A part of an executable that the system loads or reads. */
export interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly sizeBytes: number;
}

/** @see https://man7.org/linux/man-pages/man5/elf.5.html */
export const SEGMENT_TYPES = { load: 1, dynamic: 2, note: 4, table: 6 } as const;
const HEADER_BYTES = 64;
const SEGMENT_BYTES = 56;
const MAX_SEGMENTS = 64;

/**
 * Sets the library path. This must happen after the program is injected: an executable that was changed before would be
 * damaged by the injection.
 *
 * @returns why it was not set; `undefined` when it was.
 * @throws when the executable could not be loaded afterwards.
 */
export async function setLibraryPath(file: string, target: Target): Promise<string | undefined> {
  const pageBytes = PAGE_BYTES[target.cpu];
  const env = environmentWithoutNodeSettings();
  if (!(await isThere(env))) return `${TOOL} is missing`;
  await runProgram(TOOL, ['--page-size', String(pageBytes), '--set-rpath', OWN_FOLDER, file], { env });
  const damage = findDamage(await readSegments(file), pageBytes);
  if (damage !== undefined) throw new Error(`${TOOL} has damaged ${file}: ${damage}`);
  return undefined;
}

function isThere(env: NodeJS.ProcessEnv): Promise<boolean> {
  return runProgram(TOOL, ['--version'], { env }).then(
    () => true,
    () => false,
  );
}

/**
 * Checks what a system needs to load an executable.
 * @param pageBytes the largest page of such a system.
 * @returns what is wrong; `undefined` when nothing is.
 */
export function findDamage(segments: readonly Segment[], pageBytes: number): string | undefined {
  const loaded = segments.filter(({ type }) => type === SEGMENT_TYPES.load);
  if (loaded.length === 0) return 'nothing is loaded';
  const shifted = loaded.find(({ offset, address }) => (address - offset) % pageBytes !== 0);
  if (shifted) return `the segment at ${shifted.offset} is not aligned to pages of ${pageBytes} bytes`;
  const isLoaded = ({ offset, sizeBytes }: Segment) =>
    loaded.some((one) => one.offset <= offset && offset + sizeBytes <= one.offset + one.sizeBytes);
  const { dynamic, note, table } = SEGMENT_TYPES;
  const lost = segments.find((one) => [dynamic, note, table].some((type) => type === one.type) && !isLoaded(one));
  return lost && `the segment at ${lost.offset}, of type ${lost.type}, is not loaded`;
}

/** @throws when the file is no executable for Linux with 64 bits. */
export async function readSegments(file: string): Promise<readonly Segment[]> {
  const handle = await open(file);
  try {
    const read = async (offset: number, sizeBytes: number) => {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(sizeBytes), 0, sizeBytes, offset);
      return buffer.subarray(0, bytesRead);
    };
    const header = await read(0, HEADER_BYTES);
    const table = findSegmentTable(header);
    if (table === undefined) throw new Error(`${file} is no executable for Linux`);
    return parseSegments(await read(table.offset, table.count * SEGMENT_BYTES));
  } finally {
    await handle.close();
  }
}

/** @returns where the table of segments is; `undefined` when this is not the header of a 64-bit little-endian executable. */
export function findSegmentTable(header: Buffer): { offset: number; count: number } | undefined {
  if (header.length < HEADER_BYTES || header.toString('latin1', 0, 6) !== '\x7fELF\x02\x01') return undefined;
  const count = header.readUInt16LE(56);
  if (header.readUInt16LE(54) !== SEGMENT_BYTES || count > MAX_SEGMENTS) return undefined;
  return { offset: Number(header.readBigUInt64LE(32)), count };
}

/** @param table the table of segments, whose length is a multiple of that of one. */
export function parseSegments(table: Buffer): readonly Segment[] {
  return Array.from({ length: Math.floor(table.length / SEGMENT_BYTES) }, (_, index) => {
    const entry = table.subarray(index * SEGMENT_BYTES);
    return {
      type: entry.readUInt32LE(0),
      offset: Number(entry.readBigUInt64LE(8)),
      address: Number(entry.readBigUInt64LE(16)),
      sizeBytes: Number(entry.readBigUInt64LE(32)),
    };
  });
}
