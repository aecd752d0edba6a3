/** The response to a kubelet, and how long the kubelet may use it. */
import { describe, expect, test } from 'vitest';
import { isRenewalDue } from '../../../src/cache/renewal.ts';
import { formatNothing, formatResponse, measureCacheSeconds } from '../../../src/kubelet/response.ts';

const VERSION = 'credentialprovider.kubelet.k8s.io/v1';
const HOUR = 3600;

describe('formatResponse', () => {
  const auth = new Map([['my.azurecr.io', { username: 'u', password: 'p' }]]);

  test('is one line with exactly the fields that a kubelet takes', () => {
    const text = formatResponse(VERSION, { cacheKeyType: 'Image', cacheSeconds: 12.9, auth });
    expect(text).toBe(
      `{"kind":"CredentialProviderResponse","apiVersion":"${VERSION}","cacheKeyType":"Image","cacheDuration":"12s","auth":{"my.azurecr.io":{"username":"u","password":"p"}}}\n`,
    );
  });

  test("leaves the duration out where the kubelet's configuration decides", () => {
    expect(JSON.parse(formatResponse(VERSION, { cacheKeyType: 'Registry', cacheSeconds: undefined, auth }))).toEqual({
      ...{ kind: 'CredentialProviderResponse', apiVersion: VERSION, cacheKeyType: 'Registry' },
      auth: { 'my.azurecr.io': { username: 'u', password: 'p' } },
    });
  });
});

test('formatNothing has no credential, and is not to be kept', () => {
  expect(JSON.parse(formatNothing(VERSION))).toEqual({
    ...{ kind: 'CredentialProviderResponse', apiVersion: VERSION, cacheKeyType: 'Registry', cacheDuration: '0s' },
  });
});

describe('measureCacheSeconds', () => {
  const rows: readonly (readonly [what: string, life: number, age: number, minimum: number, seconds: number])[] = [
    ['a new token of three hours: to its last sixth', 3 * HOUR, 0, 0, 9000],
    ['a token of an age of one hour: to its last sixth', 3 * HOUR, HOUR, 0, 5400],
    ['a token in its last sixth: for a minute', 3 * HOUR, 9001, 0, 60],
    ['a token with five minutes and a half: for half a minute', 3 * HOUR, 3 * HOUR - 330, 0, 30],
    ['a token with five minutes: not at all', 3 * HOUR, 3 * HOUR - 300, 0, 0],
    ['a token with a minute: not at all', 3 * HOUR, 3 * HOUR - 60, 0, 0],
    ['an expired token: not at all', 3 * HOUR, 4 * HOUR, 0, 0],
    ['a token of ten minutes: to its last five', 600, 0, 0, 300],
    ['a token of four minutes: not at all', 240, 0, 0, 0],
    ['a token of three hours with a minimum of one: to its last hour', 3 * HOUR, 0, HOUR, 2 * HOUR],
    ['a token with less than its minimum: for a minute', 3 * HOUR, 2 * HOUR + 1, HOUR, 60],
    ['a token with a minimum beyond its life: to five sixths', 3 * HOUR, 0, 10 * HOUR, HOUR / 2],
  ];
  test.each(rows)('lets a kubelet use %s', (_what, life, age, minimum, seconds) => {
    const now = 1_000_000;
    const times = { expiresAtSeconds: now + life - age, savedAtSeconds: now - age };
    expect(measureCacheSeconds(times, now, minimum)).toBeCloseTo(seconds, 6);
  });

  test('ends when the renewal is due, so that the next request starts it', () => {
    for (const minimum of [0, 600, HOUR, 2 * HOUR]) {
      for (const token of ['one', 'two', 'three', 'four', 'five']) {
        const cached = { token, savedAtSeconds: 0, expiresAtSeconds: 3 * HOUR };
        const asksAgain = measureCacheSeconds(cached, 0, minimum);
        expect(isRenewalDue(cached, asksAgain + 1, minimum), `${token} ${minimum}`).toBe(true);
      }
    }
  });
});
