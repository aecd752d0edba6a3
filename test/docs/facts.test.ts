/** What the documents repeat of the code is what the code has. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { CLOUDS } from '../../src/clouds.ts';
import schema from '../../src/config/config.schema.json' with { type: 'json' };
import { identityKeys } from '../../src/config/identity-settings.ts';
import { SOURCES } from '../../src/identity/sources.ts';
import { codeIn, DOCUMENTS, documentAt, ROOT, readTable } from './markdown.ts';

const SOURCE_FILES = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' }).filter((name) =>
  name.endsWith('.ts'),
);
/** Comments are no code. */
const SOURCE = SOURCE_FILES.map((name) => readFileSync(join(ROOT, 'src', name), 'utf8'))
  .join('\n')
  .replaceAll(/\/\*[\s\S]*?\*\//g, '');
const DOCUMENTED = DOCUMENTS.map(({ prose }) => prose).join('\n');

const configuration = documentAt('docs/configuration.md');
const identities = documentAt('docs/identities.md');
const design = documentAt('docs/design.md');

describe('variables', () => {
  const VARIABLE =
    /\b(?:(?:DOCKER_CREDENTIAL_ACR|AZURE|AZURESUBSCRIPTION|ARM|AZD|ACTIONS|SYSTEM|MSI|IMDS|XDG|SSL_CERT|NODE_EXTRA)_[A-Z_]*[A-Z])\b/g;
  /** What the program tells another that it starts. */
  const INTERNAL = ['AZURE_IDENTITY_POWERSHELL_RESOURCE', 'AZURE_IDENTITY_POWERSHELL_TENANT_ID'];
  /** Names that the code puts together of a beginning and an end. */
  const COMPOSED = ['ARM_CLIENT_ID', 'ARM_TENANT_ID', 'AZURESUBSCRIPTION_CLIENT_ID', 'AZURESUBSCRIPTION_TENANT_ID'];
  /** Other programs' variables, which the documents name for what becomes of them. */
  const FOREIGN = ['AZURE_ENVIRONMENT', 'AZURE_USERNAME', 'XDG_RUNTIME_DIR'];

  const inSource = new Set(SOURCE.match(VARIABLE));
  /** A name that is read is a text of its own, or one of ours. */
  const read = [...inSource].filter(
    (name) => SOURCE.includes(`'${name}'`) || name.startsWith('DOCKER_CREDENTIAL_ACR_'),
  );
  const inDocuments = new Set(DOCUMENTED.match(VARIABLE));

  test('that the program reads are documented', () => {
    expect(read.length).toBeGreaterThan(25);
    expect(read.filter((name) => ![...inDocuments, ...INTERNAL].includes(name))).toEqual([]);
  });

  test('that are documented are read by the program', () => {
    expect([...inDocuments].filter((name) => ![...inSource, ...COMPOSED, ...FOREIGN].includes(name))).toEqual([]);
  });

  test('that are exceptions are in use', () => {
    for (const name of INTERNAL) expect(read, name).toContain(name);
    for (const name of [...COMPOSED, ...FOREIGN]) expect(inDocuments, name).toContain(name);
  });

  test('by which the platform leads to its identity are documented', () => {
    const names = SOURCE.match(/'(?:IDENTITY_(?:ENDPOINT|HEADER|SERVER_THUMBPRINT)|DEFAULT_IDENTITY_\w+)'/g) ?? [];
    expect(names.length).toBeGreaterThan(3);
    for (const name of names) expect(DOCUMENTED).toContain(name.replaceAll("'", '`'));
  });
});

describe('keys of the configuration', () => {
  const keysOf = (rows: readonly (readonly string[])[]) => rows.flatMap(([first = '']) => codeIn(first));
  const { registry, cloud } = schema.$defs;
  const tables = configuration.prose.split('\n## ');

  test('of a registry', () => {
    const table = tables.find((text) => text.startsWith('Registries')) ?? '';
    const keys = keysOf(readTable({ ...configuration, prose: table }, 'key'));
    expect(keys.sort()).toEqual(Object.keys(registry.properties).sort());
  });

  test('of the whole file', () => {
    const table = tables.find((text) => text.startsWith('All registries')) ?? '';
    const keys = keysOf(readTable({ ...configuration, prose: table }, 'key'));
    expect(keys.sort()).toEqual(Object.keys(schema.properties).sort());
  });

  test('of an identity', () => {
    expect(keysOf(readTable(identities, 'key')).sort()).toEqual([...new Set(SOURCES.flatMap(identityKeys))].sort());
  });

  test('of a cloud, in the example', () => {
    const example = identities.blocks.find(({ text }) => text.includes('"clouds"'))?.text ?? '{}';
    const { clouds }: { clouds: Record<string, object> } = JSON.parse(example);
    const keys = Object.values(clouds).flatMap((one) => Object.keys(one));
    expect([...new Set(keys)].sort()).toEqual(Object.keys(cloud.properties).sort());
  });
});

describe('identities', () => {
  test('are the sources, in the order of trying', () => {
    const names = readTable(identities, '#').flatMap(([, source = '']) => codeIn(source));
    // The metadata service is a managed identity that is tried a second time, after all others.
    const once = names.filter((name, index) => names.indexOf(name) === index);
    expect(once).toEqual(SOURCES.map(({ name }) => name));
    expect(names.filter((name) => name === 'managed-identity')).toHaveLength(2);
  });

  test('have the names that AZURE_TOKEN_CREDENTIALS has for them', () => {
    const notHere = ['VisualStudio', 'VisualStudioCode', 'Broker'];
    const inSource = [...SOURCE.matchAll(/'(\w+)Credential'/g)].map(([, name = '']) => name);
    const documented = readTable(identities, 'value').flatMap(([value = '']) => codeIn(value));
    const names = new Set(inSource.filter((name) => !notHere.includes(name)).map((name) => `${name}Credential`));
    expect(documented.sort()).toEqual([...names, 'dev', 'prod'].sort());
  });

  test('belong to the clouds that the program knows', () => {
    const rows = readTable(identities, 'registries').map((cells) => cells.map((cell) => cell.replaceAll('`', '')));
    expect(rows).toEqual(
      CLOUDS.map(({ registrySuffix, name, authority, federatedAudience }) => [
        `*.${registrySuffix}`,
        name,
        authority ?? 'AZURE_AUTHORITY_HOST has to name it',
        federatedAudience ?? '',
      ]),
    );
  });
});

describe('the design', () => {
  const inTree = readTable(design, 'folder or file').map(([names = '']) => codeIn(names));

  test('names every folder of the source', () => {
    const folders = SOURCE_FILES.filter((name) => name.includes('/')).map((name) =>
      name.slice(0, name.lastIndexOf('/')),
    );
    const named = inTree
      .flatMap((names) => names.filter((name) => name.endsWith('/')).map((name) => name.slice(0, -1)))
      .flatMap((name) => {
        // A row names a folder within another by its own name, which may be in two of them.
        const found = ['', 'identity/', 'commands/']
          .map((above) => `${above}${name}`)
          .filter((one) => folders.includes(one));
        return found.length > 0 ? found : [name];
      });
    expect([...new Set(named)].sort()).toEqual([...new Set(folders)].sort());
  });

  test('names files that are there', () => {
    const files = inTree.flat().filter((name) => !name.endsWith('/'));
    expect(SOURCE_FILES).toEqual(expect.arrayContaining(files.map((name) => `${name}.ts`)));
  });

  test('names every package that is part of the program', () => {
    const packages = readTable(design, 'package').flatMap(([name = '']) => codeIn(name));
    expect(packages.sort()).toEqual(Object.keys(manifest.dependencies).sort());
  });
});

test('the plot of the README has the times of the table of the bench', () => {
  const plot = readFileSync(join(ROOT, 'docs/speed.svg'), 'utf8');
  const shown = [...plot.matchAll(/>([\d.]+) ms<\/text>/g)].map(([, ms]) => Math.round(Number(ms)));
  const rows = readTable(documentAt('scripts/bench/README.md'), '#');
  const timesOf = (goal: string) => {
    const [, , medians = ''] = rows.find(([number]) => number === goal) ?? [];
    return [...medians.matchAll(/\d+(?:\.\d+)?/g)].map(([ms]) => Math.round(Number(ms)));
  };
  const [hot] = timesOf('1');
  const [cold, peer] = timesOf('3');
  const [cli] = timesOf('10');
  expect(shown).toEqual([hot, cold, peer, cli]);
});

test('CONTRIBUTING names every suite of tests', () => {
  const config = readFileSync(join(ROOT, 'test/vitest.config.ts'), 'utf8');
  const suites = [...config.matchAll(/name: '([a-z0-9]+)'/g)].map(([, name = '']) => name);
  const [first] = readTable(documentAt('CONTRIBUTING.md'), 'command');
  expect(codeIn(first?.[1] ?? '')).toEqual(suites);
});
