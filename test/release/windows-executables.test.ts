/** The executables for Windows: what they say of themselves, and whether they can be signed. */

import { readFileSync, writeFileSync } from 'node:fs';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { makeBinary } from '../../scripts/build/binary.ts';
import { packWithNode } from '../../scripts/build/build-sea.ts';
import { bundleChunks, type Chunks } from '../../scripts/build/chunks.ts';
import { finishExecutable } from '../../scripts/build/finish.ts';
import { findNodePart, readPinnedNodeVersion } from '../../scripts/build/node-part.ts';
import { ENTRY } from '../../scripts/build/program.ts';
import { findHostTarget, TARGETS, type Target } from '../../scripts/build/target.ts';
import { findProgram, runCommand } from '../../scripts/parts/command.ts';
import { LIEF } from '../../scripts/parts/lief.ts';
import { findPythonProgram, isPythonPackageInstalled } from '../../scripts/parts/python-package.ts';
import { signWindowsExecutable } from '../../scripts/release/windows-signature.ts';
import { type PeReport, readPe, readVersion } from './world/pe.ts';

const ROOT = join(import.meta.dirname, '../..');
const PASSWORD = 'correct horse battery staple';
/** By the name of the target. */
const MACHINES: Readonly<Record<string, number>> = { 'windows-x64': 0x8664, 'windows-arm64': 0xaa64 };
const RESOURCE = { icon: '3', data: '10', iconGroup: '14', version: '16', manifest: '24' };
/** The first bytes of what Node puts into an executable. */
const BLOB_MAGIC = 0x0143_da20;

const hasLief = isPythonPackageInstalled(LIEF);

let folder: string;
let program: Chunks;

const findBlob = ({ resources }: PeReport) => {
  return resources.find(({ type, name }) => type === RESOURCE.data && name === 'NODE_SEA_BLOB')?.bytes;
};
const checkLayout = (path: string) => {
  return runCommand(findPythonProgram(LIEF, 'python'), [join(import.meta.dirname, 'world/check-layout.py'), path]);
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'docker-credential-acr-windows-'));
  program = await bundleChunks({ entry: ENTRY, root: ROOT, nodeVersion: await readPinnedNodeVersion(ROOT) });
});

afterAll(() => rm(folder, { recursive: true, force: true }));

describe.each(TARGETS.filter(({ os }) => os === 'win'))('the executable for $name', (target) => {
  let path: string;
  let report: PeReport;
  let nodeVersion: string;

  beforeAll(async () => {
    path = join(folder, `${target.name}.exe`);
    // Packing with pkg takes ten seconds, so the tests do it for one of the two.
    nodeVersion = await (target.cpu === 'x64' ? makeExecutable : packQuickly)(target, path);
    report = readPe(readFileSync(path));
  });

  it('has a valid checksum, no signature, and nothing behind its sections', () => {
    const { machine, checksum, expectedChecksum, signature, restBytes } = report;
    expect(machine).toBe(MACHINES[target.name]);
    expect(checksum).toBe(expectedChecksum);
    expect(signature).toEqual({ start: 0, sizeBytes: 0 });
    expect(restBytes).toBe(0);
  });

  it.skipIf(!hasLief)('has a layout that LIEF finds sound', async () => {
    expect(await checkLayout(path)).toEqual({ exitCode: 0, output: '\n' });
  });

  it('tells whose it is, its version and that of its Node', () => {
    const versions = report.resources.filter(({ type }) => type === RESOURCE.version);
    expect(versions).toHaveLength(1);
    const { numbers, strings } = readVersion(versions[0]?.bytes ?? Buffer.alloc(0));
    expect(numbers).toEqual([...manifest.version.split('.').map(Number), 0]);
    expect(strings).toEqual({
      CompanyName: 'The docker-credential-acr authors',
      FileDescription: 'Docker credential helper for Azure Container Registry',
      FileVersion: manifest.version,
      InternalName: 'docker-credential-acr',
      LegalCopyright: 'Copyright The docker-credential-acr authors. Contains Node.js, copyright Node.js contributors.',
      OriginalFilename: 'docker-credential-acr.exe',
      ProductName: 'docker-credential-acr',
      ProductVersion: manifest.version,
      Comments: `Contains Node.js ${nodeVersion}`,
    });
  });

  it('has the program and Node’s manifest, and not Node’s icon', () => {
    const types = new Set(report.resources.map(({ type }) => type));
    expect([...types].sort()).toEqual([RESOURCE.data, RESOURCE.version, RESOURCE.manifest]);
    const blob = findBlob(report);
    expect(blob?.readUInt32LE(0)).toBe(BLOB_MAGIC);
    expect(blob?.includes(program.start)).toBe(true);
    for (const { code } of program.parts) expect(blob?.includes(code)).toBe(true);
  });
});

describe.skipIf(findProgram('osslsigncode') === undefined)('Authenticode', () => {
  const path = (name: string) => join(folder, name);
  const sign = (name: string, env: NodeJS.ProcessEnv) => {
    return signWindowsExecutable(path(name), {
      env: { PATH: process.env['PATH'], ...env },
      epochSeconds: 1_700_000_000,
    });
  };
  const verify = (name: string) => runCommand('osslsigncode', ['verify', '-CAfile', path('cert.pem'), path(name)]);

  beforeAll(async () => {
    const extensions = ['extendedKeyUsage=codeSigning', 'keyUsage=digitalSignature', 'basicConstraints=CA:FALSE'];
    await runOpenssl(
      ...['req', '-x509', '-newkey', 'rsa:2048', '-noenc', '-days', '2', '-subj', '/CN=Throw-away'],
      ...['-keyout', path('key.pem'), '-out', path('cert.pem')],
      ...extensions.flatMap((extension) => ['-addext', extension]),
    );
    writeFileSync(path('password'), `${PASSWORD}\n`);
    await runOpenssl(
      ...['pkcs12', '-export', '-inkey', path('key.pem'), '-in', path('cert.pem'), '-out', path('cert.p12')],
      ...['-passout', `file:${path('password')}`],
    );
  });

  it('accepts what a certificate has signed, and refuses it with a flipped byte', async () => {
    await copyFile(path('windows-arm64.exe'), path('signed.exe'));
    const env = { AUTHENTICODE_CERTIFICATE: path('cert.p12'), AUTHENTICODE_PASSWORD_FILE: path('password') };
    expect(await sign('signed.exe', env)).toBeUndefined();
    expect(await verify('signed.exe')).toMatchObject({ exitCode: 0, output: expect.stringContaining('CN=Throw-away') });

    const signed = readFileSync(path('signed.exe'));
    const report = readPe(signed);
    const { checksum, expectedChecksum, signature, restBytes } = report;
    expect(checksum).toBe(expectedChecksum);
    expect(signature.start + signature.sizeBytes).toBe(signed.length);
    expect(restBytes).toBe(0);
    const unsigned = findBlob(readPe(readFileSync(path('windows-arm64.exe'))));
    expect(unsigned !== undefined && findBlob(report)?.equals(unsigned)).toBe(true);

    const at = signed.length >> 1;
    signed.writeUInt8(signed.readUInt8(at) ^ 0x01, at);
    writeFileSync(path('broken.exe'), signed);
    const { exitCode, output } = await verify('broken.exe');
    expect(exitCode, output).not.toBe(0);
  });

  it('gives the same bytes each time', async () => {
    await copyFile(path('windows-arm64.exe'), path('again.exe'));
    const env = { AUTHENTICODE_CERTIFICATE: path('cert.p12'), AUTHENTICODE_PASSWORD_FILE: path('password') };
    expect(await sign('again.exe', env)).toBeUndefined();
    expect(readFileSync(path('again.exe')).equals(readFileSync(path('signed.exe')))).toBe(true);
  });

  it('is left out without a certificate', async () => {
    expect(await sign('windows-arm64.exe', { AUTHENTICODE_CERTIFICATE: '' })).toBe('no certificate');
    expect(readPe(readFileSync(path('windows-arm64.exe'))).signature.sizeBytes).toBe(0);
  });

  it('fails with a wrong password, which it does not tell, and leaves the file as it was', async () => {
    const before = readFileSync(path('windows-arm64.exe'));
    writeFileSync(path('wrong'), 'wrong horse\n');
    const env = { AUTHENTICODE_CERTIFICATE: path('cert.p12'), AUTHENTICODE_PASSWORD_FILE: path('wrong') };
    const error: unknown = await sign('windows-arm64.exe', env).catch((reason: unknown) => reason);
    expect(String(error)).toContain('Cannot run osslsigncode');
    expect(String(error)).not.toContain('wrong horse');
    expect(readFileSync(path('windows-arm64.exe')).equals(before)).toBe(true);
  });
});

async function makeExecutable(target: Target, output: string): Promise<string> {
  const { start: code, parts } = program;
  return (await makeBinary({ root: ROOT, target, code, parts, output })).nodeVersion;
}

async function packQuickly(target: Target, output: string): Promise<string> {
  const host = findHostTarget();
  if (host === undefined) throw new Error('Node does not run here');
  const pinned = await readPinnedNodeVersion(ROOT);
  const find = (wanted: Target) => findNodePart(ROOT, join(ROOT, '.parts'), wanted, pinned);
  const [{ path: nodePath, version }, { path: generatorPath }] = await Promise.all([
    find(target),
    find({ ...host, nodeVersion: target.nodeVersion ?? pinned }),
  ]);
  writeFileSync(join(folder, 'main.cjs'), program.start);
  const assets: Record<string, string> = {};
  for (const { name, code } of program.parts) {
    assets[`${name}.js`] = `${name}.js`;
    writeFileSync(join(folder, `${name}.js`), code);
  }
  await packWithNode({
    ...{ target, folder, main: 'main.cjs', assets, hasCodeCache: false, nodePath, generatorPath, output },
  });
  await finishExecutable(output, target, version);
  return version;
}

async function runOpenssl(...args: readonly string[]): Promise<void> {
  const { exitCode, output } = await runCommand('openssl', args);
  expect(exitCode, output).toBe(0);
}
