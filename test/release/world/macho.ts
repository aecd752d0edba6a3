/**
 * Checks an executable for macOS as its kernel and its loader do: the layout of the file, and each hash of the signature.
 * It shares nothing with the code that signs.
 *
 * @see https://github.com/apple-oss-distributions/xnu/blob/main/bsd/kern/ubc_subr.c
 * @see https://github.com/apple-oss-distributions/dyld/blob/main/mach_o/Image.cpp
 */

import { createHash } from 'node:crypto';

/** What is in the file, and every rule that it breaks. */
export interface MachOReport {
  readonly faults: readonly string[];
  readonly segments: readonly SegmentFacts[];
  readonly fixups: FixupFacts | undefined;
  /** The first code directory; `undefined` when the file is not signed. */
  readonly signature: SignatureFacts | undefined;
}

interface SegmentFacts {
  readonly name: string;
  readonly address: bigint;
  readonly addressSize: bigint;
  readonly start: number;
  readonly end: number;
  readonly protection: number;
  readonly sections: readonly SectionFacts[];
}

interface SectionFacts {
  readonly name: string;
  readonly start: number;
  readonly sizeBytes: number;
}

interface SignatureFacts {
  readonly identifier: string;
  readonly flags: number;
  /** The content's hash, by which systems name it. */
  readonly contentHash: string;
}

/** What the loader writes into the data when it starts the program. */
interface FixupFacts {
  /** Each symbol that the data refers to by its number in this list, with the number of its library. */
  readonly imports: readonly string[];
  /** Where the places to write to start, by segment. */
  readonly starts: Readonly<Record<string, string>>;
}

/** A range of bytes that a load command names. */
interface Extent {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

const PAGE_SIZES: Readonly<Record<string, bigint>> = { '16777223': 0x1000n, '16777228': 0x4000n };
/** The load commands that name one range of `__LINKEDIT`. */
const RANGE_COMMANDS: Readonly<Record<string, string>> = {
  '29': 'signature',
  '38': 'function starts',
  '41': 'data in code',
  '2147483699': 'exports',
  '2147483700': 'fix-ups',
};
const WRITABLE = 2;
const EXECUTABLE = 4;

export function checkMachO(file: Buffer): MachOReport {
  const faults: string[] = [];
  const demand = (isRight: boolean, fault: string) => {
    if (!isRight) faults.push(fault);
  };
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const number = (at: number) => view.getUint32(at, true);
  const long = (at: number) => view.getBigUint64(at, true);
  const textAt = (at: number, size: number) =>
    file
      .subarray(at, at + size)
      .toString('latin1')
      .split('\0')[0] ?? '';

  demand(number(0) === 0xfeed_facf && number(12) === 2, 'the file is not an executable');
  const pageSize = PAGE_SIZES[String(number(4))];
  if (pageSize === undefined)
    return { faults: [...faults, 'the processor is unknown'], segments: [], fixups: undefined, signature: undefined };

  const segments: SegmentFacts[] = [];
  const extents: Extent[] = [];
  const seen = new Set<number>();
  const commandsEnd = 32 + number(20);
  let at = 32;
  for (let index = 0; index < number(16); index++) {
    const [type, size] = [number(at), number(at + 4)];
    demand(size >= 8 && size % 8 === 0 && at + size <= commandsEnd, `load command ${index} has a wrong size`);
    if (size < 8) break;
    demand(!seen.has(type) || type !== 0x1d, 'there are two signatures');
    seen.add(type);
    if (type === 0x19) {
      const start = Number(long(at + 40));
      const sections = Array.from({ length: number(at + 64) }, (_, section) => {
        const head = at + 72 + 80 * section;
        return { name: textAt(head, 16), start: number(head + 48), sizeBytes: Number(long(head + 40)) };
      });
      segments.push({
        ...{ name: textAt(at + 8, 16), address: long(at + 24), addressSize: long(at + 32) },
        ...{ start, end: start + Number(long(at + 48)), protection: number(at + 60), sections },
      });
    }
    const range = RANGE_COMMANDS[String(type)];
    if (range !== undefined)
      extents.push({ name: range, start: number(at + 8), end: number(at + 8) + number(at + 12) });
    if (type === 2) {
      extents.push({ name: 'symbols', start: number(at + 8), end: number(at + 8) + 16 * number(at + 12) });
      extents.push({ name: 'names', start: number(at + 16), end: number(at + 16) + number(at + 20) });
    }
    if (type === 0xb)
      extents.push({ name: 'indirect symbols', start: number(at + 56), end: number(at + 56) + 4 * number(at + 60) });
    at += size;
  }
  demand(at === commandsEnd, 'the load commands do not end where the header says');
  demand(seen.has(0x1b), 'there is no UUID');
  demand(seen.has(0x8000_0028), 'there is no entry point');

  checkSegments();
  checkLinkedit();
  const fixups = checkFixups();
  return { faults, segments, fixups, signature: checkSignature() };

  function checkSegments(): void {
    const contents = segments.flatMap(({ sections }) => sections).filter(({ start }) => start > 0);
    demand(
      contents.every(({ start }) => start >= commandsEnd),
      'the load commands run into a section',
    );
    for (const [index, segment] of segments.entries()) {
      const { name, address, addressSize, start, end, protection, sections } = segment;
      const isAligned = [address, addressSize, BigInt(start)].every((value) => value % (pageSize ?? 1n) === 0n);
      demand(isAligned, `${name} does not start and end at a page`);
      demand(BigInt(end - start) <= addressSize, `${name} is larger in the file than in memory`);
      demand(end <= file.length, `${name} ends after the file`);
      demand((protection & WRITABLE) === 0 || (protection & EXECUTABLE) === 0, `${name} is writable and executable`);
      for (const section of sections) {
        const isInside = section.start === 0 || (section.start >= start && section.start + section.sizeBytes <= end);
        demand(isInside || start === end, `${name},${section.name} is outside its segment`);
      }
      const before = segments[index - 1];
      if (before === undefined) continue;
      demand(before.address + before.addressSize <= address, `${before.name} and ${name} overlap in memory`);
      demand(before.end <= start, `${before.name} and ${name} overlap in the file`);
    }
  }

  function checkLinkedit(): void {
    const last = segments.at(-1);
    demand(last?.name === '__LINKEDIT', '__LINKEDIT is not the last segment');
    demand(last?.end === file.length, '__LINKEDIT does not end with the file');
    const ordered = extents.filter(({ start, end }) => end > start).sort((one, other) => one.start - other.start);
    for (const [index, { name, start, end }] of ordered.entries()) {
      demand(last !== undefined && start >= last.start && end <= last.end, `the ${name} are outside __LINKEDIT`);
      const next = ordered[index + 1];
      demand(next === undefined || end <= next.start, `the ${name} and the ${next?.name} overlap`);
    }
  }

  /** The loader walks a table that must have one entry a segment. */
  function checkFixups(): FixupFacts | undefined {
    const place = extents.find(({ name }) => name === 'fix-ups');
    if (place === undefined) return undefined;
    const [tableAt = 0, importsAt = 0, namesAt = 0, importCount = 0, format = 0] = [4, 8, 12, 16, 20].map((field) =>
      number(place.start + field),
    );
    demand(importCount === 0 || format === 1, 'the format of the imports is unknown');
    const imports = Array.from({ length: importCount }, (_, index) => {
      const entry = number(place.start + importsAt + 4 * index);
      const nameAt = place.start + namesAt + (entry >>> 9);
      return `${file.toString('latin1', nameAt, file.indexOf(0, nameAt))} ${entry & 0x1ff}`;
    });
    const table = place.start + tableAt;
    const count = number(table);
    demand(count === segments.length, `the fix-ups have ${count} segments, the file has ${segments.length}`);
    const base = segments.find(({ name }) => name === '__TEXT')?.address ?? 0n;
    const starts: Record<string, string> = {};
    for (const [index, { name, address }] of segments.slice(0, count).entries()) {
      const offset = number(table + 4 + 4 * index);
      if (offset === 0) continue;
      const [at, size] = [table + offset, number(table + offset)];
      demand(at + size <= place.end, `the fix-ups of ${name} are cut off`);
      demand(long(at + 8) === address - base, `the fix-ups of ${name} are those of another segment`);
      starts[name] = file.toString('hex', at + 4, at + size);
    }
    return { imports, starts };
  }

  function checkSignature(): SignatureFacts | undefined {
    const place = extents.find(({ name }) => name === 'signature');
    if (place === undefined) {
      faults.push('there is no signature');
      return undefined;
    }
    demand(place.end === file.length, 'the signature does not end with the file');
    demand(place.start % 16 === 0, 'the signature is not aligned');
    const blobs = readBlobs(file.subarray(place.start, place.end), demand);
    const directories = [...blobs].filter(([, blob]) => blob.readUInt32BE(0) === 0xfade_0c02);
    demand(directories[0]?.[0] === 0, 'there is no code directory');
    const facts = directories.map(([, directory]) => checkCodeDirectory(directory, place.start, blobs));
    return facts[0];
  }

  function checkCodeDirectory(directory: Buffer, end: number, blobs: ReadonlyMap<number, Buffer>): SignatureFacts {
    const [version = 0, flags = 0, hashesAt = 0, nameAt = 0, specials = 0, pages = 0, limit = 0] = Array.from(
      { length: 7 },
      (_, index) => directory.readUInt32BE(8 + 4 * index),
    );
    const [size = 0, type = 0, platform = 0, shift = 0] = directory.subarray(36, 40);
    demand(version >= 0x2_0400 && version < 0x3_0000, 'the version of the code directory is unknown');
    demand(size === 32 && type === 2, 'the hashes are not SHA-256');
    demand(platform === 0, 'it claims to be a part of macOS');
    demand(limit === end, 'the signed content does not end at the signature');
    demand(directory.readUInt32BE(40) === 0 && directory.readUInt32BE(44) === 0, 'a reserved field is in use');
    demand(directory.readBigUInt64BE(56) === 0n, 'there are two limits');
    const text = segments.find(({ name }) => name === '__TEXT');
    demand(directory.readBigUInt64BE(64) === BigInt(text?.start ?? -1), 'the executable segment starts elsewhere');
    demand(directory.readBigUInt64BE(72) === BigInt(text?.end ?? -1), 'the executable segment ends elsewhere');
    demand((directory.readBigUInt64BE(80) & 1n) === 1n, 'it is not signed as a main program');
    demand(
      hashesAt - specials * size >= nameAt && hashesAt + pages * size <= directory.length,
      'the hashes are cut off',
    );
    const nameEnd = directory.indexOf(0, nameAt);
    demand(nameAt >= 88 && nameEnd > nameAt && nameEnd < hashesAt - specials * size, 'the name does not end');

    const step = 2 ** shift;
    demand(pages === Math.ceil(limit / step), `${pages} pages are hashed`);
    const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest();
    const isHash = (index: number, bytes: Buffer) => {
      return directory.subarray(hashesAt + index * size, hashesAt + (index + 1) * size).equals(digest(bytes));
    };
    for (let page = 0; page < pages; page++) {
      if (!isHash(page, file.subarray(page * step, Math.min((page + 1) * step, limit))))
        faults.push(`page ${page} differs`);
    }
    for (let slot = 1; slot <= specials; slot++) {
      const blob = blobs.get(slot);
      const isEmpty = directory
        .subarray(hashesAt - slot * size, hashesAt - (slot - 1) * size)
        .every((byte) => byte === 0);
      demand(blob === undefined ? isEmpty : isHash(-slot, blob), `the hash of slot ${slot} is wrong`);
    }
    const identifier = directory.subarray(nameAt, nameEnd).toString('latin1');
    return { identifier, flags, contentHash: digest(directory).toString('hex').slice(0, 40) };
  }
}

/** The parts of a signature, by the number of their slot. */
function readBlobs(signature: Buffer, demand: (isRight: boolean, fault: string) => void): ReadonlyMap<number, Buffer> {
  const length = signature.length < 12 ? 0 : signature.readUInt32BE(4);
  if (length < 12 || length > signature.length || signature.readUInt32BE(0) !== 0xfade_0cc0) {
    demand(false, 'the signature cannot be read');
    return new Map();
  }
  const blobs = new Map<number, Buffer>();
  for (let index = 0; index < signature.readUInt32BE(8); index++) {
    const [slot, start] = [signature.readUInt32BE(12 + 8 * index), signature.readUInt32BE(16 + 8 * index)];
    const isInside = start + 8 <= length && start + signature.readUInt32BE(start + 4) <= length;
    demand(isInside && !blobs.has(slot), `slot ${slot} of the signature cannot be read`);
    if (isInside) blobs.set(slot, signature.subarray(start, start + signature.readUInt32BE(start + 4)));
  }
  demand(
    signature.subarray(length).every((byte) => byte === 0),
    'something follows the signature',
  );
  return blobs;
}

/**
 * Finds the program's blob as Node does, by the names of its segment and section.
 * @returns `undefined` when Node would not find it.
 */
export function findProgramBlob(file: Buffer, { segments }: MachOReport): Buffer | undefined {
  const segment = segments.find(({ name }) => name === 'NODE_SEA');
  const section = segment?.sections.find(({ name }) => name === '__NODE_SEA_BLOB');
  return section && file.subarray(section.start, section.start + section.sizeBytes);
}
