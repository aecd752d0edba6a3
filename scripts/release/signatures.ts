/**
 * Detached signatures of the checksums, by minisign and by cosign, each when there is a key for it.
 *
 * `RELEASE_MINISIGN_KEY` and `RELEASE_COSIGN_KEY` are the paths of the secret keys, `RELEASE_MINISIGN_PASSWORD_FILE` and
 * `RELEASE_COSIGN_PASSWORD_FILE` those of files with their passwords. `RELEASE_MINISIGN_PUBLIC_KEY` and
 * `RELEASE_COSIGN_PUBLIC_KEY` are the keys with which people verify: a signature that these do not verify is an error.
 *
 * @see https://jedisct1.github.io/minisign/
 * @see https://docs.sigstore.dev/about/bundle/
 */

import { execFile } from 'node:child_process';
import { createPublicKey, verify } from 'node:crypto';
import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { asJsonObject, asText, parseJsonObject } from '../../src/json.ts';
import { CHECKSUMS } from '../build/checksums.ts';
import { PROGRAM } from './project.ts';
import type { Release, StepResult } from './release.ts';

/** The checksums that are signed, and what the signature says about them. */
export interface SignedChecksums {
  /** The folder with `SHA256SUMS`. */
  readonly folder: string;
  readonly version: string;
  /** The time that minisign's comment tells, in seconds since 1970. */
  readonly epochSeconds: number;
}

interface Signer {
  readonly program: string;
  /** The middle of the names of its variables. */
  readonly variable: 'MINISIGN' | 'COSIGN';
  readonly extension: string;
  readonly howToInstall: string;
  readonly formatArguments: (checksums: SignedChecksums, keyPath: string, signature: string) => readonly string[];
  /** @throws when the public key does not verify the signature. */
  readonly verify: (checksums: string, signature: string, publicKey: string) => Promise<void>;
}

const MINISIGN = { program: 'minisign', howToInstall: 'apt-get install minisign' };

const SIGNERS: readonly Signer[] = [
  {
    ...MINISIGN,
    variable: 'MINISIGN',
    extension: '.minisig',
    formatArguments: ({ folder, version, epochSeconds }, keyPath, signature) => [
      ...['-S', '-s', keyPath, '-m', join(folder, CHECKSUMS), '-x', signature],
      ...['-c', `signature of ${PROGRAM} ${version}`],
      // Of minisign's own form. The signature covers this comment.
      ...['-t', `timestamp:${epochSeconds}\tfile:${CHECKSUMS}\t${PROGRAM} ${version}`],
    ],
    verify: async (checksums, signature, publicKey) => {
      await runSigner(MINISIGN, ['-V', '-q', '-P', publicKey.trim(), '-m', checksums, '-x', signature]);
    },
  },
  {
    program: 'cosign',
    variable: 'COSIGN',
    extension: '.sigstore.json',
    howToInstall: 'go install github.com/sigstore/cosign/v3/cmd/cosign@v3.1.3',
    // No transparency log, and no request to any server. `--signing-config` can say the same, but asks a server first.
    formatArguments: ({ folder }, keyPath, signature) => [
      ...['sign-blob', '--yes', '--use-signing-config=false', '--tlog-upload=false'],
      ...['--key', keyPath, '--bundle', signature, join(folder, CHECKSUMS)],
    ],
    verify: async (checksums, signature, publicKey) => {
      const isValid = verifyBundle(await readFile(checksums), await readFile(signature, 'utf8'), publicKey);
      if (!isValid) throw new Error('Signature verification failed');
    },
  },
];

/** The names of all signatures that there can be. */
export const SIGNATURE_NAMES = SIGNERS.map(({ extension }) => `${CHECKSUMS}${extension}`);

/** Signs the checksums of a release. */
export function makeSignatures(release: Release, env: NodeJS.ProcessEnv = process.env): Promise<StepResult> {
  return signChecksums({ ...release, folder: release.output }, env);
}

/**
 * Signs `SHA256SUMS` with each key that the variables name.
 *
 * @throws when a key or a password cannot be used; the message names the file, and nothing that is in it.
 */
export async function signChecksums(checksums: SignedChecksums, env: NodeJS.ProcessEnv): Promise<StepResult> {
  const files: string[] = [];
  const skipped: string[] = [];
  for (const signer of SIGNERS) {
    const name = `RELEASE_${signer.variable}_KEY`;
    const keyPath = env[name] ?? '';
    if (keyPath === '') skipped.push(`signature by ${signer.program}: ${name} is not set`);
    else files.push(await sign(signer, checksums, keyPath, env));
  }
  return { files, skipped };
}

/**
 * Checks that there is a signature for every public key: `install.sh` contains the key, and asks for the signature.
 * @param files the names of the signatures.
 * @throws when one is missing.
 */
export function assertSigned(files: readonly string[], env: NodeJS.ProcessEnv): void {
  for (const { variable, extension, program } of SIGNERS) {
    const publicKey = env[`RELEASE_${variable}_PUBLIC_KEY`] ?? '';
    if (publicKey === '' || files.includes(`${CHECKSUMS}${extension}`)) continue;
    throw new Error(`install.sh asks for a signature by ${program}, and RELEASE_${variable}_KEY is not set`);
  }
}

/** @returns the name of the signature. */
async function sign(
  signer: Signer,
  checksums: SignedChecksums,
  keyPath: string,
  env: NodeJS.ProcessEnv,
): Promise<string> {
  const { program, variable, extension, formatArguments } = signer;
  const file = `${CHECKSUMS}${extension}`;
  const signature = join(checksums.folder, file);
  const passwordVariable = `RELEASE_${variable}_PASSWORD_FILE`;
  const passwordPath = env[passwordVariable] ?? '';
  const publicKey = env[`RELEASE_${variable}_PUBLIC_KEY`] ?? '';
  try {
    await checkSecretFile(keyPath);
    const password = passwordPath === '' ? undefined : await readPassword(passwordPath);
    const hint = password === undefined ? `; ${passwordVariable} is not set` : '';
    await runSigner(signer, formatArguments(checksums, keyPath, signature), password).catch((error: unknown) => {
      throw new Error(`${describe(error)}${hint}`, { cause: error });
    });
    if (publicKey !== '') {
      await signer.verify(join(checksums.folder, CHECKSUMS), signature, publicKey).catch((error: unknown) => {
        throw new Error(`RELEASE_${variable}_PUBLIC_KEY does not verify the signature`, { cause: error });
      });
    }
  } catch (error) {
    await rm(signature, { force: true });
    throw new Error(`Cannot sign with ${program} and ${keyPath}: ${describe(error)}`, { cause: error });
  }
  return file;
}

/** @throws when the file cannot be read, or others than its owner can. */
async function checkSecretFile(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isFile() !== true) throw new Error(`there is no file ${path}`);
  if (process.platform !== 'win32' && (found.mode & 0o077) !== 0) {
    throw new Error(`others can use ${path}; run chmod 600 ${path}`);
  }
}

async function readPassword(path: string): Promise<string> {
  await checkSecretFile(path);
  const password = (await readFile(path, 'utf8')).replace(/\r?\n$/, '');
  if (password.includes('\n')) throw new Error(`${path} has more than one line`);
  return password;
}

/**
 * Runs a program with the password on stdin, and nothing in its environment but PATH.
 *
 * @throws the last line of what it said, or how to install it.
 */
function runSigner(
  { program, howToInstall }: Pick<Signer, 'program' | 'howToInstall'>,
  args: readonly string[],
  password = '',
): Promise<void> {
  return new Promise((resolve, reject) => {
    const env = { PATH: process.env['PATH'] };
    const child = execFile(program, args, { env, encoding: 'utf8' }, (error, stdout, stderr) => {
      if (error === null) return resolve();
      if (error.code === 'ENOENT') return reject(new Error(`it is not installed: ${howToInstall}`));
      const said =
        `${stdout}\n${stderr}`
          .trim()
          .split('\n')
          .at(-1)
          ?.replace(/^Password: ?/, '') ?? '';
      reject(new Error(said === '' ? `it ended with ${error.code}` : said));
    });
    // A program that ends without reading the password has said why.
    child.stdin?.on('error', () => {});
    // minisign reads a line, and cosign everything; both take a password without the end of its line.
    child.stdin?.end(password);
  });
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** @returns whether the signature in a bundle is that of the content, by an ECDSA key. */
export function verifyBundle(content: Buffer, bundle: string, publicKey: string): boolean {
  const signature = asText(asJsonObject(parseJsonObject(bundle)?.['messageSignature'])?.['signature']);
  if (signature === undefined) return false;
  return verify('sha256', content, createPublicKey(publicKey), Buffer.from(signature, 'base64'));
}
