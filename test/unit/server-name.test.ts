/** The one name of a server, from every form in which clients write it. */
import { describe, expect, test } from 'vitest';
import { parseRegistry } from '../../src/registry.ts';
import { parseServerName } from '../../src/server-name.ts';

const ROWS: readonly (readonly [serverUrl: string, name: string])[] = [
  ['myregistry.azurecr.io', 'myregistry.azurecr.io'],
  ['https://MYREGISTRY.azurecr.io:443/', 'myregistry.azurecr.io'],
  ['http://myregistry.azurecr.io', 'http://myregistry.azurecr.io'],
  ['HTTP://MyRegistry.azurecr.io:443/', 'http://myregistry.azurecr.io'],
  ['http://myregistry.westeurope.geo.azurecr.io', 'http://myregistry.azurecr.io'],
  ['http://myregistry.azurecr.io/team/app', 'http://myregistry.azurecr.io'],
  ['myregistry.westeurope.geo.azurecr.io', 'myregistry.azurecr.io'],
  ['myregistry.azurecr.io/team/app', 'myregistry.azurecr.io'],
  // A lookalike is not a login server, and keeps a name of its own.
  ['myregistry.azurecr.io.evil.com', 'myregistry.azurecr.io.evil.com'],
  ['myregistry.azurecr.io:5000', 'myregistry.azurecr.io:5000'],
  ['myregistry.azurecr.io@evil.com', 'myregistry.azurecr.io@evil.com'],
  ['ghcr.io', 'ghcr.io'],
  ['GHCR.io.', 'ghcr.io'],
  // Two dots are no form of the same host.
  ['ghcr.io..', 'ghcr.io..'],
  ['https://ghcr.io', 'ghcr.io'],
  ['http://ghcr.io/', 'http://ghcr.io'],
  ['Http://GHCR.io.', 'http://ghcr.io'],
  ['http://ghcr.io:80', 'http://ghcr.io'],
  ['http://ghcr.io:443', 'http://ghcr.io:443'],
  ['https://ghcr.io:80', 'ghcr.io:80'],
  ['ghcr.io:443', 'ghcr.io'],
  ['ghcr.io:4430', 'ghcr.io:4430'],
  ['localhost:5000', 'localhost:5000'],
  ['http://localhost:5000/', 'http://localhost:5000'],
  ['http://[FD00::5]:5000', 'http://[fd00::5]:5000'],
  ['http://index.docker.io/v1/', 'http://index.docker.io/v1/'],
  ['http:ghcr.io', 'http:ghcr.io'],
  ['10.0.0.5', '10.0.0.5'],
  ['https://10.0.0.5:443', '10.0.0.5'],
  ['10.0.0.5:80', '10.0.0.5:80'],
  ['[FD00::5]:5000', '[fd00::5]:5000'],
  ['https://[fd00::5]/', '[fd00::5]'],
  // Docker gives these a meaning of their own, so they stay as they are.
  ['https://index.docker.io/v1/', 'https://index.docker.io/v1/'],
  ['https://index.docker.io/v1/access-token', 'https://index.docker.io/v1/access-token'],
  ['index.docker.io/v1/', 'index.docker.io/v1/'],
  ['docker.io', 'docker.io'],
  ['ghcr.io/team/app', 'ghcr.io/team/app'],
  ['ftp://ghcr.io', 'ftp://ghcr.io'],
  ['https://me:pw@ghcr.io', 'https://me:pw@ghcr.io'],
  ['ghcr.io?x', 'ghcr.io?x'],
  ['ghcr.io:', 'ghcr.io:'],
  ['a b', 'a b'],
  ['/', '/'],
  ['.', '.'],
  ['', ''],
];

describe('parseServerName', () => {
  for (const [serverUrl, name] of ROWS) {
    test(`returns ${JSON.stringify(name)} for ${JSON.stringify(serverUrl)}`, () => {
      expect(parseServerName(serverUrl, parseRegistry(serverUrl))).toBe(name);
    });
  }

  test('returns a name unchanged', () => {
    for (const [, name] of ROWS) expect(parseServerName(name, parseRegistry(name))).toBe(name);
  });

  test('returns a very long text unchanged', () => {
    for (const text of [`${'a.'.repeat(30_000)}/x`, `[${':'.repeat(60_000)}`, `${'.'.repeat(60_000)}:x`]) {
      expect(parseServerName(text, undefined) === text).toBe(true);
    }
  });
});
