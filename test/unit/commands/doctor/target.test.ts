/** What `doctor` takes for a registry and a repository. */
import { expect, test } from 'vitest';
import { parseTarget } from '../../../../src/commands/doctor/target.ts';

test.each([
  ['myregistry.azurecr.io', 'myregistry.azurecr.io', undefined],
  ['myregistry.azurecr.io/', 'myregistry.azurecr.io', undefined],
  ['https://myregistry.azurecr.io/v2', 'myregistry.azurecr.io', 'v2'],
  ['MyRegistry.azurecr.io/team/app', 'MyRegistry.azurecr.io', 'team/app'],
  ['myregistry.azurecr.io/team/app:1.2', 'myregistry.azurecr.io', 'team/app'],
  ['myregistry.azurecr.io/team/app@sha256:abc', 'myregistry.azurecr.io', 'team/app'],
  ['myregistry.azurecr.io/team/app:1.2@sha256:abc', 'myregistry.azurecr.io', 'team/app'],
  ['localhost:5000/app:1', 'localhost:5000', 'app'],
  [' myregistry.azurecr.io\n', 'myregistry.azurecr.io', undefined],
])('reads %j as the host %j and the repository %j', (text, host, repository) => {
  expect(parseTarget(text)).toEqual({ host, repository });
});

test.each(['', '/', '/team/app', 'https://', 'two words', 'a\u0000b', 'x'.repeat(501)])('refuses %j', (text) => {
  expect(parseTarget(text)).toBeUndefined();
});
