/** Tells what is inside a Node executable, as it says itself, with the names by which scanners know it. */

import { readFile } from 'node:fs/promises';
import { asJsonObject, asText, parseJsonObject } from '../../../src/json.ts';
import { runProgram } from '../../build/run.ts';
import { type Component, escapePurl, licensedAs } from './cyclonedx.ts';

/** What a Node says about itself. */
export interface NodeFacts {
  /** `process.versions`. */
  readonly versions: Readonly<Record<string, string>>;
  /** The settings of its build that decide what is in it, such as `"node_use_quic": false`. */
  readonly settings: readonly string[];
}

interface KnownPart {
  /** Its usual name, where Node has a shorter one. */
  readonly name?: string;
  /** Vendor and product in the National Vulnerability Database. Not every part is there. */
  readonly cpe?: readonly [vendor: string, product: string];
  /** Where the database keeps one product for several platforms apart. */
  readonly cpePlatform?: 'node.js';
  readonly licence: string;
  readonly npm?: true;
  readonly source: string;
}

/** The parts by their keys in `process.versions`. */
const KNOWN_PARTS: Readonly<Record<string, KnownPart>> = {
  acorn: { licence: 'MIT', npm: true, source: 'https://github.com/acornjs/acorn' },
  ada: { licence: 'MIT OR Apache-2.0', source: 'https://github.com/ada-url/ada' },
  amaro: { licence: 'MIT', npm: true, source: 'https://github.com/nodejs/amaro' },
  ares: { name: 'c-ares', cpe: ['c-ares', 'c-ares'], licence: 'MIT', source: 'https://github.com/c-ares/c-ares' },
  brotli: { cpe: ['google', 'brotli'], licence: 'MIT', source: 'https://github.com/google/brotli' },
  icu: {
    cpe: ['unicode', 'international_components_for_unicode'],
    ...{ licence: 'Unicode-3.0', source: 'https://github.com/unicode-org/icu' },
  },
  libffi: { cpe: ['libffi_project', 'libffi'], licence: 'MIT', source: 'https://github.com/libffi/libffi' },
  lief: { cpe: ['lief-project', 'lief'], licence: 'Apache-2.0', source: 'https://github.com/lief-project/LIEF' },
  llhttp: {
    ...{ cpe: ['llhttp', 'llhttp'], cpePlatform: 'node.js' },
    ...{ licence: 'MIT', source: 'https://github.com/nodejs/llhttp' },
  },
  merve: { licence: 'MIT OR Apache-2.0', source: 'https://github.com/nodejs/merve' },
  nbytes: { licence: 'MIT', source: 'https://github.com/nodejs/nbytes' },
  ncrypto: { licence: 'MIT', source: 'https://github.com/nodejs/ncrypto' },
  nghttp2: { cpe: ['nghttp2', 'nghttp2'], licence: 'MIT', source: 'https://github.com/nghttp2/nghttp2' },
  nghttp3: { licence: 'MIT', source: 'https://github.com/ngtcp2/nghttp3' },
  ngtcp2: { licence: 'MIT', source: 'https://github.com/ngtcp2/ngtcp2' },
  openssl: { cpe: ['openssl', 'openssl'], licence: 'Apache-2.0', source: 'https://github.com/openssl/openssl' },
  simdjson: { licence: 'Apache-2.0 OR MIT', source: 'https://github.com/simdjson/simdjson' },
  simdutf: { licence: 'Apache-2.0 OR MIT', source: 'https://github.com/simdutf/simdutf' },
  sqlite: { cpe: ['sqlite', 'sqlite'], licence: 'blessing', source: 'https://github.com/sqlite/sqlite' },
  undici: {
    ...{ cpe: ['nodejs', 'undici'], cpePlatform: 'node.js' },
    ...{ licence: 'MIT', npm: true, source: 'https://github.com/nodejs/undici' },
  },
  uv: { name: 'libuv', cpe: ['libuv', 'libuv'], licence: 'MIT', source: 'https://github.com/libuv/libuv' },
  uvwasi: { licence: 'MIT', source: 'https://github.com/nodejs/uvwasi' },
  v8: { cpe: ['google', 'v8'], licence: 'BSD-3-Clause', source: 'https://github.com/v8/v8' },
  zlib: { cpe: ['zlib', 'zlib'], licence: 'Zlib', source: 'https://github.com/madler/zlib' },
  // biome-ignore lint/security/noSecrets: an address
  zstd: { cpe: ['facebook', 'zstandard'], licence: 'BSD-3-Clause', source: 'https://github.com/facebook/zstd' },
};

/** Node itself, versions of its interfaces, and data that belong to ICU. */
const NOT_PARTS: readonly string[] = ['node', 'modules', 'napi', 'cldr', 'tz', 'unicode'];

/** Settings that add a part. Those of `node_use_node_…` say how Node starts its own code, and differ for Windows arm64. */
const PART_SETTING = /^node_use_(?!node_)/;

/**
 * Asks a Node what is in it.
 * @throws when it cannot run here.
 */
export async function askNode(path: string, env: NodeJS.ProcessEnv): Promise<NodeFacts> {
  const answer = parseJsonObject(
    await runProgram(
      path,
      ['-p', 'JSON.stringify({ versions: process.versions, variables: process.config.variables })'],
      {
        env,
      },
    ),
  );
  const versions = Object.entries(asJsonObject(answer?.['versions']) ?? {});
  const variables = Object.entries(asJsonObject(answer?.['variables']) ?? {});
  return {
    // A part that Node could have, and this one has not, has an empty version.
    versions: Object.fromEntries(versions.flatMap(([key, value]) => (asText(value) ? [[key, String(value)]] : []))),
    settings: variables
      .filter(([key]) => PART_SETTING.test(key))
      .map(([key, value]) => `"${key}": ${JSON.stringify(value)}`),
  };
}

/**
 * Makes sure that another platform's executable was built with the same parts: it cannot run here, but each Node holds
 * the settings of its build as text.
 * @throws when a setting differs.
 */
export async function checkSettings(path: string, { settings }: NodeFacts): Promise<void> {
  const executable = await readFile(path);
  const missing = settings.filter((setting) => !executable.includes(setting));
  if (missing.length > 0)
    throw new Error(`Cannot tell what is in ${path}: its Node was not built with ${missing.join(', ')}`);
}

/**
 * The parts as components.
 * @throws when Node has a part that is not known here.
 */
export function listNodeParts({ versions }: NodeFacts): readonly Component[] {
  const parts = Object.entries(versions).filter(([key]) => !NOT_PARTS.includes(key));
  return parts.map(([key, version]) => describePart(key, version)).sort(byName);
}

/**
 * Node itself.
 * @param npmPackage the package of npm that has it.
 */
export function describeNode(version: string, npmPackage: string): Component {
  const purl = `pkg:generic/node@${version}`;
  return {
    ...{ type: 'platform', 'bom-ref': purl, name: 'node', version, purl },
    cpe: formatCpe(['nodejs', 'node.js'], version),
    licenses: licensedAs('MIT'),
    externalReferences: [
      { type: 'vcs', url: 'https://github.com/nodejs/node' },
      { type: 'distribution', url: `https://registry.npmjs.org/${npmPackage}/-/${npmPackage}-${version}.tgz` },
    ],
  };
}

function describePart(key: string, said: string): Component {
  const known = KNOWN_PARTS[key];
  if (known === undefined) {
    throw new Error(
      `Node has a part that scripts/release/bill-of-materials/node-parts.ts does not know: ${key} ${said}`,
    );
  }
  // V8 and zlib carry Node's and Chromium's own suffixes, as in `14.6.202.34-node.34`.
  const version = /^[\d.]+/.exec(said)?.[0] ?? said;
  const { name = key, cpe, cpePlatform, licence, npm, source } = known;
  const purl = `pkg:${npm === true ? 'npm' : 'generic'}/${escapePurl(name)}@${escapePurl(version)}`;
  return {
    ...{ type: 'library', 'bom-ref': `node:${purl}`, name, version, purl },
    ...(cpe === undefined ? {} : { cpe: formatCpe(cpe, version, cpePlatform) }),
    licenses: licensedAs(licence),
    ...(said === version ? {} : { description: `${name} ${said}` }),
    externalReferences: [{ type: 'vcs', url: source }],
  };
}

/** @see https://nvlpubs.nist.gov/nistpubs/Legacy/IR/nistir7695.pdf */
function formatCpe([vendor, product]: readonly [string, string], version: string, platform = '*'): string {
  return `cpe:2.3:a:${vendor}:${product}:${version}:*:*:*:*:${platform}:*:*`;
}

function byName(one: Component, other: Component): number {
  return one.name < other.name ? -1 : 1;
}
