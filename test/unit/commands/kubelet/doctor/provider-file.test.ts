/** `test/e2e/kubelet-config.test.ts` compares the same rules with the kubelet's own code. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readProviderFile } from '../../../../../src/commands/kubelet/doctor/provider-file.ts';
import { createQuote } from '../../../../../src/redact.ts';
import { makeNamedPipe } from '../../../named-pipe.ts';
import { makeRuntime } from '../../../runtime.ts';
import { useTemporaryFolder } from '../../../temporary-folder.ts';

const folder = useTemporaryFolder();

const TEXT = `apiVersion: kubelet.config.k8s.io/v1
kind: CredentialProviderConfig
providers:
- name: one
  apiVersion: credentialprovider.kubelet.k8s.io/v1
  matchImages:
  - '*.azurecr.io'
  defaultCacheDuration: 10m
  args: [/etc/azure.json]
  env:
  - name: HOME
    value: /root
  tokenAttributes:
    serviceAccountTokenAudience: api://AzureADTokenExchange
    cacheType: ServiceAccount
    requireServiceAccount: false
    optionalServiceAccountAnnotationKeys: [example.com/client-id]
`;

function read(text: string) {
  const file = folder.path('providers.yaml');
  writeFileSync(file, text);
  const seen = readProviderFile(file, createQuote(makeRuntime()));
  // The places without the folder, which is another one in each run.
  const mistakes = seen.mistakes.map(({ place, what, fix }) => [place.slice(file.length + 1), what, fix]);
  return { ...seen, mistakes };
}

test('a configuration is read, with the line of each of its parts', () => {
  const { providers, mistakes, versions, isFolder } = read(TEXT);
  expect(mistakes).toEqual([]);
  expect({ versions, isFolder }).toEqual({ versions: ['v1'], isFolder: false });
  const file = folder.path('providers.yaml');
  expect(providers).toEqual([
    {
      place: `${file}:4`,
      name: 'one',
      apiVersion: 'credentialprovider.kubelet.k8s.io/v1',
      patterns: [{ pattern: '*.azurecr.io', place: `${file}:7` }],
      args: ['/etc/azure.json'],
      env: [{ name: 'HOME', value: '/root' }],
      defaultCacheMs: 600_000,
      tokens: {
        place: `${file}:13`,
        audience: 'api://AzureADTokenExchange',
        cacheType: 'ServiceAccount',
        isRequired: false,
        requiredKeys: [],
        optionalKeys: ['example.com/client-id'],
      },
    },
  ]);
});

test('a configuration may be JSON', () => {
  const { mistakes } = read(
    '{"apiVersion":"kubelet.config.k8s.io/v1","kind":"CredentialProviderConfig","providers":[{"name":"p","apiVersion":"credentialprovider.kubelet.k8s.io/v1","matchImages":["a.b"],"defaultCacheDuration":"0"}]}',
  );
  expect(mistakes).toEqual([]);
});

describe('a mistake has its line and what fixes it', () => {
  test.each<[change: readonly [string, string], line: string, what: string, fix: string | undefined]>([
    [['  args:', '  Args:'], '9', 'a kubelet knows no field "Args" there', 'write it as args'],
    [['  args:', '  command:'], '9', 'a kubelet knows no field "command" there', 'remove the field'],
    [['kind:', 'metadata: {}\nkind:'], '2', 'a kubelet knows no field "metadata" there', 'remove the field'],
    [['  args:', '  name: two\n  args:'], '9', 'it is not valid YAML: a key stands in it twice', undefined],
    [
      ['    value: /root', '    value: 8080'],
      '12',
      'value is a text, and not 8080',
      'put it into quotes: value: "8080"',
    ],
    [['name: one', 'name: yes'], '4', 'name is a text, and not true', 'put it into quotes: name: "true"'],
    [['name: one', 'name: a/b'], '4', '"a/b" is not the name of a file in the folder of the programs', undefined],
    [['name: one', 'name: ..'], '4', '".." is not the name of a file in the folder of the programs', undefined],
    [['name: one', 'name: ""'], '4', '"name" is missing', 'name: acr-credential-provider'],
    [
      ['[/etc/azure.json]', '/etc/azure.json'],
      '9',
      'args is a list of texts, and not "/etc/azure.json"',
      'write it as a list: args: ["…"]',
    ],
    [['[/etc/azure.json]', '[1]'], '9', 'args is a list of texts, and not [1]', 'put each of its entries into quotes'],
    [
      ['Duration: 10m', 'Duration: 10'],
      '8',
      'defaultCacheDuration is a text, and not 10',
      'add a unit: defaultCacheDuration: 10s',
    ],
    [
      ['Duration: 10m', 'Duration: 1d'],
      '8',
      'defaultCacheDuration "1d" is not a duration',
      'write it with the units h, m and s: defaultCacheDuration: 10m',
    ],
    [
      ['Duration: 10m', 'Duration: -1m'],
      '8',
      'defaultCacheDuration "-1m" is not a duration',
      'write it with the units h, m and s: defaultCacheDuration: 10m',
    ],
    [['  defaultCacheDuration: 10m\n', ''], '4', '"defaultCacheDuration" is missing', 'defaultCacheDuration: 10m'],
    [["\n  - '*.azurecr.io'", ' []'], '6', '"matchImages" is empty or missing', "matchImages: ['*.azurecr.io']"],
    [['*.azurecr.io', 'my.io:*'], '7', '"my.io:*" is not a host with an optional port and a path', undefined],
    [
      ['kubelet.config.k8s.io/v1', 'kubelet.config.k8s.io/v2'],
      '1',
      'its apiVersion is "kubelet.config.k8s.io/v2"',
      'apiVersion: kubelet.config.k8s.io/v1',
    ],
    [['kind: Cred', 'kind: cred'], '2', 'its kind is "credentialProviderConfig"', 'kind: CredentialProviderConfig'],
    [
      ['credentialprovider.kubelet.k8s.io/v1', 'v1'],
      '5',
      'its apiVersion is "v1"',
      'apiVersion: credentialprovider.kubelet.k8s.io/v1',
    ],
    [
      ['cacheType: ServiceAccount', 'cacheType: Pod'],
      '15',
      'cacheType "Pod" is neither ServiceAccount nor Token',
      undefined,
    ],
    [
      ['    requireServiceAccount: false\n', ''],
      '13',
      '"requireServiceAccount" is missing',
      'requireServiceAccount: false, so that static pods can pull as the node',
    ],
    [
      ['requireServiceAccount: false', 'requireServiceAccount: "no"'],
      '16',
      'requireServiceAccount is true or false, and not "no"',
      undefined,
    ],
    [
      ['optionalServiceAccount', 'requiredServiceAccount'],
      '17',
      'annotations cannot be required if a service account is not',
      'requireServiceAccount: true, or make the annotations optional',
    ],
    [['example.com/client-id', 'a, a'], '13', 'the annotation "a" stands there twice', undefined],
    [['example.com/client-id', '"a/b/c"'], '13', '"a/b/c" is not the name of an annotation', undefined],
  ])('%j', ([from, to], line, what, fix) => {
    expect(TEXT).toContain(from);
    const { mistakes } = read(TEXT.replace(from, to));
    expect(mistakes).toContainEqual([line, what, fix]);
  });

  test('two plug-ins of one name', () => {
    const [, entry = ''] = TEXT.split('providers:\n');
    const { mistakes } = read(`${TEXT}${entry}`);
    const before = `${folder.path('providers.yaml')}:4`;
    expect(mistakes).toEqual([
      ['18', `the name "one" is taken by ${before}`, 'give it a name of its own, and its program a link of that name'],
    ]);
  });

  test('tokenAttributes in an older version', () => {
    const { mistakes } = read(TEXT.replaceAll('k8s.io/v1', 'k8s.io/v1beta1'));
    expect(mistakes).toEqual([['13', 'a kubelet knows no field "tokenAttributes" there', 'remove the field']]);
  });
});

describe('a hostile file', () => {
  test.each([
    ['nothing', '', '"kind" is missing'],
    ['a list', '[]', '[] is not an object'],
    ['no YAML', '"', 'it is not valid YAML: Missing closing "quote'],
    [
      'a bomb of aliases',
      makeBomb(),
      'it is not valid YAML: Excessive alias count indicates a resource exhaustion attack',
    ],
    ['too deep a list', '['.repeat(50_000), 'it is not valid YAML: Maximum call stack size exceeded'],
    ['a prototype', '__proto__: {}', 'a kubelet knows no field "__proto__" there'],
  ])('%s', (_name, text, what) => {
    expect(read(text).mistakes.map(([, one]) => one)).toContain(what);
  });

  test('is not shown with its control characters', () => {
    const [mistake = []] = read(`"\\e[2J${'x'.repeat(9_000)} \\u202E": 1\n${TEXT}`).mistakes;
    expect(mistake[1]?.length).toBeLessThan(200);
    expect(mistake[1]).not.toMatch(/\p{Cc}|\u202E/u);
  });

  test('is read no further than one mebibyte', () => {
    expect(read(`#${'x'.repeat(1024 * 1024)}\n${TEXT}`).mistakes.map(([, what]) => what)).toEqual([
      'it cannot be read (it is larger than 1048576 bytes)',
    ]);
  });

  test('is no pipe, and no link that leads in a circle', () => {
    makeNamedPipe(folder.path('pipe'));
    symlinkSync('circle', folder.path('circle'));
    const whatOf = (name: string) =>
      readProviderFile(folder.path(name), createQuote(makeRuntime())).mistakes.map(({ what }) => what);
    expect(whatOf('pipe')).toEqual(['it cannot be read (it is not a regular file)']);
    expect(whatOf('circle')).toEqual([expect.stringMatching(/^it cannot be read \(ELOOP/)]);
    expect(whatOf('none')).toEqual(['there is no such file']);
  });
});

describe('a folder', () => {
  test('holds files that count in the order of their names', () => {
    mkdirSync(folder.path('conf.d', 'sub.yaml'), { recursive: true });
    writeFileSync(folder.path('conf.d', 'b.yaml'), TEXT.replace('name: one', 'name: two'));
    writeFileSync(folder.path('conf.d', 'a.json'), TEXT);
    writeFileSync(folder.path('conf.d', 'c.txt'), 'not read');
    const { providers, isFolder, mistakes } = readProviderFile(folder.path('conf.d'), createQuote(makeRuntime()));
    expect(mistakes).toEqual([]);
    expect(providers.map(({ name }) => name)).toEqual(['one', 'two']);
    expect(isFolder).toBe(true);
  });

  test('is no configuration when it is empty', () => {
    mkdirSync(folder.path('empty'));
    const { mistakes } = readProviderFile(folder.path('empty'), createQuote(makeRuntime()));
    expect(mistakes.map(({ what }) => what)).toEqual([
      'it cannot be read (there is no .yaml, .yml or .json file in it)',
    ]);
  });
});

test('what follows the first document is not read, and said to be so', () => {
  const { mistakes, remarks } = read(`${TEXT}---\n: : :\n`);
  expect(mistakes).toEqual([]);
  expect(remarks.map(({ what, fix }) => [what, fix])).toEqual([
    ['a kubelet reads the first document only', 'remove the ---'],
  ]);
});

/** Grows to 10^9 entries. */
function makeBomb(): string {
  const lines = ['a0: &a0 x'];
  for (let level = 1; level < 10; level += 1) {
    lines.push(`a${level}: &a${level} [${Array.from({ length: 10 }, () => `*a${level - 1}`).join(', ')}]`);
  }
  return lines.join('\n');
}
