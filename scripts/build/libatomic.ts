/**
 * Finds `libatomic.so.1`, which Node needs and small systems lack: that of Debian, for the archives to bring along. It
 * needs no later glibc than Node does.
 */

import { chmod, mkdir, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { sumFile } from './checksums.ts';
import type { LicenceSection } from './licences.ts';
import { isFile } from './node-part.ts';
import { runProgram } from './run.ts';
import { useScratchFolder } from './scratch.ts';
import type { Target } from './target.ts';

/** The name by which the system's loader looks for it. */
export const LIBRARY_NAME = 'libatomic.so.1';
const VERSION = '12.2.0-14+deb12u1';
const POOL = 'http://deb.debian.org/debian/pool/main/g/gcc-12';

/** What Debian calls each processor, and the SHA-256 of its package. */
const PACKAGES: Readonly<
  Record<Target['cpu'], { readonly name: string; readonly folder: string; readonly sum: string }>
> = {
  x64: {
    name: 'amd64',
    folder: 'x86_64-linux-gnu',
    sum: 'fbd4e154a6b444229ea002cc209df099209c0adc09102e5fd21239a3d2b55e2d',
  },
  arm64: {
    name: 'arm64',
    folder: 'aarch64-linux-gnu',
    sum: '1693aa13ce2b30d061a519fc28b77b9bab8c8e45804ced5969d99821e1bc2159',
  },
};

/**
 * Finds the library for a processor. The first time, downloads it from Debian.
 *
 * @param parts the folder where it is kept.
 * @throws when it cannot be downloaded, or is not the expected one.
 */
export async function findLibatomic(parts: string, cpu: Target['cpu']): Promise<string> {
  const { name, folder, sum } = PACKAGES[cpu];
  const kept = join(parts, `libatomic1_${VERSION}_${name}`, LIBRARY_NAME);
  if (await isFile(kept)) return kept;
  await mkdir(parts, { recursive: true });
  return await useScratchFolder(join(parts, 'fetch-'), async (scratch) => {
    const archive = join(scratch, 'libatomic1.deb');
    const address = `${POOL}/libatomic1_${VERSION}_${name}.deb`;
    await runProgram('curl', ['--silent', '--show-error', '--fail', '--location', '--output', archive, address]);
    const found = (await sumFile(archive)).sum;
    if (found !== sum) throw new Error(`${address} has another SHA-256 than expected: ${found}`);
    await runProgram('ar', ['x', 'libatomic1.deb', 'data.tar.xz'], { cwd: scratch });
    const made = join(scratch, 'made');
    await mkdir(made);
    // The library itself: the name by which it is found is a link to it.
    const library = `./usr/lib/${folder}/libatomic.so.1.2.0`;
    await runProgram('tar', ['-xf', join(scratch, 'data.tar.xz'), '--strip-components=4', library], { cwd: made });
    const unpacked = join(made, 'libatomic.so.1.2.0');
    await chmod(unpacked, 0o644);
    await mkdir(dirname(kept), { recursive: true });
    await chmod(dirname(kept), 0o755);
    await rename(unpacked, kept);
    return kept;
  });
}

/** Names the package of Debian that has the library for a processor. */
export function nameLibatomicPackage(cpu: Target['cpu']) {
  const { name: architecture, sum: sha256 } = PACKAGES[cpu];
  return { name: 'libatomic1', version: VERSION, architecture, source: 'gcc-12', sha256 };
}

/** Reads the licence of the library, with the address of its sources, which the licence asks for. */
export async function readLibatomicLicence(): Promise<LicenceSection> {
  const read = async (name: string) =>
    (await readFile(join(import.meta.dirname, 'libatomic', name), 'utf8')).replace(/^\n+|\s+$/g, '');
  return {
    name: `libatomic (${LIBRARY_NAME} beside the executable)`,
    text: `Copyright (C) Free Software Foundation, Inc.

This is an unchanged file of Debian's package libatomic1 ${VERSION}. Its source code is at
https://snapshot.debian.org/package/gcc-12/${VERSION.replace('+', '%2B')}/ and in Debian's source package gcc-12.

It is free software under version 3 of the GNU General Public License, or any later version, with the GCC Runtime
Library Exception, version 3.1. Both follow.

${await read('COPYING.RUNTIME.txt')}

${await read('COPYING3.txt')}`,
  };
}
