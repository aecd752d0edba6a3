/**
 * The reference credential helpers for the keychains of Linux, in a folder of this checkout.
 *
 * They are unpacked and not installed: with one of them on PATH, helm and other clients would use it instead of ours.
 */
import { join } from 'node:path';
import { type DebianArchive, unpackArchive } from './debian-archive.ts';
import { PARTS_FOLDER, type PartReport } from './part.ts';

export const KEYCHAIN_HELPERS_FOLDER = join(PARTS_FOLDER, 'keychain-helpers');

const HELPERS: DebianArchive = {
  part: 'golang-docker-credential-helpers',
  folder: KEYCHAIN_HELPERS_FOLDER,
  programs: ['docker-credential-pass', 'docker-credential-secretservice'],
};

/** Unpacks the helpers if they are missing. */
export function unpackKeychainHelpers(): Promise<PartReport> {
  return unpackArchive(HELPERS);
}
