/** Signatures of the checksums: by the real minisign, and as the real cosign made them once. */
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { runCommand } from '../../scripts/parts/command.ts';
import { assertSigned, signChecksums, verifyBundle } from '../../scripts/release/signatures.ts';
import { EPOCH_SECONDS } from '../scripts/release/made-up-release.ts';

const PASSWORD = 'not-a-real-password';
/**
 * A key that signs nothing but these tests. PASSWORD opens it, with as little work as minisign accepts: for a key that
 * minisign locks itself, it would take a gigabyte of memory and two seconds each time.
 */
const LOCKED_KEY = [
  'untrusted comment: a key of a test',
  'RWRTY0IyBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcAgAAAAAAAAAAAAAEAAAAAQYGBVWyG4dXXyVT78lkG0eXoLzKr' +
    'zJA4RLUHl0XY7bZfT0GGS29h8F12BjJS6OTv7COuAQH/4NvmolpZk4DWaLKj6Kb2/oObYpNRcoJRCIej1YnrVeO0etPyWZHVnATm' +
    'Sx2aU6tl9ys=',
  '',
].join('\n');
const LOCKED_PUBLIC_KEY = 'RWSevEt5YFAv4weWBycFxkuNJslfIi7wVGvT92Q9x/tovZnNPI0lOCSq';
const COSIGN = join(import.meta.dirname, 'cosign');

const world = mkdtempSync(join(tmpdir(), 'acr-signatures-'));
const folder = join(world, 'release');
const below = (name: string) => join(world, name);
const hasMinisign = (await runCommand('minisign', ['-v'])).exitCode !== 127;

/** Signs the checksums with the named variables. */
const sign = (variables: NodeJS.ProcessEnv) =>
  signChecksums({ folder, version: '1.2.3', epochSeconds: EPOCH_SECONDS }, variables);
/** Writes a file that only its owner can read. */
function writeSecret(name: string, text: string): string {
  writeFileSync(below(name), text, { mode: 0o600 });
  return below(name);
}

beforeEach(() => cpSync(COSIGN, folder, { recursive: true }));
afterAll(() => rmSync(world, { recursive: true, force: true }));

test('a release without keys is not signed, and says so', async () => {
  expect(await sign({})).toEqual({
    files: [],
    skipped: [
      'signature by minisign: RELEASE_MINISIGN_KEY is not set',
      'signature by cosign: RELEASE_COSIGN_KEY is not set',
    ],
  });
});

test('a public key without its secret key would make a release that cannot be installed', () => {
  expect(() => assertSigned([], {})).not.toThrow();
  expect(() => assertSigned(['SHA256SUMS.minisig'], { RELEASE_MINISIGN_PUBLIC_KEY: 'RW' })).not.toThrow();
  expect(() => assertSigned(['SHA256SUMS.minisig'], { RELEASE_COSIGN_PUBLIC_KEY: 'PEM' })).toThrow(
    'install.sh asks for a signature by cosign, and RELEASE_COSIGN_KEY is not set',
  );
});

describe.skipIf(!hasMinisign)('minisign', () => {
  const [key, publicKey] = [below('plain.key'), below('plain.pub')];
  const signature = join(folder, 'SHA256SUMS.minisig');
  const variables = { RELEASE_MINISIGN_KEY: key };
  const readPublicKey = (file: string) => readFileSync(file, 'utf8').trimEnd().split('\n').at(-1) ?? '';
  const verify = () => runCommand('minisign', ['-V', '-p', publicKey, '-m', join(folder, 'SHA256SUMS')]);

  beforeAll(() => {
    for (const name of ['plain', 'other']) {
      execFileSync('minisign', ['-G', '-W', '-s', below(`${name}.key`), '-p', below(`${name}.pub`)], { stdio: 'pipe' });
    }
    writeSecret('locked.key', LOCKED_KEY);
  });

  test('verifies what was signed, with the version and the time of the commit', async () => {
    expect((await sign(variables)).files).toEqual(['SHA256SUMS.minisig']);
    const { exitCode, output } = await verify();
    expect({ exitCode, output }).toEqual({
      exitCode: 0,
      output: `Signature and comment signature verified\nTrusted comment: timestamp:${EPOCH_SECONDS}\tfile:SHA256SUMS\tdocker-credential-acr 1.2.3\n`,
    });
    const bytes = readFileSync(signature);
    await sign(variables);
    expect(readFileSync(signature)).toEqual(bytes);
  });

  test.each([
    ['a changed sum', 'SHA256SUMS', (text: string) => text.replace(/^./, (digit) => (digit === '0' ? '1' : '0'))],
    ['one more file', 'SHA256SUMS', (text: string) => `${text}${'0'.repeat(64)}  other\n`],
    ['another version', 'SHA256SUMS.minisig', (text: string) => text.replace('\tdocker-credential-acr 1.2.3', '9.9.9')],
  ])('refuses %s', async (_, file, change) => {
    await sign(variables);
    const path = join(folder, file);
    const text = readFileSync(path, 'utf8');
    expect(change(text)).not.toBe(text);
    writeFileSync(path, change(text));
    expect((await verify()).exitCode).not.toBe(0);
  });

  test('opens a key with its password, and is silent about a wrong one', async () => {
    const locked = { RELEASE_MINISIGN_KEY: below('locked.key') };
    const right = sign({
      ...locked,
      RELEASE_MINISIGN_PASSWORD_FILE: writeSecret('right', `${PASSWORD}\n`),
      RELEASE_MINISIGN_PUBLIC_KEY: LOCKED_PUBLIC_KEY,
    });
    expect((await right).files).toEqual(['SHA256SUMS.minisig']);
    const wrong = sign({ ...locked, RELEASE_MINISIGN_PASSWORD_FILE: writeSecret('wrong', 'also-not-a-real-one') });
    await expect(wrong).rejects.toThrow(
      `Cannot sign with minisign and ${below('locked.key')}: Wrong password for that key`,
    );
    await expect(wrong).rejects.not.toThrow('also-not-a-real-one');
    await expect(sign(locked)).rejects.toThrow('; RELEASE_MINISIGN_PASSWORD_FILE is not set');
    expect(existsSync(signature)).toBe(false);
  });

  test('leaves no signature that people could not verify', async () => {
    const publicKeyOfOther = readPublicKey(below('other.pub'));
    await expect(sign({ ...variables, RELEASE_MINISIGN_PUBLIC_KEY: publicKeyOfOther })).rejects.toThrow(
      /: RELEASE_MINISIGN_PUBLIC_KEY does not verify the signature$/,
    );
    expect(existsSync(signature)).toBe(false);
  });

  test.skipIf(process.platform === 'win32')('refuses secrets that others can read', async () => {
    chmodSync(key, 0o640);
    onTestFinished(() => chmodSync(key, 0o600));
    await expect(sign(variables)).rejects.toThrow(`others can use ${key}; run chmod 600 ${key}`);
    chmodSync(key, 0o600);
    const password = writeSecret('open', PASSWORD);
    chmodSync(password, 0o604);
    await expect(sign({ ...variables, RELEASE_MINISIGN_PASSWORD_FILE: password })).rejects.toThrow(
      `others can use ${password}`,
    );
  });

  test.each([
    ['a key that is not there', { RELEASE_MINISIGN_KEY: '/nonexistent/key' }, 'there is no file /nonexistent/key'],
    ['a folder as a key', { RELEASE_MINISIGN_KEY: tmpdir() }, `there is no file ${tmpdir()}`],
    ['no password file', { ...variables, RELEASE_MINISIGN_PASSWORD_FILE: '/nonexistent' }, 'there is no file'],
  ])('refuses %s', async (_, given, message) => {
    await expect(sign(given)).rejects.toThrow(message);
  });
});

describe('cosign', () => {
  const checksums = readFileSync(join(COSIGN, 'SHA256SUMS'));
  const bundle = readFileSync(join(COSIGN, 'SHA256SUMS.sigstore.json'), 'utf8');
  const publicKey = readFileSync(join(COSIGN, 'cosign.pub'), 'utf8');

  /** Runs with a program that notes how it was called, and leaves the signature that cosign made. */
  async function signWithStandIn(script: string, variables: NodeJS.ProcessEnv = {}) {
    rmSync(join(folder, 'SHA256SUMS.sigstore.json'), { force: true });
    writeFileSync(below('cosign'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    const path = process.env['PATH'];
    process.env['PATH'] = `${world}:${path}`;
    onTestFinished(() => {
      process.env['PATH'] = path;
    });
    return sign({
      RELEASE_COSIGN_KEY: writeSecret('cosign.key', 'a key'),
      RELEASE_COSIGN_PASSWORD_FILE: writeSecret('cosign.password', `${PASSWORD}\n`),
      ...variables,
    });
  }
  const works = `printf '%s\\n' "$@" > '${below('args')}'; cat > '${below('stdin')}'; env > '${below('env')}'
cp '${join(COSIGN, 'SHA256SUMS.sigstore.json')}' '${join(folder, 'SHA256SUMS.sigstore.json')}'`;

  test('is called as it was for the signature that is kept, with the password on stdin alone', async () => {
    const result = await signWithStandIn(works, { RELEASE_COSIGN_PUBLIC_KEY: publicKey });
    expect(result.files).toEqual(['SHA256SUMS.sigstore.json']);
    const recorded = readFileSync(join(COSIGN, 'README.md'), 'utf8');
    const [, wanted = ''] = /^printf .* \| cosign (sign-blob .*)$/m.exec(recorded) ?? [];
    const args = readFileSync(below('args'), 'utf8').trimEnd().split('\n');
    const names = args.map((arg) => (arg.startsWith(world) ? arg.slice(arg.lastIndexOf('/') + 1) : arg));
    expect(names.join(' ')).toBe(wanted);
    expect(readFileSync(below('stdin'), 'utf8')).toBe(PASSWORD);
    expect(readFileSync(below('env'), 'utf8')).not.toMatch(/PASSWORD|RELEASE|HOME/);
  });

  test('fails with its last line', async () => {
    await expect(signWithStandIn('echo first >&2; echo last >&2; exit 1')).rejects.toThrow(
      new RegExp(`^Cannot sign with cosign and ${below('cosign.key')}: last$`),
    );
    expect(existsSync(join(folder, 'SHA256SUMS.sigstore.json'))).toBe(false);
  });

  test('leaves no signature that people could not verify', async () => {
    writeFileSync(join(folder, 'SHA256SUMS'), 'other\n');
    await expect(signWithStandIn(works, { RELEASE_COSIGN_PUBLIC_KEY: publicKey })).rejects.toThrow(
      'RELEASE_COSIGN_PUBLIC_KEY does not verify the signature',
    );
    expect(existsSync(join(folder, 'SHA256SUMS.sigstore.json'))).toBe(false);
  });

  test('says how to install it', async () => {
    const path = process.env['PATH'];
    process.env['PATH'] = world;
    onTestFinished(() => {
      process.env['PATH'] = path;
    });
    rmSync(below('cosign'), { force: true });
    await expect(sign({ RELEASE_COSIGN_KEY: writeSecret('cosign.key', 'a key') })).rejects.toThrow(
      ': it is not installed: go install github.com/sigstore/cosign/v3/cmd/cosign@v3.1.3',
    );
  });

  test('signed what is kept: it verifies, and nothing else does', () => {
    expect(verifyBundle(checksums, bundle, publicKey)).toBe(true);
    expect(verifyBundle(Buffer.concat([checksums, Buffer.from('\n')]), bundle, publicKey)).toBe(false);
    const forged = bundle.replace(/(?<="signature": ?".{20})./, (letter) => (letter === 'A' ? 'B' : 'A'));
    expect(forged).not.toBe(bundle);
    expect(verifyBundle(checksums, forged, publicKey)).toBe(false);
    expect(verifyBundle(checksums, '{}', publicKey)).toBe(false);
  });
});
