/** The request for an access token with a user name and a password, or as nobody. */
import { expect, test } from 'vitest';
import { requestLoginToken } from '../../../src/acr/login-token.ts';
import { catchFailure } from '../failure.ts';
import { registryNamed } from '../registry-named.ts';
import { answer, toolsAnswering } from '../token-context.ts';

const REGIONAL = registryNamed('myregistry.westeurope.geo.azurecr.io');
const LOGIN = { username: 'somebody', secret: 'pässword:1' };
const SCOPE = 'repository:team/app:pull,push';

test('sends the login with HTTP Basic, and the global name as the service', async () => {
  const { context, requests } = toolsAnswering(answer(200, { access_token: 'the-access-token' }));
  const found = await requestLoginToken(context.runtime, context.http, REGIONAL, LOGIN, SCOPE);
  expect(found.token).toBe('the-access-token');
  expect(requests).toEqual([
    {
      method: 'GET',
      url: 'https://myregistry.westeurope.geo.azurecr.io/oauth2/token?service=myregistry.azurecr.io&scope=repository%3Ateam%2Fapp%3Apull%2Cpush',
      headers: { authorization: `Basic ${Buffer.from('somebody:pässword:1').toString('base64')}` },
    },
  ]);
});

test('sends no credential for nobody', async () => {
  const { context, requests } = toolsAnswering(answer(401, ''));
  const failure = await catchFailure(() =>
    requestLoginToken(context.runtime, context.http, REGIONAL, undefined, SCOPE),
  );
  expect(requests[0]?.headers).toBeUndefined();
  expect(failure).toMatchObject({ code: 'TOKEN_REFUSED', hint: undefined });
  expect(failure.message).toBe('myregistry.westeurope.geo.azurecr.io allows no anonymous pulls');
});

test.each([
  ['Application not registered with AAD.', 'its user name is neither the admin user, nor a repository token'],
  ['Invalid clientid or client secret.', "the application's secret is wrong or has expired"],
  ['aad access token with sp failed client id must be guid', 'its user name is not the id of an application'],
  ['authentication required, visit https://aka.ms/acr/authorization', 'its password is wrong or has expired'],
  ['', 'its password is wrong or has expired'],
])('explains the refusal %j', async (message, meaning) => {
  const { context } = toolsAnswering(answer(401, { errors: [{ code: 'UNAUTHORIZED', message }] }));
  const failure = await catchFailure(() => requestLoginToken(context.runtime, context.http, REGIONAL, LOGIN, SCOPE));
  expect(failure).toMatchObject({ code: 'TOKEN_REFUSED', hint: `docker logout ${REGIONAL.host}` });
  expect(failure.message).toContain(`refuses the stored login: ${meaning}`);
});

test('explains a firewall as for every request', async () => {
  const body = { errors: [{ code: 'DENIED', message: "client with IP '203.0.113.7' is not allowed access." }] };
  const { context } = toolsAnswering(answer(403, body));
  const failure = await catchFailure(() => requestLoginToken(context.runtime, context.http, REGIONAL, LOGIN, SCOPE));
  expect(failure).toMatchObject({ code: 'REGISTRY_REFUSED' });
  expect(failure.message).toContain('blocks 203.0.113.7');
});
