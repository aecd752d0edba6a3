/** The npm package: the same bytes at any time, in any folder and with any umask, and nothing in it that should not be. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import manifest from '../../../package.json' with { type: 'json' };
import { splitDeclarations } from '../../../scripts/release/npm-package/declarations.ts';
import { PUBLIC_NAMES } from '../../../scripts/release/npm-package/library-files.ts';
import { formatManifest } from '../../../scripts/release/npm-package/manifest.ts';
import { writeTarball } from '../../../scripts/release/npm-package/tarball.ts';
import { parseJsonObject } from '../../../src/json.ts';

const folder = mkdtempSync(join(tmpdir(), 'acr-npm-'));
const umask = process.umask();
afterEach(() => void process.umask(umask));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const FILES = new Map([
  ['package.json', '{}'],
  ['bin/program.js', '#!/usr/bin/env node'],
  ['lib/part.js', 'module.exports = 1;'],
  ['index.js', ''],
]);

async function pack(name: string, epochSeconds = 1_700_000_000): Promise<Buffer> {
  const scratch = join(folder, name);
  mkdirSync(scratch, { mode: 0o755 });
  const file = join(folder, `${name}.tgz`);
  await writeTarball(file, { files: FILES, epochSeconds, scratch });
  return readFileSync(file);
}

describe('a tarball', () => {
  test('has the same bytes in another folder, with another umask and a while later', async () => {
    const first = await pack('first');
    process.umask(0o077);
    expect((await pack('second')).equals(first)).toBe(true);
    expect((await pack('third', 1_700_000_001)).equals(first)).toBe(false);
  });

  test('has its files in order, of root, with the modes that npm expects', async () => {
    const archive = gunzipSync(await pack('modes'));
    const entries: (readonly unknown[])[] = [];
    for (let offset = 0; archive[offset] !== 0; ) {
      const text = (start: number, length: number) =>
        archive.toString('latin1', offset + start, offset + start + length).replace(/\0.*/s, '');
      const number = (start: number, length: number) => Number.parseInt(text(start, length), 8);
      entries.push([text(0, 100), number(100, 8).toString(8), number(108, 8), number(116, 8), number(136, 12)]);
      offset += 512 + Math.ceil(number(124, 12) / 512) * 512;
    }
    const common = [0, 0, 1_700_000_000];
    expect(entries).toEqual([
      ['package/bin/program.js', '755', ...common],
      ['package/index.js', '644', ...common],
      ['package/lib/part.js', '644', ...common],
      ['package/package.json', '644', ...common],
    ]);
  });
});

describe('its package.json', () => {
  let fields: ReturnType<typeof parseJsonObject>;
  beforeAll(() => {
    fields = parseJsonObject(formatManifest('1.2.3', ['bin/a.js', 'lib/b.js', 'lib/c.js', 'index.js', 'LICENSE']));
  });

  test('has the name of the program, no dependencies and no scripts', () => {
    expect(fields).toMatchObject({
      name: manifest.name,
      version: '1.2.3',
      license: 'MIT',
      homepage: manifest.homepage,
    });
    for (const name of ['dependencies', 'devDependencies', 'optionalDependencies', 'scripts', 'private', 'os', 'cpu']) {
      expect(fields).not.toHaveProperty(name);
    }
  });

  test('lists each file or folder once', () => {
    expect(fields?.['files']).toEqual(['bin', 'lib', 'index.js']);
  });
});

test('declarations are split with their comments, and imports belong to none', () => {
  const text = [
    "import type { Other } from './other.ts';",
    '/** One. */',
    'export type One = 1;',
    '/**',
    ' * Two.',
    ' */',
    'export interface Two {',
    '    /** A member. */',
    '    readonly one: One;',
    '}',
    'declare const hidden = 1;',
    "export { Three } from './three.ts';",
    'export declare function four(): void;',
    'export {};',
    '',
  ].join('\n');
  const named = splitDeclarations(text).filter(({ name }) => name !== '');
  expect(named).toEqual([
    { name: 'One', text: '/** One. */\nexport type One = 1;\n' },
    {
      name: 'Two',
      text: '/**\n * Two.\n */\nexport interface Two {\n    /** A member. */\n    readonly one: One;\n}\n',
    },
    { name: 'four', text: 'export declare function four(): void;\n' },
  ]);
});

test('the package exports all that the library does', async () => {
  const library = await import('../../../src/library/library.ts');
  expect(Object.keys(library).sort()).toEqual([...PUBLIC_NAMES].sort());
});
