/** What `kubelet config` prints and `kubelet doctor` finds, beside what the kubelet's own code says of the same files. */
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { readPluginResponse } from '../../src/commands/kubelet/doctor/plugin-response.ts';
import { readProviderFile } from '../../src/commands/kubelet/doctor/provider-file.ts';
import { matchesImage, parseImage } from '../../src/commands/kubelet/image-pattern.ts';
import { createQuote } from '../../src/redact.ts';
import { CLIENT_ID, CLIENT_SECRET, TENANT_ID } from '../emulator/emulator.ts';
import { parseJsonRecord, parseRecord, parseString } from '../emulator/json.ts';
import { makeRuntime } from '../unit/runtime.ts';
import { findPart, needParts, PROGRAM, partOf } from './world/parts.ts';
import { runProcess } from './world/process.ts';
import { createTemporaryFolder } from './world/temporary-folder.ts';
import { openCloud } from './world/test-cloud.ts';

const { path: folder, remove } = createTemporaryFolder('acr-kubelet-');
afterAll(remove);
beforeEach((context) => needParts(context, 'reference-kubelet'));

const API = 'credentialprovider.kubelet.k8s.io/v1';
const cloud = await openCloud();
let files = 0;

/** A file of its own for each case, since they run side by side. */
function write(text: string, extension = 'yaml'): string {
  files += 1;
  const file = join(folder, `${files}.${extension}`);
  writeFileSync(file, text);
  return file;
}

/** A folder with links of these names. */
function linkPrograms(program: string, ...names: readonly string[]): string {
  files += 1;
  const bin = join(folder, `bin-${files}`);
  mkdirSync(bin, { recursive: true });
  for (const name of names) symlinkSync(program, join(bin, name));
  return bin;
}

function run(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  return runProcess(PROGRAM, ['kubelet', ...args], { environment: { HOME: folder, ...environment }, folder });
}

/** What the kubelet's own code says of a configuration; empty when it starts. */
async function askKubelet(file: string, bin: string, args: readonly string[] = []) {
  const options = { environment: { HOME: folder }, folder };
  const result = await runProcess(partOf('reference-kubelet'), ['-config', file, '-bin-dir', bin, ...args], options);
  return { ...result, refusal: /the kubelet does not start: (.*)/.exec(result.stderr)?.[1] ?? '' };
}

describe('the kubelet starts with what is printed', () => {
  const binding = ['--ib-sni-name', 'proxy.example.com', '--ib-apiserver-ip', '10.0.0.1'];
  const gate = 'KubeletServiceAccountTokenForCredentialProviders';
  const modes: readonly (readonly [name: string, args: readonly string[]])[] = [
    ['node', ['--azure-json', '/etc/kubernetes/azure.json', '--cache-dir', '/var/cache/acr']],
    ['node', ['--registry', 'my.example.com:5000', '--registry-mirror', 'mcr.microsoft.com:my.azurecr.io']],
    ['node', ['--json']],
    ['service-account', ['--cloud', 'public', '--cloud', 'china', '--require-service-account']],
    ['identity-binding', [...binding, '--ib-default-client-id', CLIENT_ID]],
  ];
  const names = ['acr-credential-provider', 'acr-credential-provider-china'];

  it.each(modes)('of the mode %s with %j', async (mode, args) => {
    const minors = mode === 'node' ? [24, 25, 26, 33, 34, 36] : [33, 34, 36];
    const bin = linkPrograms(PROGRAM, ...names);
    await Promise.all(
      minors.map(async (minor) => {
        const { stdout, exitCode } = await run([
          'config',
          '--mode',
          mode,
          '--kubernetes-version',
          `1.${minor}`,
          ...args,
        ]);
        expect(exitCode).toBe(0);
        const { refusal } = await askKubelet(write(stdout), bin, [`-feature-gates=${gate}=true`]);
        // The field came after 1.33, and this kubelet is newer.
        const wanted =
          minor === 33 && mode !== 'node'
            ? /^failed to validate [^:]*: (?:\[?providers.tokenAttributes.cacheType: Required[^\]]*\]?)$/
            : /^$/;
        expect(refusal).toMatch(wanted);
        if (minor < 26) expect(stdout).toContain('kubelet.config.k8s.io/v1beta1');
      }),
    );
  });

  it('is not without the gate of the tokens', async () => {
    const { stdout } = await run(['config', '--mode', 'service-account']);
    const { refusal } = await askKubelet(write(stdout), linkPrograms(PROGRAM, ...names), [
      `-feature-gates=${gate}=false`,
    ]);
    expect(refusal).toContain('tokenAttributes is not supported');
  });
});

const TEXT = `apiVersion: kubelet.config.k8s.io/v1
kind: CredentialProviderConfig
providers:
- name: one
  apiVersion: ${API}
  matchImages: ['*.azurecr.io']
  defaultCacheDuration: 10m
  args: [a]
  env: [{name: A, value: b}]
  tokenAttributes:
    serviceAccountTokenAudience: api://x
    cacheType: ServiceAccount
    requireServiceAccount: false
    optionalServiceAccountAnnotationKeys: [a/b]
`;

/** Changes of the text above; both must accept or refuse each. */
const CHANGES: readonly (readonly [from: string, to: string])[] = [
  ['args: [a]', 'args: null'],
  ['args: [a]', 'args: [a, null]'],
  ['args: [a]', 'args: a'],
  ['args: [a]', 'args: [1]'],
  ['args: [a]', 'Args: [a]'],
  ['args: [a]', 'args: [a]\n  name: two'],
  ['value: b', 'value: 1'],
  ['value: b', 'value: yes'],
  ['value: b', 'value: "1"'],
  ['value: b', 'value: 2001-12-14'],
  [', value: b', ''],
  ['value: b', 'valu: b'],
  ['10m', '10'],
  ['10m', '1d'],
  ['10m', '-1m'],
  ['10m', '"0"'],
  ['10m', '1.5h'],
  ['10m', 'null'],
  ["['*.azurecr.io']", '[]'],
  ["['*.azurecr.io']", "['']"],
  ['*.azurecr.io', 'https://x.io'],
  ['*.azurecr.io', 'x.io:*'],
  ['*.azurecr.io', 'a b'],
  ['*.azurecr.io', '[a.io'],
  ['name: one', 'name: yes'],
  ['name: one', 'name: on'],
  ['name: one', 'name: a/b'],
  ['name: one', "name: 'a b'"],
  [`${API}\n`, `${API}beta1\n`],
  ['kubelet.config.k8s.io/v1', 'kubelet.config.k8s.io/v1beta1'],
  ['kubelet.config.k8s.io/v1', 'kubelet.config.k8s.io/v3'],
  ['kind: Cred', 'kind: cred'],
  ['kind: Cred', 'metadata: {}\nkind: Cred'],
  ['requireServiceAccount: false', 'requireServiceAccount: no'],
  ['requireServiceAccount: false', 'requireServiceAccount: null'],
  ['cacheType: ServiceAccount', 'cacheType: serviceAccount'],
  ['optionalService', 'requiredService'],
  ['[a/b]', '[a/b, a/b]'],
  ['[a/b]', '[A/B]'],
  ['[a/b]', '[-a]'],
  ['api://x', '""'],
  [TEXT, ''],
  [TEXT, '{}'],
  [TEXT, '[]'],
  ['    serviceAccount', '\tserviceAccount'],
  ['optional', '---\noptional'],
];

it('finds each mistake that keeps the kubelet from starting, and no other', async () => {
  const bin = linkPrograms(PROGRAM, 'one', 'a b', 'on', 'yes', 'true');
  const changed = [...CHANGES.map(([from, to]) => TEXT.replace(from, to)), `${TEXT}---\n: : :`, `\uFEFF${TEXT}`];
  expect(new Set(changed).size).toBe(CHANGES.length + 2);
  const differences = await mapSideBySide(changed, async (text) => {
    const file = write(text);
    const { refusal } = await askKubelet(file, bin);
    const { mistakes } = readProviderFile(file, createQuote(makeRuntime()));
    const isSame = (refusal === '') === (mistakes.length === 0);
    return isSame ? [] : [{ text, refusal, mistakes }];
  });
  expect(differences.flat()).toEqual([]);
});

it('judges each response as the kubelet does', async () => {
  const response = `{"kind":"CredentialProviderResponse","apiVersion":"${API}","cacheKeyType":"Registry","cacheDuration":"1h","auth":{"my.azurecr.io":{"username":"u","password":"p"}}}`;
  const changes: readonly (readonly [from: string, to: string])[] = [
    ['', ''],
    ['', ' \n'],
    ['', '\uFEFF'],
    ['', 'x'],
    [response, ''],
    [response, `${response}x`],
    [response, `${response}${response}`],
    ['Registry', 'registry'],
    ['"Registry"', 'null'],
    ['"1h"', '3600'],
    ['"1h"', 'null'],
    ['"1h"', '"3600"'],
    ['"1h"', '"-1h"'],
    ['"1h"', '"3599.5s"'],
    ['"kind"', '"Kind"'],
    ['"kind"', '"kind":"x","kind"'],
    ['"auth"', '"auth":{},"auth"'],
    ['"auth"', '"Auth"'],
    ['"username":"u"', '"username":null'],
    ['"username":"u"', '"username":1'],
    ['"username":"u",', ''],
    ['"username"', '"Username"'],
    ['"username"', '"username":"v","username"'],
    ['{"username":"u","password":"p"}', 'null'],
    ['{"username":"u","password":"p"}', '"x"'],
    ['"auth":{', '"auth":[{'],
    [`${API}"`, `${API}beta1"`],
    ['"cacheKeyType"', '"token":"x","cacheKeyType"'],
  ];
  const config = write(TEXT.slice(0, TEXT.indexOf('  args:')));
  const differences = await mapSideBySide(changes, async ([from, to]) => {
    const text = response.replace(from, to);
    const output = write(text, 'txt');
    const plugin = write(`#!/bin/sh\ncat ${output}\n`, 'sh');
    await runProcess('/bin/chmod', ['755', plugin], { environment: {} });
    const { stderr } = await askKubelet(config, linkPrograms(plugin, 'one'), ['my.azurecr.io/a']);
    const isRefused = stderr.includes('Failed to provide credentials');
    const ours = readPluginResponse(text, API);
    return isRefused === (typeof ours === 'string') ? [] : [{ text, stderr, ours }];
  });
  expect(differences.flat()).toEqual([]);
});

it('names and matches images as the kubelet does', async () => {
  const images = [
    ...['my.azurecr.io/team/app:v1', 'my.azurecr.io:5000/a', 'x.eastus.geo.azurecr.io/team', 'nginx', 'team/app'],
    ...[
      'docker.io/nginx',
      'index.docker.io/a/b',
      'localhost/a',
      'a_b.c/d',
      'Upper/app',
      'a.b/C',
      'a.b//c',
      'a.b/c:',
      'a@b',
    ],
    ...[`nginx@sha256:${'a'.repeat(64)}`, 'nginx@sha256:aa', 'a.b/c__d', 'a.b/c___d', '-a.b/c', 'a.b/c-'],
  ];
  const patterns = [
    ...['*.azurecr.io', '*.*.geo.azurecr.io', 'my.azurecr.io', 'my.azurecr.io:5000', 'm*y.azurecr.io', '*'],
    ...['docker.io', 'docker.io/library/ng', 'localhost', 'my.azurecr.io/team/', 'my.azurecr.io/team/app:v1', '*.io'],
  ];
  const plugin = write('#!/bin/sh\nexit 1\n', 'sh');
  await runProcess('/bin/chmod', ['755', plugin], { environment: {} });
  const bin = linkPrograms(plugin, 'one');
  const differences = await mapSideBySide(patterns, async (pattern) => {
    const config = write(TEXT.slice(0, TEXT.indexOf('  args:')).replace('*.azurecr.io', pattern));
    const { stdout, stderr } = await askKubelet(config, bin, ['--', ...images]);
    const answers = stdout.trim().split('\n').map(parseJsonRecord);
    return images.flatMap((image, index): readonly object[] => {
      const repository = parseString(answers[index]?.['repo']);
      if (repository !== parseImage(image)) return [{ image, repository }];
      // The kubelet's log tells for which images the plug-in was called, and failed.
      const isAsked = repository !== undefined && stderr.includes(`image="${repository}"`);
      const isMatch = repository !== undefined && matchesImage(pattern, repository);
      return isAsked === isMatch ? [] : [{ pattern, repository, isAsked }];
    });
  });
  expect(differences.flat()).toEqual([]);
});

it('says what the kubelet then gives to a pod', async () => {
  const bin = linkPrograms(PROGRAM, 'acr-credential-provider');
  const { stdout } = await run(['config', '--registry', 'contoso.azurecr.io', '--cache-dir', join(folder, 'cache')]);
  const config = write(stdout);
  const environment = {
    ...cloud.emulator.environment(),
    ...{ AZURE_TENANT_ID: TENANT_ID, AZURE_CLIENT_ID: CLIENT_ID, AZURE_CLIENT_SECRET: CLIENT_SECRET },
  };
  const image = 'contoso.azurecr.io/team/app';
  const place = ['--config', config, '--bin-dir', bin, '--kubernetes-version', '1.36'];
  const doctor = await run(['doctor', `${image}:v1`, '--json', ...place], environment);
  const { results } = parseJsonRecord(doctor.stdout) ?? {};
  const found = (Array.isArray(results) ? results : []).map(parseRecord);
  expect(found.find((one) => one?.['check'] === 'programs')).toMatchObject({
    status: 'ok',
    what: expect.stringMatching(/acr-credential-provider, a link to .*, is this program, version \d/),
  });
  expect(found.find((one) => one?.['check'] === 'image')).toMatchObject({
    status: 'ok',
    what: expect.stringMatching(
      /^a pod gets the user 00000000-0000-0000-0000-000000000000 and a token, which expires in /,
    ),
  });
  expect(doctor.exitCode).toBe(0);
  expect(doctor.stdout).not.toContain(CLIENT_SECRET);
  const kubelet = await runProcess(partOf('reference-kubelet'), ['-config', config, '-bin-dir', bin, image], {
    environment: { HOME: folder, ...environment },
    folder,
  });
  const { credentials } = parseJsonRecord(kubelet.stdout) ?? {};
  expect(credentials).toMatchObject([{ username: '00000000-0000-0000-0000-000000000000' }, { username: '' }]);
});

it('knows a link to this program and the plug-in of AKS by what they say of themselves', async () => {
  const config = write((await run(['config'])).stdout);
  const identify = async (program: string) => {
    const bin = linkPrograms(program, 'acr-credential-provider');
    const { stdout } = await run(['doctor', '--config', config, '--bin-dir', bin, '--json']);
    const { results } = parseJsonRecord(stdout) ?? {};
    const found = (Array.isArray(results) ? results : []).map(parseRecord);
    return found.find((one) => one?.['check'] === 'programs');
  };
  // Another file than the one that examines it, so that it has to say who it is.
  const copy = join(folder, 'copy');
  copyFileSync(PROGRAM, copy);
  expect(await identify(copy)).toMatchObject({
    status: 'ok',
    what: expect.stringMatching(/ is this program, version /),
  });
  const peer = findPart('acr-credential-provider');
  if (peer === undefined) return;
  expect(await identify(peer)).toMatchObject({
    status: 'note',
    what: expect.stringMatching(/ is the plug-in of Azure's cloud provider, version v\S+, and not this program$/),
  });
});

/** Four processes keep two cores busy. */
async function mapSideBySide<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const rest = [...items];
  const done: R[] = [];
  const next = async () => {
    for (let item = rest.shift(); item !== undefined; item = rest.shift()) done.push(await work(item));
  };
  await Promise.all(Array.from({ length: 4 }, next));
  return done;
}
