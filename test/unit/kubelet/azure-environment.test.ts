/** The cloud of a node: by its name, or as an operator describes it. */
import { chmodSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { findNodeCloud } from '../../../src/kubelet/azure-environment.ts';
import { parseRegistry } from '../../../src/registry.ts';
import { catchFailure } from '../failure.ts';
import { makeRuntime } from '../runtime.ts';
import { useTemporaryFolder } from '../temporary-folder.ts';

const folder = useTemporaryFolder();

/** Finds the cloud that a file describes. */
function describeCloud(content: string | object, mode = 0o644) {
  const file = folder.path('environment.json');
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  chmodSync(file, mode);
  return findNodeCloud(makeRuntime({ AZURE_ENVIRONMENT_FILEPATH: file }), ' AzureStackCloud ');
}

const ENVIRONMENT = {
  name: 'AzureStackCloud',
  activeDirectoryEndpoint: 'https://login.local.azurestack.test/adfs/',
  containerRegistryDNSSuffix: 'azsacr.local.azurestack.test',
  tokenAudience: 'https://management.local.azurestack.test/',
};

describe('findNodeCloud', () => {
  const names: readonly (readonly [name: string | undefined, authority: string | undefined])[] = [
    ['AzurePublicCloud', 'https://login.microsoftonline.com'],
    ['AZURECLOUD', 'https://login.microsoftonline.com'],
    [' azureusgovernmentcloud\n', 'https://login.microsoftonline.us'],
    ['AzureUSGovernment', 'https://login.microsoftonline.us'],
    ['AzureChinaCloud', 'https://login.partner.microsoftonline.cn'],
    ['AzureGermanCloud', 'https://login.microsoftonline.de'],
    ['Public', undefined],
    ['constructor', undefined],
    ['', undefined],
    [undefined, undefined],
    ['AzureStackCloud', undefined],
  ];
  test.each(names)('knows the cloud %j as %j', (name, authority) => {
    expect(findNodeCloud(makeRuntime(), name)?.authority).toBe(authority);
  });

  test('adds the registries and the authority that the file describes', () => {
    const cloud = describeCloud(ENVIRONMENT);
    expect(cloud).toMatchObject({
      name: 'azsacr.local.azurestack.test',
      authority: 'https://login.local.azurestack.test/adfs',
    });
    const registry = parseRegistry('myregistry.azsacr.local.azurestack.test', [cloud?.added ?? []].flat());
    expect(registry).toMatchObject({
      service: 'myregistry.azsacr.local.azurestack.test',
      cloud: { authority: 'https://login.local.azurestack.test/adfs', armAudience: undefined },
    });
  });

  test('takes a suffix after a dot, in upper case', () => {
    const { added } = describeCloud({ ...ENVIRONMENT, containerRegistryDNSSuffix: '.AZURECR.Example.Test' }) ?? {};
    expect(added?.registrySuffix).toBe('azurecr.example.test');
  });

  test.each([undefined, '', 'N/A', null])('adds no registry for the suffix %j', (containerRegistryDNSSuffix) => {
    expect(describeCloud({ ...ENVIRONMENT, containerRegistryDNSSuffix })?.added).toBeUndefined();
  });

  test('does not read the file for another cloud', () => {
    const runtime = makeRuntime({ AZURE_ENVIRONMENT_FILEPATH: 'relative.json' });
    expect(findNodeCloud(runtime, 'AzurePublicCloud')?.name).toBe('Public');
  });
});

describe('findNodeCloud rejects', () => {
  test.each([
    'io',
    '*',
    '*.example.test',
    '.',
    '..',
    'azurecr.io.evil',
    '.azurecr.io.evil',
    'x.azurecr.io',
    'ic.gov',
    'microsoft.scloud',
    'a..b',
    'example.test/x',
    'example.test:443',
    '-a.example.test',
    `${'a'.repeat(64)}.test`,
    'exämple.test',
    42,
    ['azurecr.example.test'],
  ])('the suffix %j', async (containerRegistryDNSSuffix) => {
    const { code, message } = await catchFailure(() => describeCloud({ ...ENVIRONMENT, containerRegistryDNSSuffix }));
    expect(code).toBe('CONFIG_INVALID');
    expect(message).toContain('"containerRegistryDNSSuffix" must ');
  });

  test.each(['http://login.test', 'login.test', 'https://u:p@login.test', 'https://login.test/?a', 7])(
    'the authority %j',
    async (activeDirectoryEndpoint) => {
      const { message } = await catchFailure(() => describeCloud({ ...ENVIRONMENT, activeDirectoryEndpoint }));
      expect(message).toContain('"activeDirectoryEndpoint" must be an https URL');
    },
  );

  test.each(['', '[]', '{', 'name: x'])('a file with %j', async (content) => {
    const { message } = await catchFailure(() => describeCloud(content));
    expect(message).toBe(`Cannot use ${folder.path('environment.json')}: it must contain a JSON object`);
  });

  test('a file that others can write to, one that is not there, and a relative path', async () => {
    expect((await catchFailure(() => describeCloud(ENVIRONMENT, 0o666))).message).toContain('others can write to it');
    const failures = ['/nowhere/environment.json', 'environment.json'].map((file) =>
      catchFailure(() => findNodeCloud(makeRuntime({ AZURE_ENVIRONMENT_FILEPATH: file }), 'AzureStackCloud')),
    );
    const [absent, relative] = await Promise.all(failures);
    expect(absent?.hint).toBe('ls -l /nowhere/environment.json, or unset AZURE_ENVIRONMENT_FILEPATH');
    expect(relative?.message).toBe('Cannot use AZURE_ENVIRONMENT_FILEPATH: it is not an absolute path');
  });
});
