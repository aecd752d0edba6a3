/** Reads the system's certificate authorities. */

import { readdirSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import tls from 'node:tls';
import { readForeignFile } from '../system/files.ts';
import { type Runtime, readVariable } from '../system/runtime.ts';

const MAX_BYTES = 8 * 1024 * 1024;
/** Where systems keep them in one file: Debian, Alpine and the BSDs, Fedora, openSUSE, FreeBSD's packages. */
const FILES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/ssl/cert.pem',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/usr/local/etc/ssl/cert.pem',
];

/** The variables of OpenSSL that name other files. */
const VARIABLES = ['SSL_CERT_FILE', 'SSL_CERT_DIR'];

/**
 * Reads the system's list. An old Node (before 22.15) cannot, so the files of Unix are read then; on Windows and macOS,
 * whose lists are no files, it is empty. Nor does Node know the files that a caller of the library names.
 * @returns texts in PEM.
 */
export function readSystemCertificates(runtime: Runtime): readonly string[] {
  return 'getCACertificates' in tls && !namesOtherFiles(runtime)
    ? tls.getCACertificates('system')
    : readCertificateFiles(runtime);
}

function namesOtherFiles(runtime: Runtime): boolean {
  if (['win32', 'darwin'].includes(runtime.platform)) return false;
  return VARIABLES.some((name) => {
    const value = readVariable(runtime, name);
    return value !== undefined && value !== process.env[name];
  });
}

/**
 * Reads the files that OpenSSL would read: those that `SSL_CERT_FILE` and `SSL_CERT_DIR` name, else the system's own.
 * What cannot be read is left out.
 * @param files the places of the system's own.
 */
export function readCertificateFiles(runtime: Runtime, files: readonly string[] = FILES): readonly string[] {
  const named = readVariable(runtime, 'SSL_CERT_FILE');
  const folders = (readVariable(runtime, 'SSL_CERT_DIR') ?? '').split(delimiter).filter((folder) => isAbsolute(folder));
  const chosen = [...(named === undefined ? [] : [named]), ...folders.flatMap(listFiles)];
  if (named !== undefined || folders.length > 0) return chosen.flatMap(readCertificates);
  return files.map(readCertificates).find((texts) => texts.length > 0) ?? [];
}

function listFiles(folder: string): readonly string[] {
  try {
    return readdirSync(folder).map((name) => join(folder, name));
  } catch {
    return [];
  }
}

function readCertificates(file: string): readonly string[] {
  try {
    const text = readForeignFile(file, MAX_BYTES);
    return text?.includes('-----BEGIN CERTIFICATE-----') === true ? [text] : [];
  } catch {
    return [];
  }
}
