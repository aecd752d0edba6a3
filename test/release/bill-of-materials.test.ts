/** The bills of materials of a release: valid by CycloneDX's own library, and true by what else is known of the executable. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { sumFile } from '../../scripts/build/checksums.ts';
import { findHostTarget } from '../../scripts/build/target.ts';
import { CYCLONEDX, CYCLONEDX_PYTHON } from '../../scripts/parts/cyclonedx.ts';
import { isPythonPackageInstalled } from '../../scripts/parts/python-package.ts';
import { asJsonObject, asText, parseJsonObject } from '../../src/json.ts';
import { needParts, PROGRAM } from '../e2e/world/parts.ts';
import { runProcess } from '../e2e/world/process.ts';
import { listObjects, run } from './world/image.ts';
import { findReleased } from './world/trial.ts';

const ROOT = join(import.meta.dirname, '../..');
const TARGET = findHostTarget()?.name ?? '';
const ARCHIVE = new RegExp(`-${TARGET}\\.zip$`);
const BILL = new RegExp(`^docker-credential-acr-[\\d.]+-${TARGET}\\.cdx\\.json$`);

/** Prints `valid`, or what CycloneDX's strict schema has against it, for each of the bills on stdin. */
const VALIDATE = `
import json, sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
validator = JsonStrictValidator(SchemaVersion.V1_6)
print(json.dumps([str(validator.validate_str(bill) or 'valid') for bill in json.load(sys.stdin)]))
`;

function readBill() {
  const text = readFileSync(findReleased(BILL), 'utf8');
  const bill = parseJsonObject(text) ?? {};
  return { text, bill, components: listObjects(bill['components']) };
}

/** The npm packages in the bill. */
function listNpmPackages() {
  return readBill()
    .components.filter(({ 'bom-ref': reference }) => String(reference).startsWith('pkg:npm/'))
    .map(({ name, version }) => ({ name: String(name), version: String(version) }))
    .sort((one, other) => (one.name < other.name ? -1 : 1));
}

/** Whose licences a text of licences holds. */
function listLicensed(text: string): readonly string[] {
  return text
    .split(`\n\n${'-'.repeat(80)}\n\n`)
    .flatMap((section) => section.slice(0, section.indexOf('\n\n')).split('\n'))
    .filter((name) => !name.startsWith('Comments in the code'));
}

/** The packages whose files esbuild names in the code, as in `"node_modules/jose/dist/index.js"`. */
function listPackagesInside(path: string): ReadonlySet<string> {
  const text = readFileSync(path, 'latin1');
  const names = text.matchAll(/"node_modules\/((?:@[a-z0-9.-]{1,50}\/)?[a-z0-9.-]{1,50})\/[^"\n]{1,100}"/g);
  return new Set([...names].map(([, name]) => name ?? ''));
}

test('the bills of the executable, the image and the npm package are valid, and one with a wrong field is not', async (context) => {
  if (!isPythonPackageInstalled(CYCLONEDX)) context.skip('not installed: CycloneDX’s library for Python');
  const bills = [BILL, /-image-linux-.*\.cdx\.json$/, /-npm\.cdx\.json$/].map((name) =>
    readFileSync(findReleased(name), 'utf8'),
  );
  const broken = bills.map((text) => text.replace('"aggregate": "complete"', '"aggregate": "perfect"'));
  const input = JSON.stringify([...bills, ...broken]);
  const { stdout, stderr } = await runProcess(CYCLONEDX_PYTHON, ['-c', VALIDATE], { environment: {}, input });
  expect(stderr).toBe('');
  const wrong: unknown = expect.stringContaining('perfect');
  expect(JSON.parse(stdout)).toEqual([...Array(3).fill('valid'), ...Array(3).fill(wrong)]);
});

describe('the bill of the executable', () => {
  it('is of the executable in the archive, and of this version', async (context) => {
    needParts(context, 'unzip');
    const subject = asJsonObject(asJsonObject(readBill().bill['metadata'])?.['component']);
    expect(subject).toMatchObject({ name: 'docker-credential-acr', version: manifest.version });
    const line = 'unzip -p "$1" "docker-credential-acr-*/docker-credential-acr" | sha256sum';
    const sum = (await run('sh', ['-c', line, 'sh', findReleased(ARCHIVE)])).slice(0, 64);
    expect(listObjects(subject?.['hashes'])).toEqual([{ alg: 'SHA-256', content: sum }]);
  });

  it('names the packages whose licences are shipped, and no others', async (context) => {
    needParts(context, 'unzip');
    const licences = await run('unzip', ['-p', findReleased(ARCHIVE), '*/THIRD-PARTY-LICENSES.txt']);
    const names = listLicensed(licences);
    const isOther = (name: string) => /^(?:Node\.js|libatomic) /.test(name);
    expect(names.filter(isOther)).toHaveLength(process.platform === 'linux' ? 2 : 1);
    expect(names.filter((name) => !isOther(name)).sort()).toEqual(listNpmPackages().map(({ name }) => name));
  });

  it('names the packages whose files the executable itself names, in the versions that are installed', () => {
    const [found, inNode] = [PROGRAM, process.execPath].map(listPackagesInside);
    expect([...(found ?? [])].filter((name) => inNode?.has(name) !== true).sort()).toEqual(
      listNpmPackages().map(({ name }) => name),
    );
    for (const { name, version } of listNpmPackages()) {
      const installed = parseJsonObject(readFileSync(join(ROOT, 'node_modules', name, 'package.json'), 'utf8'));
      expect(installed, name).toMatchObject({ version });
    }
  });

  it('names the versions of OpenSSL, SQLite, V8 and zlib that the executable holds', () => {
    const executable = readFileSync(PROGRAM);
    const versions = Object.fromEntries(
      readBill().components.map(({ name, version }) => [name, asText(version) ?? '']),
    );
    expect(executable.includes(`OpenSSL ${versions['openssl']} `)).toBe(true);
    for (const name of ['sqlite', 'v8', 'zlib', 'node'])
      expect(executable.includes(versions[name] ?? 'none'), name).toBe(true);
  });

  it('tells no path of this machine', () => {
    expect(readBill().text).not.toMatch(/\/(?:home|root|tmp|work)\//);
  });
});

describe('the bill of the npm package', () => {
  it('names the packages whose licences are in the package, and nothing of Node', async () => {
    const archive = findReleased(/^docker-credential-acr-[\d.]+\.tgz$/);
    const bill = parseJsonObject(readFileSync(findReleased(/-npm\.cdx\.json$/), 'utf8')) ?? {};
    const subject = asJsonObject(asJsonObject(bill['metadata'])?.['component']);
    expect(subject).toMatchObject({ purl: `pkg:npm/docker-credential-acr@${manifest.version}` });
    expect(listObjects(subject?.['hashes'])).toEqual([{ alg: 'SHA-256', content: (await sumFile(archive)).sum }]);
    const names = listObjects(bill['components']).map(({ name }) => String(name));
    expect(names.sort()).toEqual(listNpmPackages().map(({ name }) => name));
    const licences = await run('tar', ['-xzOf', archive, 'package/THIRD-PARTY-LICENSES.txt']);
    expect([...listLicensed(licences)].sort()).toEqual(names);
  });
});
