import { beforeAll, describe, expect, test } from 'vitest';
import { type Ci, GITHUB_ISSUER, GITHUB_SUBJECT, installCi, PIPELINES_ISSUER, SERVICE_CONNECTION_ID } from './ci.ts';
import { parseJsonRecord } from './json.ts';
import type { EmulatedResponse } from './message.ts';

import { createRequest } from './message.ts';
import { type Context, listSecrets } from './state.ts';
import { ask, createContext, memberOf, NOW } from './test-client.ts';
import { decodeToken } from './tokens.ts';

let context: Context;
let ci: Ci;
beforeAll(async () => {
  context = createContext();
  ci = await installCi(context.state);
});

describe('the token service of GitHub Actions', () => {
  function get(query: string, token = ci.githubVariables['ACTIONS_ID_TOKEN_REQUEST_TOKEN']): EmulatedResponse {
    const url = `${ci.githubVariables['ACTIONS_ID_TOKEN_REQUEST_URL']}${query}`;
    return ask(createRequest({ url, headers: { authorization: `Bearer ${token}` } }), context);
  }

  test('returns a token for the requested audience that is valid for five minutes', () => {
    const token = memberOf(get('&audience=api%3A%2F%2FAzureADTokenExchange'), 'value');
    expect(decodeToken(token)?.claims).toMatchObject({
      iss: GITHUB_ISSUER,
      sub: GITHUB_SUBJECT,
      aud: 'api://AzureADTokenExchange',
      exp: NOW + 300,
    });
    expect(listSecrets(context.state)).toContain(token);
  });

  test('sets the audience to the repository owner when the request names none', () => {
    expect(decodeToken(memberOf(get(''), 'value'))?.claims['aud']).toBe('https://github.com/contoso');
  });

  test('rejects a wrong request token and answers an unknown path with 404', () => {
    expect(get('', 'wrong').status).toBe(401);
    const url = ci.githubVariables['ACTIONS_ID_TOKEN_REQUEST_URL']?.replace('//idtoken', '/idtoken') ?? '';
    expect(ask(createRequest({ url }), context).status).toBe(404);
  });
});

describe('the token service of Azure Pipelines', () => {
  function post(id: string, headers: Readonly<Record<string, string>> = {}): EmulatedResponse {
    const url = `${ci.pipelinesVariables['SYSTEM_OIDCREQUESTURI']}?api-version=7.1&serviceConnectionId=${id}`;
    const authorization = `Bearer ${ci.pipelinesVariables['SYSTEM_ACCESSTOKEN']}`;
    return ask(createRequest({ method: 'POST', url, headers: { authorization, ...headers } }), context);
  }

  test('returns the token of the service connection', () => {
    const token = memberOf(post(SERVICE_CONNECTION_ID), 'oidcToken');
    expect(decodeToken(token)?.claims).toMatchObject({ iss: PIPELINES_ISSUER });
  });

  test('names an unknown service connection in the error', () => {
    const answer = post('other');
    expect(answer.status).toBe(404);
    expect(parseJsonRecord(answer.body)?.['message']).toBe('No service connection found with identifier other.');
  });

  test('redirects an unauthenticated request unless the redirect is suppressed', () => {
    const wrong = { authorization: 'Bearer wrong' };
    expect(post(SERVICE_CONNECTION_ID, wrong).status).toBe(302);
    expect(post(SERVICE_CONNECTION_ID, { ...wrong, 'x-tfs-fedauthredirect': 'Suppress' }).status).toBe(401);
  });
});
