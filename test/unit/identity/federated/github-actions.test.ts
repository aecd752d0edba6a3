/** The token service of a job of GitHub Actions, found without asking it. */
import { describe, expect, test } from 'vitest';
import { findGithubActions } from '../../../../src/identity/federated/github-actions.ts';
import { catchFailure } from '../../failure.ts';
import { expectIdentity, requestFor } from '../request.ts';

const IDS = { AZURE_CLIENT_ID: 'the-client', AZURE_TENANT_ID: 'the-tenant' };
const SERVICE_URL = { ACTIONS_ID_TOKEN_REQUEST_URL: 'https://host.example/token?api-version=2.0' };
const SERVICE_TOKEN = { ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'hidden-request-token' };
const JOB = { GITHUB_ACTIONS: 'true' };
const ALL = { ...IDS, ...SERVICE_URL, ...SERVICE_TOKEN };
const ASK = ': add "permissions: { id-token: write, contents: read }" to the job';

test.each([ALL, { ...ALL, ...JOB }, { ...ALL, GITEA_ACTIONS: 'true' }])('%j is an identity', (env) => {
  const identity = expectIdentity(findGithubActions(requestFor(env)));
  expect(identity.source).toBe('github-actions');
  expect(identity.description).toBe('github-actions https://login.microsoftonline.com/the-tenant the-client');
  expect(identity.readSecret?.()).toBe('hidden-request-token');
});

describe('is not set up', () => {
  const rows: readonly (readonly [env: Record<string, string>, reason: string])[] = [
    [{}, 'ACTIONS_ID_TOKEN_REQUEST_URL is not set'],
    [IDS, 'ACTIONS_ID_TOKEN_REQUEST_URL is not set'],
    [JOB, 'ACTIONS_ID_TOKEN_REQUEST_URL is not set'],
    [{ ...JOB, AZURE_CLIENT_ID: 'c' }, 'ACTIONS_ID_TOKEN_REQUEST_URL is not set'],
    [{ ...JOB, ...IDS }, `ACTIONS_ID_TOKEN_REQUEST_URL is not set${ASK}`],
    [{ ...JOB, ...IDS, ...SERVICE_TOKEN }, `ACTIONS_ID_TOKEN_REQUEST_URL is not set${ASK}`],
    [{ ...JOB, ...IDS, ...SERVICE_URL }, `ACTIONS_ID_TOKEN_REQUEST_TOKEN is not set${ASK}`],
    [{ ...IDS, ...SERVICE_URL }, 'ACTIONS_ID_TOKEN_REQUEST_TOKEN is not set'],
    [{ ...ALL, ACTIONS_ID_TOKEN_REQUEST_TOKEN: ' ' }, 'ACTIONS_ID_TOKEN_REQUEST_TOKEN is not set'],
    [{ ...SERVICE_URL, ...SERVICE_TOKEN }, 'ACTIONS_ID_TOKEN_REQUEST_URL is set, AZURE_CLIENT_ID is not'],
    [
      { ...SERVICE_URL, ...SERVICE_TOKEN, AZURE_CLIENT_ID: 'c' },
      'ACTIONS_ID_TOKEN_REQUEST_URL is set, AZURE_TENANT_ID is not',
    ],
  ];
  test.each(rows)('with %j', (env, reason) => {
    expect(findGithubActions(requestFor(env))).toEqual({ notSetUp: reason });
  });

  test('for a cloud that takes no token of another issuer', () => {
    expect(findGithubActions(requestFor(ALL, {}, 'myregistry.azurecr.de'))).toEqual({
      notSetUp: 'the Germany cloud takes no token of another issuer',
    });
  });
});

test('a job without the permission is wrong where GitHub Actions was chosen', async () => {
  const failure = await catchFailure(() => findGithubActions({ ...requestFor({ ...JOB, ...IDS }), isChosen: true }));
  expect(failure.code).toBe('IDENTITY_INVALID');
  expect(failure.hint).toContain('id-token: write');
});

test('a URL that is not https disturbs nobody before it is asked', () => {
  expectIdentity(findGithubActions(requestFor({ ...ALL, ACTIONS_ID_TOKEN_REQUEST_URL: 'http://host.example' })));
});
