/** Debian packages that are unpacked into a folder of this checkout and not installed: no service starts, and PATH does not change. */
import { mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isExecutable, lastLines, runCommand } from './command.ts';
import { canInstallPackages } from './debian.ts';
import { PARTS_FOLDER, type PartReport } from './part.ts';

export interface DebianArchive {
  /** The name of the Debian package. */
  readonly part: string;
  /** Where its programs end up. */
  readonly folder: string;
  /** The programs that show that it is unpacked. */
  readonly programs: readonly string[];
}

/** Unpacks the programs of a package if they are missing. */
export async function unpackArchive({ part, folder, programs }: DebianArchive): Promise<PartReport> {
  if (programs.every((name) => isExecutable(join(folder, name)))) return { part, state: 'present', detail: '' };
  if (!canInstallPackages()) return { part, state: 'missing', detail: 'it is unpacked on Debian only' };
  const unpacked = mkdtempSync(join(PARTS_FOLDER, 'unpack-'));
  try {
    const download = await downloadPackage(part, unpacked);
    const archive = readdirSync(unpacked).find((name) => name.endsWith('.deb'));
    if (archive === undefined) return { part, state: 'missing', detail: lastLines(download) };
    const unpack = await runCommand('dpkg-deb', ['-x', join(unpacked, archive), unpacked]);
    if (unpack.exitCode !== 0) return { part, state: 'missing', detail: lastLines(unpack.output) };
    rmSync(folder, { recursive: true, force: true });
    renameSync(join(unpacked, 'usr', 'bin'), folder);
  } finally {
    rmSync(unpacked, { recursive: true, force: true });
  }
  return { part, state: 'installed', detail: 'unpacked' };
}

/** Downloads the package into a folder. Updates the package lists only if they lack it. */
async function downloadPackage(name: string, folder: string): Promise<string> {
  // `apt-get download` always writes to the working directory.
  const command = 'cd "$1" && (apt-get -q download "$2" || (apt-get -q update && apt-get -q download "$2"))';
  return (await runCommand('sh', ['-c', command, 'sh', folder, name])).output;
}
