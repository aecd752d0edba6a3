/** Signs the executables for Windows with Authenticode, when there is a certificate. */

import { chmod, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { runProgram } from '../build/run.ts';
import { useScratchFolder } from '../build/scratch.ts';
import { HOMEPAGE, PROGRAM } from './project.ts';
import type { ReleasedExecutable } from './release.ts';

export interface SignatureOptions {
  /**
   * `AUTHENTICODE_CERTIFICATE` names a file with the certificate, its chain and its key (PKCS#12).
   * `AUTHENTICODE_PASSWORD_FILE` names a file with its password, since every program that makes a release sees a variable.
   * `AUTHENTICODE_TIMESTAMP_URL` is a time-stamp server (RFC 3161). Its answer makes each signature another one.
   */
  readonly env: NodeJS.ProcessEnv;
  /** The time that the signature tells, in seconds since 1970. */
  readonly epochSeconds: number;
}

/**
 * Signs those that are for Windows.
 * @returns a line for each that was not signed.
 * @throws when the certificate cannot be used.
 */
export async function signWindowsExecutables(
  executables: readonly ReleasedExecutable[],
  options: SignatureOptions,
): Promise<readonly string[]> {
  const skipped: string[] = [];
  for (const { target, path } of executables) {
    if (target.os !== 'win') continue;
    const reason = await signWindowsExecutable(path, options);
    if (reason !== undefined) skipped.push(`${target.name}: not signed: ${reason}`);
  }
  return skipped;
}

/**
 * Signs a file in place.
 * @returns why it was not signed; `undefined` when it was.
 * @throws when the certificate cannot be used. The message does not contain its password.
 * @see https://learn.microsoft.com/windows-hardware/drivers/install/authenticode
 */
export async function signWindowsExecutable(path: string, options: SignatureOptions): Promise<string | undefined> {
  const { env, epochSeconds } = options;
  const certificate = env['AUTHENTICODE_CERTIFICATE'];
  if (!certificate) return 'no certificate';
  if (env['AUTHENTICODE_PASSWORD'])
    throw new Error(
      'Cannot sign the executable for Windows: put the password into a file and name it in AUTHENTICODE_PASSWORD_FILE',
    );
  return await useScratchFolder(join(dirname(path), '.sign-'), async (scratch) => {
    const signed = join(scratch, 'signed.exe');
    const [timestampUrl, passwordFile] = [env['AUTHENTICODE_TIMESTAMP_URL'], env['AUTHENTICODE_PASSWORD_FILE']];
    await runSigner(
      [
        // A password in an argument could be read by every user of the machine.
        ...['sign', '-h', 'sha256', '-pkcs12', certificate, ...(passwordFile ? ['-readpass', passwordFile] : [])],
        ...['-n', PROGRAM, '-i', HOMEPAGE, '-st', String(epochSeconds)],
        ...(timestampUrl ? ['-ts', timestampUrl] : []),
        ...['-in', path, '-out', signed],
      ],
      env,
    );
    await chmod(signed, 0o755);
    await rename(signed, path);
    return undefined;
  });
}

async function runSigner(args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  try {
    await runProgram('osslsigncode', args, { env });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const { cause } = error;
    const isMissing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
    throw isMissing ? new Error('Cannot sign the executable for Windows: install osslsigncode') : error;
  }
}
