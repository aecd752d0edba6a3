/** The registries of clouds that only the caller knows. */
import { describe, expect, test } from 'vitest';
import { createCloud } from '../../src/clouds.ts';
import { createConfig } from '../../src/config/config.ts';
import { findWantedRegistry } from '../../src/wanted-credential.ts';

const config = createConfig('/config.json', () => ({
  clouds: { '*.azurecr.mine.test': { authorityHost: 'https://login.mine.test' } },
}));
const AUTHORITY = 'https://login.added.test';

/** Where the sign-in for a registry goes, with a cloud that the caller adds. */
function authorityOf(serverUrl: string, registrySuffix: string): string | undefined {
  const clouds = [createCloud({ registrySuffix, isOneHost: false }, { authorityHost: AUTHORITY })];
  const registry = findWantedRegistry(config, serverUrl, { clouds });
  return registry === undefined ? 'no registry' : registry.cloud.authority;
}

describe('findWantedRegistry', () => {
  const rows: readonly (readonly [serverUrl: string, suffix: string, authority: string | undefined])[] = [
    ['myregistry.azurecr.added.test', 'azurecr.added.test', AUTHORITY],
    ['myregistry.azurecr.eaglex.ic.gov', 'azurecr.eaglex.ic.gov', AUTHORITY],
    ['myregistry.azurecr.eaglex.ic.gov', 'azurecr.added.test', undefined],
    ['myregistry.azurecr.io', 'azurecr.io', 'https://login.microsoftonline.com'],
    ['myregistry.azurecr.mine.test', 'azurecr.mine.test', 'https://login.mine.test'],
    ['registry.example.test', 'azurecr.added.test', 'no registry'],
  ];
  test.each(rows)('finds for %s and an added %s the authority %s', (serverUrl, suffix, authority) => {
    expect(authorityOf(serverUrl, suffix)).toBe(authority);
  });
});
