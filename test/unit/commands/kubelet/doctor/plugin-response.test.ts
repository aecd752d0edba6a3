/** The kubelet's own code agreed with each row. */
import { describe, expect, test } from 'vitest';
import { readPluginResponse } from '../../../../../src/commands/kubelet/doctor/plugin-response.ts';

const API = 'credentialprovider.kubelet.k8s.io/v1';
const RESPONSE = {
  kind: 'CredentialProviderResponse',
  apiVersion: API,
  cacheKeyType: 'Registry',
  cacheDuration: '1h0m0s',
  auth: { 'my.azurecr.io': { username: 'user', password: 'secret-of-the-registry' } },
};

const read = (changes: object) => readPluginResponse(JSON.stringify({ ...RESPONSE, ...changes }), API);

test('a response is read', () => {
  expect(read({})).toEqual({
    cacheKeyType: 'Registry',
    cacheMs: 3_600_000,
    credentials: [{ pattern: 'my.azurecr.io', username: 'user', password: 'secret-of-the-registry' }],
  });
});

test.each([
  [{ auth: undefined }, { credentials: [] }],
  [{ auth: null }, { credentials: [] }],
  [{ cacheDuration: null }, { cacheMs: undefined }],
  [{ cacheDuration: undefined }, { cacheMs: undefined }],
  [{ cacheDuration: '0s' }, { cacheMs: 0 }],
  [{ auth: { x: {} } }, { credentials: [{ pattern: 'x', username: '', password: '' }] }],
  [{ auth: { x: null } }, { credentials: [{ pattern: 'x', username: '', password: '' }] }],
  [{ auth: { x: { username: null } } }, { credentials: [{ pattern: 'x', username: '', password: '' }] }],
])('what may be missing: %j', (changes, seen) => {
  expect(read(changes)).toMatchObject(seen);
});

describe('a kubelet discards', () => {
  test.each([
    [{ kind: 'CredentialProviderRequest' }, 'its kind is not CredentialProviderResponse'],
    [{ apiVersion: `${API}beta1` }, `its apiVersion is not ${API}, which was asked for`],
    [{ cacheKeyType: undefined }, 'its cacheKeyType is not Image, Registry or Global'],
    [{ cacheKeyType: 'registry' }, 'its cacheKeyType is not Image, Registry or Global'],
    [{ cacheDuration: 3600 }, 'its cacheDuration is not a text such as "1h0m0s"'],
    [{ cacheDuration: '3600' }, 'its cacheDuration is not a text such as "1h0m0s"'],
    [{ auth: [] }, 'its auth is not an object'],
    [{ auth: { x: 'y' } }, 'an entry of its auth is not an object'],
    [{ auth: { x: { Username: 'u' } } }, 'an entry of its auth has a field that a kubelet does not know: Username'],
    [{ auth: { x: { token: 'y' } } }, 'an entry of its auth has a field that a kubelet does not know'],
    [{ auth: { x: { password: 1 } } }, 'an entry of its auth holds no texts'],
    [{ Auth: {} }, 'it has a field that a kubelet does not know: Auth'],
    [{ secret: 'x' }, 'it has a field that a kubelet does not know'],
  ])('%j', (changes, why) => {
    expect(read(changes)).toBe(why);
  });

  const text = JSON.stringify(RESPONSE);
  test.each([
    ['', 'it is empty'],
    ['\n', 'it is empty'],
    ['[]', 'it is not one JSON object and nothing else'],
    [`${text}x`, 'it is not one JSON object and nothing else'],
    [`log line\n${text}`, 'it is not one JSON object and nothing else'],
    [`${text}\n${text}`, 'it is not one JSON object and nothing else'],
    [`\uFEFF${text}`, 'it is not one JSON object and nothing else'],
    [text.replace('{', '{"kind":"x",'), 'a field stands there twice: kind'],
    [text.replace('"username"', '"username":"x","username"'), 'a field stands there twice: username'],
    [text.replace('"my.azurecr.io"', '"my.azurecr.io":{},"my.azurecr.io"'), 'a field stands there twice'],
  ])('%j', (wrong, why) => {
    expect(readPluginResponse(wrong, API)).toBe(why);
  });

  test('a response that is deep enough to be dangerous', () => {
    const deep = text.replace('"username":"user"', `"username":${'['.repeat(20_000)}${']'.repeat(20_000)}`);
    expect(readPluginResponse(deep, API)).toBe('an entry of its auth holds no texts');
  });
});
