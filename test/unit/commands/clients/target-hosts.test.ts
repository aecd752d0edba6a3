import { describe, expect, test } from 'vitest';
import { readHostsToRemove, readTargetHosts } from '../../../../src/commands/clients/target-hosts.ts';
import { createQuote } from '../../../../src/redact.ts';
import { UsageError } from '../../../../src/terminal/failure.ts';
import { configOf } from '../../config/config-of.ts';
import { makeRuntime } from '../../runtime.ts';

const HOST = 'myregistry.azurecr.io';
const quote = createQuote(makeRuntime());

describe('a registry that a person names', () => {
  const config = configOf({
    registries: { 'connected.example:5000': {}, 'LOCALHOST:8080': { store: true } },
    clouds: { 'registry.contoso.com': { authorityHost: 'https://login.contoso.com' } },
  });
  const read = (word: string, isForced = false) =>
    readTargetHosts(config, [word], isForced, quote).map(({ host }) => host);

  test.each([
    [HOST, HOST],
    ['  MyRegistry.AzureCR.io ', HOST],
    [`https://${HOST}/`, HOST],
    [`http://${HOST}`, HOST],
    [`${HOST}:443`, HOST],
    [`${HOST}.`, HOST],
    [`${HOST}/team/app`, HOST],
    ['name1-a1b2c3.azurecr.io', 'name1-a1b2c3.azurecr.io'],
    ['myregistry.westeurope.geo.azurecr.io', 'myregistry.westeurope.geo.azurecr.io'],
    ['myregistry.azurecr.cn', 'myregistry.azurecr.cn'],
    ['registry.contoso.com', 'registry.contoso.com'],
    ['connected.example:5000', 'connected.example:5000'],
    ['http://localhost:8080', 'localhost:8080'],
  ])('"%s" is the key %s', (word, expected) => {
    expect(read(word)).toEqual([expected]);
  });

  test.each([
    ['ghcr.io', /add --force/],
    ['other.example:5000', /add --force/],
    ['myregistry', /did you mean myregistry\.azurecr\.io\?/],
    ['myregistry.weu.data.azurecr.io', /add --force/],
    ['mcr.microsoft.com', /add --force/],
    ['', /name a login server/],
    ['-x', /name a login server/],
    ['a b', /name a login server/],
    ['https://user@myregistry.azurecr.io', /name a login server/],
    ['"a":"b"', /name a login server/],
  ])('"%s" is refused', (word, hint) => {
    expect(() => read(word)).toThrow(UsageError);
    try {
      read(word);
    } catch (cause) {
      expect(cause instanceof UsageError ? cause.hint : '').toMatch(hint);
    }
  });

  test.each([
    ['Ghcr.io', 'ghcr.io'],
    ['https://other.example:5000/', 'other.example:5000'],
    ['[::1]:5000', '[::1]:5000'],
  ])('"%s" is taken by force', (word, expected) => {
    expect(read(word, true)).toEqual([expected]);
  });

  test.each(['a b', '', '"', 'a:b', 'a:123456', '../x', '-x'])('"%s" is not even taken by force', (word) => {
    expect(() => read(word, true)).toThrow(UsageError);
  });

  test('counts once, and may be anything to be removed', () => {
    const words = [HOST, `https://${HOST}`, 'ghcr.io'];
    expect(readHostsToRemove(config, words).map(({ host }) => host)).toEqual([HOST, 'ghcr.io']);
  });
});
