/** How status words things: times, identities, and whose a token is. */
import { describe, expect, test } from 'vitest';
import { formatIdentity } from '../../../../src/commands/status/identity-words.ts';
import { formatAge, formatDuration, toIso } from '../../../../src/commands/status/time.ts';
import { readOwner } from '../../../../src/commands/status/token-owner.ts';
import { makeToken } from '../../token.ts';

describe('formatDuration', () => {
  test.each([
    [0, '0 s'],
    [0.9, '0 s'],
    [59.9, '59 s'],
    [60, '1 min'],
    [119, '1 min'],
    [3600, '1 h'],
    [3660, '1 h 1 min'],
    [10_799, '2 h 59 min'],
    [86_400, '1 d'],
    [93_600, '1 d 2 h'],
    [86_460, '1 d'],
    [1e15, '11574074074 d 1 h'],
  ])('%d seconds are %s', (seconds, text) => expect(formatDuration(seconds)).toBe(text));
});

test.each([
  [160, 'in 1 min'],
  [100, '0 s ago'],
  [40, '1 min ago'],
])('formatAge of %d at 100 is %s', (seconds, text) => expect(formatAge(seconds, 100)).toBe(text));

test.each([
  [0, '1970-01-01T00:00:00.000Z'],
  [1.9, '1970-01-01T00:00:01.000Z'],
  [1e300, null],
])('toIso of %d is %s', (seconds, text) => expect(toIso(seconds)).toBe(text));

describe('formatIdentity', () => {
  test.each([
    ['stored', 'given by a client (docker login, az acr login)'],
    ['client-secret https://login.microsoftonline.com/t1 c1', 'client-secret: application c1 in tenant t1'],
    ['github-actions https://login.microsoftonline.us/t1 c1', 'github-actions: application c1 in tenant t1'],
    [
      'managed-identity imds 169.254.169.254 system-assigned',
      'managed-identity: system-assigned (imds at 169.254.169.254)',
    ],
    ['managed-identity imds h clientId c1', 'managed-identity: clientId c1 (imds at h)'],
    ['azure-cli ada%20b@example.com t1 AzureCloud', 'azure-cli: ada b@example.com in tenant t1 (AzureCloud)'],
    ['azure-cli ada@example.com t1', 'azure-cli: ada@example.com in tenant t1'],
    ['azure-developer-cli ada@example.com', 'azure-developer-cli: ada@example.com'],
    ['azure-cli a%zz t1', 'azure-cli: a%zz in tenant t1'],
    ['login https://login.microsoftonline.com/t1 c1 o1.t2', 'login: account o1.t2 in tenant t1'],
    [
      'service-account https://login.microsoftonline.com/t1 c1 https://oidc.test/ system:serviceaccount:a:b',
      'service-account: system:serviceaccount:a:b of https://oidc.test/ as application c1 in tenant t1',
    ],
    [
      'identity-binding https://login.microsoftonline.com/t1 c1 https://oidc.test/ system:serviceaccount:a:b https://sni',
      'identity-binding: system:serviceaccount:a:b of https://oidc.test/ as application c1 in tenant t1',
    ],
    [
      'service-account https://login.microsoftonline.com/t1 c1',
      'service-account https://login.microsoftonline.com/t1 c1',
    ],
    ['command /usr/bin/token 0123456789abcd', 'command: /usr/bin/token'],
    ['client-secret nonsense', 'client-secret nonsense'],
    ['somebody else entirely', 'somebody else entirely'],
    ['command', 'command'],
    ['', ''],
  ])('%s', (description, text) => expect(formatIdentity(description)).toBe(text));
});

describe('readOwner', () => {
  test.each<readonly [Readonly<Record<string, unknown>>, string | undefined, string | undefined]>([
    [{ upn: 'ada@example.com', oid: 'o', tid: 't' }, 'ada@example.com', 't'],
    [{ appid: 'a', oid: 'o', tid: 't' }, 'a', 't'],
    [{ azp: 'a', sub: 's' }, 'a', undefined],
    [{ sub: 's', tenant: 't' }, 's', 't'],
    [{ upn: 5, sub: '' }, undefined, undefined],
    [{}, undefined, undefined],
  ])('%j', (claims, who, tenant) => expect(readOwner(makeToken(claims))).toEqual({ who, tenant }));

  test('of a text that is no token is nobody', () => {
    expect(readOwner('no.token')).toEqual({ who: undefined, tenant: undefined });
  });
});
