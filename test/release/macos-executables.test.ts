/** The executables for macOS, which cannot run here: their layout, their signature, and the program in them. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeBinary } from '../../scripts/build/binary.ts';
import { bundleChunks, type Chunks } from '../../scripts/build/chunks.ts';
import { findNodePart, readPinnedNodeVersion } from '../../scripts/build/node-part.ts';
import { ENTRY } from '../../scripts/build/program.ts';
import { TARGETS } from '../../scripts/build/target.ts';
import { runCommand } from '../../scripts/parts/command.ts';
import { LIEF } from '../../scripts/parts/lief.ts';
import { findPythonProgram } from '../../scripts/parts/python-package.ts';
import { checkMachO, findProgramBlob, type MachOReport } from './world/macho.ts';

const ROOT = join(import.meta.dirname, '../..');
const HASHED_PAGE = 4096;
/** Types of load commands. */
const SIGNATURE = 0x1d;
const FIXUPS = 0x8000_0034;
/** Node looks for the program only when the byte behind it is a 1. */
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2:';
/** The first bytes of what Node puts into an executable. */
const BLOB_MAGIC = 0x0143_da20;
let folder: string;
let program: Chunks;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'docker-credential-acr-macos-'));
  program = await bundleChunks({ entry: ENTRY, root: ROOT, nodeVersion: await readPinnedNodeVersion(ROOT) });
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(TARGETS.filter(({ os }) => os === 'macos'))('the executable for $name', (target) => {
  let path: string;
  let file: Buffer;
  let official: Buffer;
  let ours: MachOReport;
  let nodes: MachOReport;

  beforeAll(async () => {
    path = join(folder, target.name);
    const { start: code, parts } = program;
    const { notStripped } = await makeBinary({ root: ROOT, target, code, parts, output: path });
    expect(notStripped).toBeUndefined();
    file = readFileSync(path);
    const pinned = await readPinnedNodeVersion(ROOT);
    official = readFileSync((await findNodePart(ROOT, join(ROOT, '.parts'), target, pinned)).path);
    [ours, nodes] = [checkMachO(file), checkMachO(official)];
  });

  it('breaks no rule of the kernel and the loader, as Node’s own does', () => {
    expect(ours.faults).toEqual([]);
    expect(ours.signature).toMatchObject({ identifier: 'docker-credential-acr', flags: 2 });
    expect(nodes.faults).toEqual([]);
    expect(nodes.signature?.identifier).toBe('node');
  });

  it('has the program where Node looks for it', () => {
    const blob = findProgramBlob(file, ours);
    expect(blob?.readUInt32LE(0)).toBe(BLOB_MAGIC);
    expect(blob?.includes(program.start)).toBe(true);
    for (const { code } of program.parts) expect(blob?.includes(code)).toBe(true);
    expect([countText(file, `${FUSE}0`), countText(file, `${FUSE}1`)]).toEqual([0, 1]);
    expect(findProgramBlob(official, nodes)).toBeUndefined();
  });

  it('has all of Node’s code, and what the loader links it with', () => {
    const codeAt = Math.min(
      ...(nodes.segments.find(({ name }) => name === '__TEXT')?.sections ?? []).map(({ start }) => start),
    );
    const fuseAt = official.indexOf(`${FUSE}0`, 0, 'latin1') + FUSE.length;
    for (const name of ['__TEXT', '__DATA_CONST', '__DATA']) {
      const [one, other] = [ours, nodes].map(({ segments }) => segments.find((segment) => segment.name === name));
      expect(one).toEqual(other);
      const start = Math.max(one?.start ?? 0, codeAt);
      const isSame = withByteFlipped(official, fuseAt, () =>
        file.subarray(start, one?.end).equals(official.subarray(start, other?.end)),
      );
      expect(isSame, name).toBe(true);
    }
    expect(ours.fixups?.imports.length).toBeGreaterThan(1000);
    expect(ours.fixups).toEqual(nodes.fixups);
  });

  it.each([0, 1, 0.25, 0.5, 0.75, -1])('is refused with one flipped byte in a page: %d', (place) => {
    const pages = Math.ceil(findStart(file, SIGNATURE) / HASHED_PAGE);
    const page = place < 0 ? pages - 1 : place < 1 ? Math.floor(place * pages) : place;
    // A reserved field of the header, or any byte.
    const at = page * HASHED_PAGE + (page === 0 ? 28 : 77);
    expect(withByteFlipped(file, at, () => checkMachO(file).faults)).toEqual([`page ${page} differs`]);
  });

  it('is refused with a table of segments that lacks the program’s', () => {
    const start = findStart(file, FIXUPS);
    const at = start + file.readUInt32LE(start + 4);
    const count = file.readUInt32LE(at);
    file.writeUInt32LE(count - 1, at);
    const { faults } = checkMachO(file);
    file.writeUInt32LE(count, at);
    expect(faults).toContain(`the fix-ups have ${count - 1} segments, the file has ${count}`);
  });
});

describe('LIEF', () => {
  it('finds the layout of the executables sound, of this machine’s too', async () => {
    const paths = [join(folder, 'macos-x64'), join(folder, 'macos-arm64'), join(ROOT, 'dist/docker-credential-acr')];
    const script = join(import.meta.dirname, 'world/check-layout.py');
    const { exitCode, output } = await runCommand(findPythonProgram(LIEF, 'python'), [script, ...paths]);
    expect({ exitCode, output }).toEqual({ exitCode: 0, output: '\n\n\n' });
  });
});

function countText(file: Buffer, text: string): number {
  let count = 0;
  for (let at = file.indexOf(text, 0, 'latin1'); at >= 0; at = file.indexOf(text, at + 1, 'latin1')) count++;
  return count;
}

/** Finds the start of what a load command names. */
function findStart(file: Buffer, type: number): number {
  let at = 32;
  for (let left = file.readUInt32LE(16); left > 0; left--) {
    if (file.readUInt32LE(at) === type) return file.readUInt32LE(at + 8);
    at += file.readUInt32LE(at + 4);
  }
  throw new Error(`There is no load command ${type}`);
}

/** Flips a byte for the time of a check. */
function withByteFlipped<T>(file: Buffer, at: number, check: () => T): T {
  file.writeUInt8(file.readUInt8(at) ^ 0x01, at);
  try {
    return check();
  } finally {
    file.writeUInt8(file.readUInt8(at) ^ 0x01, at);
  }
}
