/**
 * Reads an executable for Windows from the words of its format alone.
 *
 * @see https://learn.microsoft.com/windows/win32/debug/pe-format
 */

export interface PeReport {
  /** 0x8664 is x64, 0xaa64 is arm64. */
  readonly machine: number;
  /** What the header says. */
  readonly checksum: number;
  /** What it should say. */
  readonly expectedChecksum: number;
  /** Where the signature is in the file; both are 0 when there is none. */
  readonly signature: { readonly start: number; readonly sizeBytes: number };
  /** The bytes after the last section. */
  readonly restBytes: number;
  readonly resources: readonly PeResource[];
}

export interface PeResource {
  /** The number or the name of its type. */
  readonly type: string;
  readonly name: string;
  readonly language: string;
  readonly bytes: Buffer;
}

const RESOURCES = 2;
const SIGNATURE = 4;

/** @throws when the file is not a 64-bit executable for Windows. */
export function readPe(file: Buffer): PeReport {
  const header = file.readUInt32LE(0x3c);
  const optional = header + 24;
  if (file.toString('latin1', header, header + 4) !== 'PE\0\0' || file.readUInt16LE(optional) !== 0x20b) {
    throw new Error('It is not a 64-bit executable for Windows');
  }
  const directory = (index: number) => {
    const at = optional + 112 + 8 * index;
    return { start: file.readUInt32LE(at), sizeBytes: file.readUInt32LE(at + 4) };
  };
  const sectionsAt = optional + file.readUInt16LE(header + 20);
  const sections = Array.from({ length: file.readUInt16LE(header + 6) }, (_, index) => {
    const at = sectionsAt + 40 * index;
    const [size = 0, address = 0, rawSize = 0, start = 0] = [8, 12, 16, 20].map((field) =>
      file.readUInt32LE(at + field),
    );
    return { size, address, rawSize, start };
  });
  const locate = (address: number) => {
    const section = sections.find(({ address: first, rawSize }) => address >= first && address < first + rawSize);
    if (section === undefined) throw new Error(`No section has the address ${address}`);
    return section.start + address - section.address;
  };
  const signature = directory(SIGNATURE);
  return {
    machine: file.readUInt16LE(header + 4),
    checksum: file.readUInt32LE(optional + 64),
    expectedChecksum: sumPe(file, optional + 64),
    signature,
    restBytes: file.length - signature.sizeBytes - Math.max(...sections.map(({ start, rawSize }) => start + rawSize)),
    resources: listResources(file, locate(directory(RESOURCES).start), locate),
  };
}

/** The sum of all 16-bit words but those of the checksum itself, folded to 16 bits, and the length. */
function sumPe(file: Buffer, checksumAt: number): number {
  const words = new Uint16Array(Math.ceil(file.length / 2));
  Buffer.from(words.buffer).set(file);
  let sum = 0;
  for (const word of words) sum += word;
  sum -= file.readUInt16LE(checksumAt) + file.readUInt16LE(checksumAt + 2);
  while (sum > 0xffff) sum = (sum % 0x1_0000) + Math.floor(sum / 0x1_0000);
  return sum + file.length;
}

/** Walks the tree of three levels: type, name, language. */
function listResources(file: Buffer, root: number, locate: (address: number) => number): readonly PeResource[] {
  const children = (at: number) => {
    const count = file.readUInt16LE(at + 12) + file.readUInt16LE(at + 14);
    return Array.from({ length: count }, (_, index) => {
      const [id, offset] = [file.readUInt32LE(at + 16 + 8 * index), file.readUInt32LE(at + 20 + 8 * index)];
      return { key: readKey(id), at: root + (offset & 0x7fff_ffff) };
    });
  };
  const readKey = (id: number) => {
    if ((id & 0x8000_0000) === 0) return String(id);
    const at = root + (id & 0x7fff_ffff);
    return file.toString('utf16le', at + 2, at + 2 + 2 * file.readUInt16LE(at));
  };
  return children(root).flatMap((type) =>
    children(type.at).flatMap((name) =>
      children(name.at).map((language) => {
        const start = locate(file.readUInt32LE(language.at));
        const bytes = file.subarray(start, start + file.readUInt32LE(language.at + 4));
        return { type: type.key, name: name.key, language: language.key, bytes };
      }),
    ),
  );
}

/** The strings of a version resource, and the version's four numbers. */
export function readVersion(resource: Buffer): { numbers: readonly number[]; strings: Record<string, string> } {
  const strings: Record<string, string> = {};
  let numbers: readonly number[] = [];
  const align = (at: number) => Math.ceil(at / 4) * 4;
  /** Each node has its size, that of its value, its kind, its key, its value and its children. */
  const walk = (start: number) => {
    const end = start + resource.readUInt16LE(start);
    const valueLength = resource.readUInt16LE(start + 2);
    const isText = resource.readUInt16LE(start + 4) === 1;
    let keyEnd = start + 6;
    while (resource.readUInt16LE(keyEnd) !== 0) keyEnd += 2;
    const key = resource.toString('utf16le', start + 6, keyEnd);
    const valueAt = align(keyEnd + 2);
    if (key === 'VS_VERSION_INFO') {
      if (resource.readUInt32LE(valueAt) !== 0xfeef_04bd) throw new Error('The version has no fixed part');
      numbers = [10, 8, 14, 12].map((field) => resource.readUInt16LE(valueAt + field));
    }
    if (isText && valueLength > 0) {
      strings[key] = resource.toString('utf16le', valueAt, valueAt + 2 * (valueLength - 1));
      return;
    }
    for (let at = align(valueAt + valueLength); at < end; at = align(at + resource.readUInt16LE(at))) walk(at);
  };
  walk(0);
  return { numbers, strings };
}
