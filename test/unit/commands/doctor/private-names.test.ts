/** What a text for the public leaves out. */
import { expect, test } from 'vitest';
import { createPrivateNames } from '../../../../src/commands/doctor/private-names.ts';
import { makeRuntime } from '../../runtime.ts';

const RUNTIME = makeRuntime({ HOME: '/home/alice', AZURE_TENANT_ID: 'contoso.example', HOSTNAME: 'laptop-17' });

test.each([
  ['a GUID', 'in 11111111-2222-3333-4444-555555555555.', 'in 11111111….'],
  ['a GUID in upper case', 'AAAAAAAA-2222-3333-4444-55555555555F', 'AAAAAAAA…'],
  ['an e-mail address', 'for alice.b+c@contoso.co.uk', 'for USER@…'],
  ['the home folder', '/home/alice/.docker/config.json', '~/.docker/config.json'],
  ['the name of the home folder elsewhere', '/mnt/Alice/x', '/mnt/USER/x'],
  ['a tenant of the environment', 'tenant Contoso.example', 'tenant TENANT'],
  ['the domain of a tenant', 'tenant fabrikam.onmicrosoft.com', 'tenant TENANT.onmicrosoft.com'],
  ['the name of the machine', 'on laptop-17', 'on HOST'],
  ['a registry', 'myregistry.azurecr.io', 'REGISTRY.azurecr.io'],
  ['a registry with a hash', 'my-abc123.westeurope.geo.azurecr.us', 'REGISTRY.westeurope.geo.azurecr.us'],
  ['a registry of another cloud', 'name.azurecr.sovcloud-azure.fr', 'REGISTRY.azurecr.sovcloud-azure.fr'],
  ['an address', '203.0.113.77 is blocked', '203.0.x.x is blocked'],
  ['a long address', 'fd00:1:2:3::4 is blocked', 'IPV6 is blocked'],
  ['a time', 'at 12:34:56', 'at 12:34:56'],
  ['a version', 'version 0.1.0', 'version 0.1.0'],
  ['a part of a word', 'malice', 'malice'],
])('hides %s', (_name, text, expected) => {
  expect(createPrivateNames(RUNTIME).hide(text)).toBe(expected);
});

test('hides names that a run meets, in upper and lower case, the longest first', () => {
  const names = createPrivateNames(RUNTIME);
  names.add('REPOSITORY', 'team/app');
  names.add('USER', 'team');
  names.add('USER', undefined);
  names.add('USER', 'a');
  names.add('USER', '');
  expect(names.hide('a Team/App of TEAM, not of teams')).toBe('a REPOSITORY of USER, not of teams');
});

test('does not hide root, whom everybody has', () => {
  expect(createPrivateNames(makeRuntime({ HOME: '/root', USER: 'root' })).hide('root of /root/x')).toBe('root of ~/x');
});

// A text has at most a thousand characters.
test.each(['a-', 'a.', '1:', '1.', 'ab@a.', 'İ'])('takes a moment for a text of many %j', (unit) => {
  const names = createPrivateNames(RUNTIME);
  for (let index = 0; index < 200; index += 1) names.add('USER', `somebody${index}`);
  const started = performance.now();
  names.hide(unit.repeat(2_000));
  expect(performance.now() - started).toBeLessThan(1_000);
});
