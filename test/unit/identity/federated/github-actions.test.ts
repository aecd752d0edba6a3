/** The token service of a GitHub Actions job, found without asking it. */
import { describe, expect, test } from 'vitest';
import { GITHUB_ACTIONS } from '../../../../src/identity/federated/github-actions.ts';
import { catchFailure } from '../../failure.ts';
import { expectIdentity, finderOf, requestFor } from '../request.ts';

const findGithubActions = finderOf(GITHUB_ACTIONS);

const IDS = { AZURE_CLIENT_ID: 'the-client', AZURE_TENANT_ID: 'the-tenant' };
const SERVICE_URL = { ACTIONS_ID_TOKEN_REQUEST_URL: 'https://host.example/token?api-version=2.0' };
const SERVICE_TOKEN = { ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'hidden-request-token' };
const JOB = { GITHUB_ACTIONS: 'true' };
const ALL = { ...IDS, ...SERVICE_URL, ...SERVICE_TOKEN };
const ASK = ': add "permissions: { id-token: write, contents: read }" to the job';

test.each([ALL, { ...ALL, ...JOB }, { ...ALL, GITEA_ACTIONS: 'true' }])('findGithubActions accepts %j', (env) => {
  const identity = expectIdentity(findGithubActions(requestFor(env)));
  expect(identity.source).toBe('github-actions');
  expect(identity.description).toBe('github-actions https://login.microsoftonline.com/the-tenant the-client');
  expect(identity.readSecret?.()).toBe('hidden-request-token');
});

describe('findGithubActions reports "not set up"', () => {
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
    [{ ...SERVICE_URL, ...SERVICE_TOKEN }, 'ACTIONS_ID_TOKEN_REQUEST_URL is set, but AZURE_CLIENT_ID is not'],
    [
      { ...SERVICE_URL, ...SERVICE_TOKEN, AZURE_CLIENT_ID: 'c' },
      'ACTIONS_ID_TOKEN_REQUEST_URL is set, but AZURE_TENANT_ID is not',
    ],
  ];
  test.each(rows)('with %j', (env, reason) => {
    expect(findGithubActions(requestFor(env))).toEqual({ notSetUp: reason });
  });

  test('for a cloud that accepts no token of another issuer', () => {
    expect(findGithubActions(requestFor(ALL, {}, 'myregistry.azurecr.de'))).toEqual({
      notSetUp: 'the Germany cloud does not accept tokens from other issuers',
    });
  });
});

test('findGithubActions rejects a job without the permission when GitHub Actions was chosen', async () => {
  const failure = await catchFailure(() => findGithubActions({ ...requestFor({ ...JOB, ...IDS }), isChosen: true }));
  expect(failure.code).toBe('IDENTITY_INVALID');
  expect(failure.hint).toContain('id-token: write');
});

test('findGithubActions finds an identity even when the URL is not https', () => {
  expectIdentity(findGithubActions(requestFor({ ...ALL, ACTIONS_ID_TOKEN_REQUEST_URL: 'http://host.example' })));
});
