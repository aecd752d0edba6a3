/** The licences of what is shipped. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readLibatomicLicence } from '../../../scripts/build/libatomic.ts';
import { collectLicences, formatDeclaredLicence, formatLicences } from '../../../scripts/build/licences.ts';

const LINE = '-'.repeat(80);

test('every package in the bundle and everything else that is shipped gets a section', async () => {
  const root = join(import.meta.dirname, '../../..');
  const input = { bytes: 1, imports: [] };
  const inputs = {
    'src/main.ts': input,
    'node_modules/jose/dist/index.js': input,
    'node_modules/jose/dist/other.js': input,
    'node_modules/@clack/core/dist/index.mjs': input,
  };
  const bundle = { metafile: { inputs, outputs: {} }, legalComments: '/* (c) Somebody */\n' };
  const text = await collectLicences(root, bundle, [{ name: 'Node.js 1.2.3', text: 'Everything is allowed.' }]);
  const heads = text.split(`\n\n${LINE}\n\n`).map((section) => section.split('\n')[0]);
  expect(heads).toEqual(['@clack/core', 'jose', 'Comments in the code of these packages', 'Node.js 1.2.3']);
  expect(text).toMatch(/Node\.js 1\.2\.3\n\nEverything is allowed\.\n$/);
});

test('the same licence text stands once, below all the names', () => {
  const sections = [
    { name: 'one', text: 'MIT' },
    { name: 'two', text: 'Apache' },
    { name: 'three', text: 'MIT' },
    { name: 'one', text: 'MIT' },
  ];
  expect(formatLicences(sections)).toBe(`one\nthree\n\nMIT\n\n${LINE}\n\ntwo\n\nApache\n`);
});

test('a package without a licence stops the build', async () => {
  const root = mkdtempSync(join(tmpdir(), 'licences-'));
  try {
    writeFileSync(join(root, 'package.json'), '{}');
    const inputs = { 'node_modules/nothing/index.js': { bytes: 1, imports: [] } };
    const collected = collectLicences(root, { metafile: { inputs, outputs: {} }, legalComments: '' });
    await expect(collected).rejects.toThrow('node_modules/nothing');
  } finally {
    rmSync(root, { recursive: true });
  }
});

test('that of libatomic says where its source code is, and contains both of its texts', async () => {
  const { text } = await readLibatomicLicence();
  expect(text).toContain('https://snapshot.debian.org/package/gcc-12/');
  expect(text).toContain('GCC RUNTIME LIBRARY EXCEPTION\n\nVersion 3.1');
  expect(text).toContain('END OF TERMS AND CONDITIONS');
});

test('a package that declares MIT and its author gets the text of that licence', () => {
  const text = formatDeclaredLicence({ license: 'MIT', author: 'Somebody' });
  expect(text).toMatch(/^MIT License\n\nCopyright \(c\) Somebody\n\nPermission is hereby granted/);
});

test.each([
  {},
  { license: 'MIT' },
  { license: 'UNLICENSED', author: 'Somebody' },
  { author: 'Somebody' },
  'MIT',
  undefined,
])('there is no licence in %j', (manifest) => {
  expect(formatDeclaredLicence(manifest)).toBeUndefined();
});
