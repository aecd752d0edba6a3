/** The request of a kubelet, also of a later one, and what is none. */
import { describe, expect, test } from 'vitest';
import { parseRequest } from '../../../src/kubelet/request.ts';
import { catchFailure } from '../failure.ts';

const VERSION = 'credentialprovider.kubelet.k8s.io/v1';
const REQUEST = { kind: 'CredentialProviderRequest', apiVersion: VERSION, image: 'my.azurecr.io/a' };

describe('parseRequest', () => {
  const NOBODY = { image: 'my.azurecr.io/a', serviceAccountToken: undefined, annotations: {} };
  const rows: readonly (readonly [changes: object, found: object])[] = [
    [{}, {}],
    [{ apiVersion: `${VERSION}beta1` }, { apiVersion: `${VERSION}beta1` }],
    [{ apiVersion: `${VERSION}alpha1` }, { apiVersion: `${VERSION}alpha1` }],
    [{ serviceAccountToken: 'a.b.c' }, { serviceAccountToken: 'a.b.c' }],
    [{ serviceAccountToken: '' }, {}],
    [{ serviceAccountAnnotations: { a: 'b', c: 1 } }, { annotations: { a: 'b', c: 1 } }],
    [{ serviceAccountAnnotations: null }, {}],
    [{ podUid: 'of a later kubelet', image: 'x' }, { image: 'x' }],
  ];
  test.each(rows)('reads a request with %j', (changes, found) => {
    expect(parseRequest(JSON.stringify({ ...REQUEST, ...changes }))).toEqual({
      apiVersion: VERSION,
      ...NOBODY,
      ...found,
    });
  });

  const mistakes: readonly (readonly [input: string | object, problem: string])[] = [
    ['', 'it is not a JSON object'],
    ['my.azurecr.io', 'it is not a JSON object'],
    ['[]', 'it is not a JSON object'],
    ['null', 'it is not a JSON object'],
    [`${JSON.stringify(REQUEST)}x`, 'it is not a JSON object'],
    [{ kind: 'CredentialProviderResponse' }, 'it is not a CredentialProviderRequest'],
    [{ kind: undefined }, 'it is not a CredentialProviderRequest'],
    [{ apiVersion: 'v1' }, 'it is not a CredentialProviderRequest'],
    [{ apiVersion: `${VERSION}x` }, 'it is not a CredentialProviderRequest'],
    [{ apiVersion: 1 }, 'it is not a CredentialProviderRequest'],
    [{ image: '' }, 'it names no image'],
    [{ image: undefined }, 'it names no image'],
    [{ image: ['my.azurecr.io/a'] }, 'it names no image'],
    [{ serviceAccountToken: 1 }, '"serviceAccountToken" is not a string'],
    [{ serviceAccountToken: null }, '"serviceAccountToken" is not a string'],
    [{ serviceAccountAnnotations: 'a=b' }, '"serviceAccountAnnotations" is not an object'],
    [{ serviceAccountAnnotations: [] }, '"serviceAccountAnnotations" is not an object'],
  ];
  test.each(mistakes)('rejects %j', async (input, problem) => {
    const text = typeof input === 'string' ? input : JSON.stringify({ ...REQUEST, ...input });
    const failure = await catchFailure(() => parseRequest(text));
    expect(failure.code).toBe('REQUEST_INVALID');
    expect(failure.message).toContain(problem);
  });
});
