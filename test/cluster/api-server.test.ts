/** The API server of the other tests behaves as that of a real cluster. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findPart, needParts } from '../e2e/world/parts.ts';
import { parseRecord } from '../emulator/json.ts';
import { decodeToken } from '../emulator/tokens.ts';
import { API_SERVER_PARTS, type ApiServer, ISSUER, startApiServer } from './world/api-server.ts';

let server: ApiServer;
beforeAll(async () => {
  if (API_SERVER_PARTS.every((name) => findPart(name) !== undefined)) server = await startApiServer();
});
afterAll(() => server?.close());

it('issues a token for a service account', async (context) => {
  needParts(context, ...API_SERVER_PARTS);
  await server.admin.apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'builder' } });
  const token = await server.admin.requestToken('default', 'builder', 'api://AzureADTokenExchange');
  expect(decodeToken(token)?.claims).toMatchObject({
    iss: ISSUER,
    aud: ['api://AzureADTokenExchange'],
    sub: 'system:serviceaccount:default:builder',
  });
  const keys = await server.admin.get('/openid/v1/jwks');
  expect(keys['keys']).toEqual([expect.objectContaining({ kty: 'RSA', alg: 'RS256' })]);
});

it('refuses what a user may not do, and a field that does not exist', async (context) => {
  needParts(context, ...API_SERVER_PARTS);
  const { status, body } = await server.user('nobody').request('GET', '/api/v1/nodes');
  expect([status, body['message']]).toEqual([
    403,
    expect.stringContaining('User "nobody" cannot list resource "nodes"'),
  ]);
  const wrong = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'x' }, annotation: {} };
  await expect(server.admin.apply(wrong)).rejects.toThrow('annotation');
});

it('shows each object to a watch', async (context) => {
  needParts(context, ...API_SERVER_PARTS);
  const path = '/api/v1/namespaces/default/configmaps';
  const seen = server.admin.waitFor(path, (object) => parseRecord(object['data'])?.['colour']);
  await server.admin.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'map' }, data: { colour: 'red' } });
  expect(await seen).toBe('red');
});
