/**
 * The reference credential helpers for the keychains of Linux, in a folder of this checkout.
 *
 * They are unpacked and not installed: with one of them on PATH, helm and other clients would use it instead of ours.
 */
import { mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isExecutable, lastLines, runCommand } from './command.ts';
import { canInstallPackages } from './debian.ts';
import { PARTS_FOLDER, type PartReport } from './part.ts';

const PACKAGE = 'golang-docker-credential-helpers';
export const KEYCHAIN_HELPERS_FOLDER = join(PARTS_FOLDER, 'keychain-helpers');
const PROGRAMS = ['docker-credential-pass', 'docker-credential-secretservice'];

/** Unpacks the helpers if they are missing. */
export async function unpackKeychainHelpers(): Promise<PartReport> {
  if (isUnpacked()) return { part: PACKAGE, state: 'present', detail: '' };
  if (!canInstallPackages()) return { part: PACKAGE, state: 'missing', detail: 'it is unpacked on Debian only' };
  const folder = mkdtempSync(join(PARTS_FOLDER, 'unpack-'));
  try {
    const download = await downloadPackage(folder);
    const archive = readdirSync(folder).find((name) => name.endsWith('.deb'));
    if (archive === undefined) return { part: PACKAGE, state: 'missing', detail: lastLines(download) };
    const unpack = await runCommand('dpkg-deb', ['-x', join(folder, archive), folder]);
    if (unpack.exitCode !== 0) return { part: PACKAGE, state: 'missing', detail: lastLines(unpack.output) };
    rmSync(KEYCHAIN_HELPERS_FOLDER, { recursive: true, force: true });
    renameSync(join(folder, 'usr', 'bin'), KEYCHAIN_HELPERS_FOLDER);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return { part: PACKAGE, state: 'installed', detail: 'unpacked' };
}

function isUnpacked(): boolean {
  return PROGRAMS.every((name) => isExecutable(join(KEYCHAIN_HELPERS_FOLDER, name)));
}

/** Downloads the package into a folder. Updates the package lists only if they lack it. */
async function downloadPackage(folder: string): Promise<string> {
  // `apt-get download` always writes to the working directory.
  const command = [
    '-c',
    `cd "$1" && (apt-get -q download ${PACKAGE} || (apt-get -q update && apt-get -q download ${PACKAGE}))`,
  ];
  return (await runCommand('sh', [...command, 'sh', folder])).output;
}
