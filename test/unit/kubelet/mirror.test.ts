/** Registries with a mirror: what is a pair, and which images it is for. */
import { describe, expect, test } from 'vitest';
import { findMirror, hasPartialMirror, parseMirrors } from '../../../src/kubelet/mirror.ts';
import { catchFailure } from '../failure.ts';

describe('parseMirrors', () => {
  test.each([
    ['mcr.microsoft.com:my.azurecr.io', 'mcr.microsoft.com', 'my.azurecr.io'],
    ['registry.test:5000:my.azurecr.io', 'registry.test:5000', 'my.azurecr.io'],
    ['registry.test:5000:my.azurecr.io:443', 'registry.test:5000', 'my.azurecr.io:443'],
    ['registry.test:my.azurecr.io:443', 'registry.test', 'my.azurecr.io:443'],
    ['10.0.0.1:5000:my.azurecr.io', '10.0.0.1:5000', 'my.azurecr.io'],
    ['[fd00::1]:5000:my.azurecr.io', '[fd00::1]:5000', 'my.azurecr.io'],
    ['[::1]:my.azurecr.io', '[::1]', 'my.azurecr.io'],
    ['mcr.microsoft.com/dotnet:my.azurecr.io', 'mcr.microsoft.com/dotnet', 'my.azurecr.io'],
    ['mcr.microsoft.com/dotnet/:my.azurecr.io/dotnet', 'mcr.microsoft.com/dotnet', 'my.azurecr.io'],
    ['MCR.microsoft.com:My.AzureCR.io', 'MCR.microsoft.com', 'My.AzureCR.io'],
    // Whether the mirror is a registry of Azure, the configuration decides too.
    ['docker.io:registry.test', 'docker.io', 'registry.test'],
  ])('reads %s', (pair, source, target) => {
    expect(parseMirrors(pair)).toEqual([{ source, target }]);
  });

  test('reads no pair or several, with spaces around them', () => {
    expect(parseMirrors(' , ')).toEqual([]);
    expect(parseMirrors('a.test:b.azurecr.io, c.test : d.azurecr.io,').map(({ source }) => source)).toEqual([
      'a.test',
      'c.test',
    ]);
  });

  test.each([
    ':',
    'mcr.microsoft.com',
    'mcr.microsoft.com:',
    ':my.azurecr.io',
    'a.test:123456:my.azurecr.io',
    'a.test:b.test:c.test',
    'https://mcr.microsoft.com:my.azurecr.io',
    'user@a.test:my.azurecr.io',
    'a.test:user@my.azurecr.io',
    'a.test:my.azurecr.io?x',
    '::1:my.azurecr.io',
    'a.test:my.azurecr.io\n',
    'a.test:b.azurecr.io,x',
  ])('does not take %j for a pair', async (pair) => {
    const failure = await catchFailure(() => parseMirrors(pair));
    expect(failure.code).toBe('CONFIG_INVALID');
    expect(failure.message).toContain('is not a pair of registries');
  });
});

describe('findMirror', () => {
  const mirrors = parseMirrors(
    'mcr.microsoft.com:a.azurecr.io,mcr.microsoft.com/dotnet:b.azurecr.io,r.test:5000:c.azurecr.io',
  );

  test.each([
    ['mcr.microsoft.com/x', 'a.azurecr.io'],
    ['mcr.microsoft.com', 'a.azurecr.io'],
    ['mcr.microsoft.com/dotnet/runtime', 'b.azurecr.io'],
    ['mcr.microsoft.com/dotnet', 'b.azurecr.io'],
    ['mcr.microsoft.com/dotnetx', 'a.azurecr.io'],
    ['MCR.Microsoft.com/x', 'a.azurecr.io'],
    ['r.test:5000/x', 'c.azurecr.io'],
    ['r.test/x', undefined],
    ['r.test:50001/x', undefined],
    ['mcr.microsoft.com.evil.test/x', undefined],
    ['mcr.microsoft.com:443/x', undefined],
    ['evil.test/mcr.microsoft.com/x', undefined],
    ['xmcr.microsoft.com/x', undefined],
  ])('for %s is %s', (image, target) => {
    expect(findMirror(mirrors, image)?.target).toBe(target);
  });
});

test.each([
  ['docker.io/library:my.azurecr.io', 'docker.io', true],
  ['docker.io:my.azurecr.io,docker.io/library:other.azurecr.io', 'Docker.IO', true],
  ['docker.io:my.azurecr.io', 'docker.io', false],
  ['docker.io.test/library:my.azurecr.io', 'docker.io', false],
  ['registry.test:5000/a:my.azurecr.io', 'registry.test', false],
])('hasPartialMirror, given %s, says of %s: %s', (pairs, registry, expected) => {
  expect(hasPartialMirror(parseMirrors(pairs), registry)).toBe(expected);
});
