/** What the documents show and where they lead: every block is read, every link goes somewhere, nothing is said twice. */
import { existsSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import schema from '../../src/config/config.schema.json' with { type: 'json' };
import { asJsonObject } from '../../src/json.ts';
import { findHelperMistakes, findMistakes } from './configuration.ts';
import { type Block, blocksOf, DOCUMENTS, documentAt, ROOT } from './markdown.ts';
import { createSandbox } from './sandbox.ts';

const LANGUAGES = ['sh', 'json', 'yaml', 'toml', 'ts', 'text'];
const MAX_README_LINES = 90;
/** Shorter ones may well be the same. */
const MIN_SENTENCE = 50;

const placeOf = ({ document, line }: Block) => `${document}:${line}`;

/** The blocks of a language as rows of a table of tests. */
const rowsOf = (language: string) => blocksOf(language).map((block) => [placeOf(block), block] as const);

test('there are documents and blocks to read', () => {
  expect(DOCUMENTS.length).toBeGreaterThanOrEqual(11);
  for (const language of ['sh', 'json', 'yaml']) expect(blocksOf(language).length).toBeGreaterThanOrEqual(3);
});

test.each(DOCUMENTS.map((document) => [document.path, document] as const))(
  '%s names the language of each block',
  (_path, { blocks }) => {
    for (const block of blocks) expect(LANGUAGES, placeOf(block)).toContain(block.language);
  },
);

test('the README is a screen and a half', () => {
  expect(documentAt('README.md').text.split('\n').length).toBeLessThanOrEqual(MAX_README_LINES);
});

test('no sentence is said twice', () => {
  const places = new Map<string, string[]>();
  for (const { path, prose } of DOCUMENTS) {
    const sentences = prose.split(/\n\n|(?<=[.:!?])\s|\|\n\|/).map((text) => text.replaceAll(/\s+/g, ' ').trim());
    for (const sentence of sentences) {
      if (sentence.length < MIN_SENTENCE || /^[|:-]+$/.test(sentence)) continue;
      places.set(sentence, [...(places.get(sentence) ?? []), path]);
    }
  }
  expect([...places].filter(([, paths]) => paths.length > 1)).toEqual([]);
});

describe('links', () => {
  test.each(DOCUMENTS.map((document) => [document.path, document] as const))(
    'of %s lead to files and headings',
    (path, { links }) => {
      for (const { target } of links) {
        if (/^https:\/\//.test(target)) continue;
        const [file = '', anchor] = target.split('#');
        const found = file === '' ? path : relative(ROOT, join(ROOT, dirname(path), file));
        expect(existsSync(join(ROOT, found)), `${path} has a link to ${target}`).toBe(true);
        if (anchor !== undefined)
          expect(documentAt(found).anchors, `${path} has a link to ${target}`).toContain(anchor);
      }
    },
  );

  test('of the index lead to every document', () => {
    const targets = documentAt('docs/README.md').links.map(({ target }) => relative(ROOT, join(ROOT, 'docs', target)));
    const documents = DOCUMENTS.map(({ path }) => path).filter((path) => !/^(?:docs\/)?README\.md$/.test(path));
    expect(targets).toEqual(expect.arrayContaining(documents));
  });
});

describe('JSON', () => {
  test.each(rowsOf('json'))('%s is what the program, a client or an editor can read', async (_place, { text }) => {
    const value = asJsonObject(JSON.parse(text));
    expect(value).toBeDefined();
    if (value === undefined) return;
    if ('credHelpers' in value) {
      expect(findHelperMistakes(asJsonObject(value['credHelpers']) ?? {})).toEqual([]);
    } else if ('image' in value) {
      await checkDevContainer(value);
    } else {
      expect(Object.keys(schema.properties)).toEqual(expect.arrayContaining(Object.keys(value)));
      expect(await findMistakes(value)).toEqual([]);
    }
  });

  test('of a configuration with a mistake is found out', async () => {
    const identity = { type: 'client-secret', clientSecret: 'in-the-file' };
    expect(await findMistakes({ registries: { 'a*.azurecr.io': { anonymus: true } } })).toHaveLength(1);
    expect(await findMistakes({ identities: { mine: identity } })).toHaveLength(1);
    expect(await findMistakes({ clouds: { '*.example.com': { authorityHost: 'http://example.com' } } })).toHaveLength(
      1,
    );
    expect(findHelperMistakes({ 'https://myregistry.azurecr.io': 'acr', 'a.azurecr.io': 'acr-env' })).toHaveLength(2);
  });
});

/** Its command is run, and what it hands in is what the program reads. */
async function checkDevContainer(value: Readonly<Record<string, unknown>>): Promise<void> {
  expect(Object.keys(value).sort()).toEqual(['image', 'mounts', 'postCreateCommand', 'remoteEnv']);
  expect(value['mounts']).toEqual([
    expect.stringMatching(/^source=(\/usr\/local\/bin\/docker-credential-acr),target=\1,type=bind,readonly$/),
  ]);
  for (const [name, local] of Object.entries(asJsonObject(value['remoteEnv']) ?? {})) {
    expect(local).toBe(`\${localEnv:${name}}`);
  }
  const sandbox = createSandbox();
  try {
    expect(await sandbox.run(String(value['postCreateCommand']))).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    const { stdout } = await sandbox.run('docker-credential-acr list');
    expect(Object.keys(JSON.parse(stdout))).toEqual(['myregistry.azurecr.io']);
  } finally {
    sandbox.remove();
  }
}

test.each(rowsOf('toml'))('%s names this program among the helpers of registries.conf', (_place, { text }) => {
  const [, list] = /^credential-helpers = (\[.*\])\n$/.exec(text) ?? [];
  expect(JSON.parse(list ?? 'null')).toContain('acr');
});
