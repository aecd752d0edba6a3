/** Certificate files: whatever is in one, it gives a certificate or IDENTITY_INVALID, and soon. */
import { createPrivateKey } from 'node:crypto';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CredentialError } from '../../src/errors.ts';
import { loadClientCertificate } from '../../src/identity/service-principal/certificate-file.ts';
import { createClientCertificate } from '../emulator/certificates.ts';
import { hasOpenSsl, writePfx } from '../emulator/pfx.ts';
import { makeRuntime } from '../unit/runtime.ts';
import { mutated } from './mutate.ts';
import { RUN_OPTIONS } from './runs.ts';

const PASSWORD = 'correct horse';
/** It takes milliseconds; a pattern that is not linear takes many seconds for half a megabyte. */
const MAX_MS = 1_000;
const LARGE_BYTES = 512 * 1024;

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(realpathSync(tmpdir()), 'docker-credential-acr-fuzz-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const [first, second] = await Promise.all([createClientCertificate(), createClientCertificate()]);
const encrypted = createPrivateKey(first.privateKeyPem)
  .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: PASSWORD })
  .toString();
const pkcs1 = createPrivateKey(first.privateKeyPem).export({ type: 'pkcs1', format: 'pem' }).toString();
const BLOCKS = [
  first.certificatePem,
  first.privateKeyPem,
  second.certificatePem,
  second.privateKeyPem,
  encrypted,
  pkcs1,
];

/** Loads a file with these bytes. @returns the thumbprint, or `undefined` for IDENTITY_INVALID. */
function load(bytes: string | Uint8Array, password: string | undefined): string | undefined {
  const file = join(folder, 'client.pem');
  writeFileSync(file, bytes);
  const startedMs = performance.now();
  try {
    const location = {
      file,
      fileSetting: 'AZURE_CLIENT_CERTIFICATE_PATH',
      password,
      passwordSetting: 'AZURE_CLIENT_CERTIFICATE_PASSWORD',
    };
    const { key, thumbprint, chain } = loadClientCertificate(makeRuntime(), location);
    expect([key.type, chain.length > 0]).toEqual(['private', true]);
    return thumbprint;
  } catch (cause) {
    if (!(cause instanceof CredentialError) || cause.code !== 'IDENTITY_INVALID') throw cause;
    const text = [cause.message, ...cause.causes, cause.hint].join('\n');
    expect(text).toContain(file);
    for (const line of first.privateKeyPem.split('\n').slice(1, -2)) expect(text).not.toContain(line);
    expect(text).not.toContain(PASSWORD);
    return undefined;
  } finally {
    expect(performance.now() - startedMs).toBeLessThan(MAX_MS);
  }
}

const PASSWORDS = fc.constantFrom(undefined, PASSWORD, 'wrong', '');
const FILES = mutated(
  fc.array(fc.constantFrom(...BLOCKS), { maxLength: 4 }).map((blocks) => blocks.join('')),
  [
    ...[
      '-----',
      '-----BEGIN ',
      '-----END ',
      'CERTIFICATE-----',
      'PRIVATE KEY-----',
      'RSA ',
      'EC ',
      'ENCRYPTED ',
      '\n',
      '\r\n',
    ],
    ...[
      'Proc-Type: 4,ENCRYPTED\n',
      'DEK-Info: AES-256-CBC,00\n\n',
      '=',
      'A',
      'MII',
      '\0',
      '0\uFFFD',
      '\uFEFF',
      'Bag Attributes\n',
    ],
  ],
);

describe('a certificate file', () => {
  it('with any blocks and mistakes gives a certificate or IDENTITY_INVALID, without its key or password', () => {
    fc.assert(
      fc.property(FILES, PASSWORDS, (text, password) => {
        load(text, password);
      }),
      RUN_OPTIONS,
    );
  });

  it('with a certificate and its key gives them, whatever stands around', () => {
    const noise = fc.string({ unit: fc.constantFrom('a', 'Z', '0', '\n', ' ', ':', '-', 'é') });
    fc.assert(
      fc.property(noise, noise, fc.boolean(), (before, between, isReversed) => {
        const blocks = isReversed
          ? [first.certificatePem, first.privateKeyPem]
          : [first.privateKeyPem, first.certificatePem];
        expect(load(`${before}\n${blocks.join(`\n${between}\n`)}`, undefined)).toEqual(expect.any(String));
      }),
      RUN_OPTIONS,
    );
  });

  it('in PKCS#12 with a few wrong bytes gives a certificate or IDENTITY_INVALID', ({ skip }) => {
    skip(!hasOpenSsl(), 'OpenSSL 3 is not installed');
    const pem = first.privateKeyPem + first.certificatePem;
    const files = [[], ['-nomac'], ['-legacy'], ['-keypbe', 'NONE', '-certpbe', 'NONE']].map((one) =>
      writePfx(pem, PASSWORD, one),
    );
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 });
    fc.assert(
      fc.property(fc.constantFrom(...files), changes, PASSWORDS, fc.boolean(), (file, wrong, password, isCut) => {
        const bytes = Buffer.from(file);
        // Near the beginning are the lengths and the numbers of rounds.
        for (const [place, value] of wrong) bytes[place % (place % 2 === 0 ? 200 : bytes.length)] = value;
        load(isCut ? bytes.subarray(0, wrong[0]?.[0] ?? 0) : bytes, password);
      }),
      RUN_OPTIONS,
    );
  });

  it('that is binary gives IDENTITY_INVALID', () => {
    const der = fc.uint8Array({ maxLength: 300 }).map((bytes) => Uint8Array.from([0x30, 0x82, ...bytes]));
    fc.assert(
      fc.property(fc.oneof(der, fc.uint8Array({ maxLength: 300 })), PASSWORDS, (bytes, password) => {
        expect(load(bytes, password)).toBeUndefined();
      }),
      RUN_OPTIONS,
    );
  });

  it.each(['-----BEGIN A-----', '-----BEGIN CERTIFICATE-----\n', '-----BEGIN ', '-----BEGIN A-----END B-----', '-'])(
    'of nothing but %j is rejected soon',
    (text) => {
      expect(load(text.repeat(LARGE_BYTES / text.length), undefined)).toBeUndefined();
    },
  );
});
