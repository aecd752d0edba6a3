/**
 * Signs an executable for macOS ad hoc: with the hashes of its pages and no certificate, the least that a Mac with an
 * Apple processor starts. The same file gets the same signature.
 */

import { hash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { alignUp, countLoadCommand, type MachO, readMachO, resizeSegment, type Segment } from './macho.ts';

const LC_CODE_SIGNATURE = 0x1d;
const COMMAND_SIZE = 16;
/** A signature starts at a multiple of it. */
const SIGNATURE_ALIGNMENT = 16;

const MAGIC = {
  signature: 0xfade0cc0,
  codeDirectory: 0xfade0c02,
  requirements: 0xfade0c01,
  cms: 0xfade0b01,
};
const SLOT = { codeDirectory: 0, requirements: 2, cms: 0x1_0000 };

/** The first version that says which segment is executable. */
const CODE_DIRECTORY_VERSION = 0x2_0400;
const CODE_DIRECTORY_SIZE = 88;
const AD_HOC = 0x2;
const MAIN_BINARY = 0x1n;
const SHA256 = { type: 2, sizeBytes: 32 };
const HASHED_PAGE = { sizeBytes: 0x1000, log2: 12 };
/** The hashes before those of the pages: of the requirements, and of an Info.plist, which there is none of. */
const SPECIAL_HASHES = 2;

/**
 * Signs a file in place.
 * @throws when it is not an executable for macOS, or its layout leaves no place for a signature.
 */
export async function signFileAdHoc(path: string, identifier: string): Promise<void> {
  await writeFile(path, signAdHoc(await readFile(path), identifier));
}

/**
 * @param identifier what the signature calls the program.
 * @returns a copy with a new signature, which replaces one that is there.
 * @throws when it is not an executable for macOS, or its layout leaves no place for a signature.
 * @see https://github.com/apple-oss-distributions/xnu/blob/main/osfmk/kern/cs_blobs.h
 */
export function signAdHoc(file: Buffer, identifier: string): Buffer {
  if (!/^[\w.-]+$/.test(identifier)) throw new Error(`Cannot sign the executable: "${identifier}" cannot be its name`);
  const layout = readMachO(file);
  const { text, linkedit } = findSegments(layout, file.length);
  const { at, contentEnd, isNew } = findPlace(layout, linkedit, file);

  const limit = alignUp(contentEnd, SIGNATURE_ALIGNMENT);
  if (limit >= 2 ** 32) throw new Error('Cannot sign the executable: it is too large');
  const signatureSize = alignUp(formatSignature(identifier, limit, text.sizeBytes).length, SIGNATURE_ALIGNMENT);
  const signed = Buffer.alloc(limit + signatureSize);
  file.copy(signed, 0, 0, contentEnd);
  if (isNew) countLoadCommand(signed, COMMAND_SIZE);
  for (const [index, value] of [LC_CODE_SIGNATURE, COMMAND_SIZE, limit, signatureSize].entries()) {
    signed.writeUInt32LE(value, at + 4 * index);
  }
  resizeSegment(signed, linkedit, signed.length - linkedit.offset, layout.pageSize);
  // The first page is final only now.
  formatSignature(identifier, limit, text.sizeBytes, signed).copy(signed, limit);
  return signed;
}

/** @throws unless the signature can grow at the end of the file and of the memory. */
function findSegments({ segments }: MachO, end: number): { text: Segment; linkedit: Segment } {
  const text = segments.find(({ name }) => name === '__TEXT');
  if (text?.offset !== 0) throw new Error('Cannot sign the executable: it does not start with its code');
  const linkedit = segments.find(({ name }) => name === '__LINKEDIT');
  if (linkedit === undefined || linkedit.offset + linkedit.sizeBytes !== end) {
    throw new Error('Cannot sign the executable: it does not end with its __LINKEDIT segment');
  }
  if (segments.some(({ address }) => address > linkedit.address)) {
    throw new Error('Cannot sign the executable: a segment follows __LINKEDIT in memory');
  }
  return { text, linkedit };
}

interface Place {
  /** Where the load command of the signature is or goes. */
  readonly at: number;
  /** Where the signed content ends in the file. */
  readonly contentEnd: number;
  readonly isNew: boolean;
}

function findPlace({ commands, commandsEnd, segments }: MachO, linkedit: Segment, file: Buffer): Place {
  const existing = commands.filter(({ type }) => type === LC_CODE_SIGNATURE);
  const [signature] = existing;
  if (signature === undefined) {
    const firstSection = Math.min(
      ...segments.flatMap(({ firstSectionOffset }) => firstSectionOffset ?? []),
      file.length,
    );
    const room = file.subarray(commandsEnd, commandsEnd + COMMAND_SIZE);
    if (commandsEnd + COMMAND_SIZE > firstSection || room.some((byte) => byte !== 0)) {
      throw new Error('Cannot sign the executable: there is no room for one more load command');
    }
    return { at: commandsEnd, contentEnd: file.length, isNew: true };
  }
  const { at } = signature;
  const contentEnd = file.readUInt32LE(at + 8);
  if (
    existing.length > 1 ||
    file.readUInt32LE(at + 4) !== COMMAND_SIZE ||
    contentEnd < linkedit.offset ||
    contentEnd + file.readUInt32LE(at + 12) !== file.length
  ) {
    throw new Error('Cannot sign the executable: its signature is not the end of the file');
  }
  return { at, contentEnd, isNew: false };
}

/**
 * The signature: an index of blobs, and the blobs. All numbers are big-endian.
 * @param limit where the signed content ends, in bytes.
 * @param textSize the size of the executable segment, in bytes.
 * @param content the file; without it, the hashes are zero.
 */
function formatSignature(identifier: string, limit: number, textSize: number, content?: Buffer): Buffer {
  const requirements = formatBlob(MAGIC.requirements, Buffer.alloc(4));
  const blobs = [
    [SLOT.codeDirectory, formatCodeDirectory(identifier, limit, textSize, requirements, content)],
    [SLOT.requirements, requirements],
    [SLOT.cms, formatBlob(MAGIC.cms, Buffer.alloc(0))],
  ] as const;
  const index = Buffer.alloc(4 + 8 * blobs.length);
  index.writeUInt32BE(blobs.length);
  let offset = 8 + index.length;
  for (const [position, [slot, { length }]] of blobs.entries()) {
    index.writeUInt32BE(slot, 4 + 8 * position);
    index.writeUInt32BE(offset, 8 + 8 * position);
    offset += length;
  }
  return formatBlob(MAGIC.signature, Buffer.concat([index, ...blobs.map(([, blob]) => blob)]));
}

function formatCodeDirectory(
  identifier: string,
  limit: number,
  textSize: number,
  requirements: Buffer,
  content: Buffer | undefined,
): Buffer {
  const name = Buffer.from(`${identifier}\0`, 'latin1');
  const pages = Math.ceil(limit / HASHED_PAGE.sizeBytes);
  const hashesAt = CODE_DIRECTORY_SIZE + name.length + SPECIAL_HASHES * SHA256.sizeBytes;
  /** What precedes the name, without the head of the blob. */
  const fields = Buffer.alloc(CODE_DIRECTORY_SIZE - 8);
  const numbers = [CODE_DIRECTORY_VERSION, AD_HOC, hashesAt, CODE_DIRECTORY_SIZE, SPECIAL_HASHES, pages, limit];
  for (const [index, value] of numbers.entries()) fields.writeUInt32BE(value, 4 * index);
  fields.set([SHA256.sizeBytes, SHA256.type, 0, HASHED_PAGE.log2], 28);
  // The executable segment: it starts at 0.
  fields.writeBigUInt64BE(BigInt(textSize), 64);
  fields.writeBigUInt64BE(MAIN_BINARY, 72);
  const hashes = Buffer.alloc((SPECIAL_HASHES + pages) * SHA256.sizeBytes);
  hash('sha256', requirements, 'buffer').copy(hashes);
  if (content !== undefined) {
    for (let page = 0; page < pages; page++) {
      const start = page * HASHED_PAGE.sizeBytes;
      const bytes = content.subarray(start, Math.min(start + HASHED_PAGE.sizeBytes, limit));
      hash('sha256', bytes, 'buffer').copy(hashes, (SPECIAL_HASHES + page) * SHA256.sizeBytes);
    }
  }
  return formatBlob(MAGIC.codeDirectory, Buffer.concat([fields, name, hashes]));
}

function formatBlob(magic: number, body: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(magic);
  head.writeUInt32BE(head.length + body.length, 4);
  return Buffer.concat([head, body]);
}
