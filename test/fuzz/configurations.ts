/** Configurations that are valid, and the values that replace some of theirs. */
import fc from 'fast-check';
import { expect } from 'vitest';
import { CredentialError } from '../../src/errors.ts';
import { REGISTRY } from '../unit/config/config-of.ts';
import { ANY_JSON } from './mutate.ts';

/** The registry whose entry the tests ask for. */
export const HOST = REGISTRY.host;
/** A registry of the cloud that the configurations add. */
export const CUSTOM = 'myregistry.azure.example.com';
export const PATTERN = '*.azurecr.io';
export const CLOUD = '*.azure.example.com';
const GUID = '11111111-2222-4333-8444-555555555555';
/** Configurations that are valid, and together use most fields. */
export const TEMPLATES: readonly object[] = [
  {
    $schema: 'x',
    registries: {
      [HOST]: { identity: 'ci', secret: 'access-token', scope: ['repository:team/app:pull'], minimumLifeMinutes: 30 },
    },
    identities: {
      ci: { type: 'client-secret', clientId: GUID, tenantId: 'contoso.com', clientSecretFile: '/run/secret' },
    },
    clouds: {
      '*.azure.example.com': { authorityHost: 'https://login.example.com', audience: 'https://acr.example.com' },
    },
    store: 'file',
    cacheEntraTokens: false,
  },
  { registries: { '*.azurecr.io': { anonymous: true, onError: 'anonymous', store: false } }, store: 'keychain' },
  {
    registries: {
      [HOST]: {
        identity: {
          type: 'client-certificate',
          certificatePath: '/a.pem',
          sendCertificateChain: true,
          audience: 'api://x',
        },
        tenantId: GUID,
      },
    },
  },
  { registries: { [HOST]: { identity: { type: 'command', command: ['/usr/bin/token', '--json'] } } } },
  {
    registries: { [HOST]: { identity: { type: 'azure-cli', subscription: 'My one', configDir: '/home/ada/.azure' } } },
  },
  { registries: { [HOST]: { identity: { type: 'managed-identity', clientId: GUID } } } },
  { registries: { [HOST]: { identity: 'azure-cli', scope: 'repository:a:pull', secret: 'access-token' } } },
];
/** What may stand in place of a value: some of it is right for a field. */
export const VALUES = fc.oneof(
  ANY_JSON,
  fc.constantFrom(
    true,
    false,
    4,
    5,
    150,
    151,
    5.5,
    GUID,
    'file',
    'fail',
    'azure-cli',
    '/etc/x',
    'relative',
    'https://a.b/c',
  ),
  fc.constantFrom(
    'http://a.b',
    'https://u@a.b',
    'https://a.b?c',
    'https://',
    'repository:a:pull',
    'a\nb',
    [],
    ['a'],
    [''],
    [1],
  ),
);

/** Returns what the question returns; `undefined` for the only error that may come, which names the file. */
export function ask<T>(file: string, question: () => T): T | undefined {
  try {
    return question();
  } catch (cause) {
    if (!(cause instanceof CredentialError) || cause.code !== 'CONFIG_INVALID') throw cause;
    expect(cause.message).toContain(file);
    return undefined;
  }
}
