/** Reads the file with the certificate authority of a cluster, which the cluster replaces now and then. */

import { X509Certificate } from 'node:crypto';
import { CredentialError, describeCause } from '../../errors.ts';
import { shellWord } from '../../shell-word.ts';
import { readForeignFile } from '../../system/files.ts';

const MAX_CERTIFICATES_BYTES = 1024 * 1024;

/**
 * Reads the certificates.
 * @param setting the variable or option that names the file, for the error.
 * @returns PEM; `undefined` when the file is empty, as it is for a moment while the cluster replaces it.
 * @throws IDENTITY_INVALID when the file is missing, cannot be read or contains no certificate.
 */
export function readAuthorityFile(file: string, setting: string): string | undefined {
  const look = `ls -l ${shellWord(file)}`;
  let text: string | undefined;
  try {
    text = readForeignFile(file, MAX_CERTIFICATES_BYTES);
  } catch (cause) {
    throw invalid(`${setting} ${file} cannot be read (${describeCause(cause)})`, look);
  }
  if (text === undefined) throw invalid(`${setting} names ${file}, but there is no such file`, look);
  return text.trim() === '' ? undefined : checkCertificates(text, `${setting} ${file}`, setting);
}

/**
 * Checks that a text begins with a certificate.
 * @param where what the text is, for the error.
 * @param setting what to set instead, for the hint.
 * @returns `text`, unchanged.
 * @throws IDENTITY_INVALID
 */
export function checkCertificates(text: string, where: string, setting: string): string {
  try {
    new X509Certificate(text);
    return text;
  } catch {
    throw invalid(`${where} contains no certificate`, `set ${setting} to a PEM file`);
  }
}

function invalid(what: string, hint: string): CredentialError {
  return new CredentialError('IDENTITY_INVALID', what, { hint });
}
