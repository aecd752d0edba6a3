/** The registry of an image, and the pattern of the last resort. */
import { describe, expect, test } from 'vitest';
import { lastResortPattern, registryOf } from '../../../src/kubelet/image.ts';

test.each([
  ['myregistry.azurecr.io/team/app', 'myregistry.azurecr.io'],
  ['myregistry.azurecr.io:443/app', 'myregistry.azurecr.io:443'],
  ['myregistry.azurecr.io', 'myregistry.azurecr.io'],
  ['MyRegistry.AzureCR.io/app', 'MyRegistry.AzureCR.io'],
  ['evil.test/myregistry.azurecr.io/b', 'evil.test'],
  ['docker.io/library/nginx', 'docker.io'],
  ['https://myregistry.azurecr.io/app', 'https:'],
  ['/myregistry.azurecr.io', ''],
])('registryOf %s is %j', (image, registry) => {
  expect(registryOf(image)).toBe(registry);
});

describe('lastResortPattern', () => {
  test.each([
    ['myregistry.azurecr.io', 'myregistry*.azurecr.io'],
    ['myregistry.azurecr.io:443', 'myregistry*.azurecr.io:443'],
    ['myregistry.eastus.geo.azurecr.io', 'myregistry*.eastus.geo.azurecr.io'],
    ['registry.contoso.com', 'registry*.contoso.com'],
    ['localhost:5000', undefined],
    ['localhost', undefined],
  ])('of %s is %s', (registry, pattern) => {
    expect(lastResortPattern(registry)).toBe(pattern);
  });

  test('comes after the registry itself where a kubelet sorts patterns in descending order', () => {
    for (const registry of ['myregistry.azurecr.io', 'a-b.azurecr.us', 'myregistry.azurecr.io:443']) {
      const patterns = [lastResortPattern(registry) ?? '', registry];
      expect(patterns.toSorted().toReversed()[0]).toBe(registry);
    }
  });
});
