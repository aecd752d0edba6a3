/** Asks the pure handlers as a client would, for the tests of the emulator. */

import { parseJsonRecord, parseString } from './json.ts';
import type { EmulatedRequest, EmulatedResponse } from './message.ts';

import { createRequest } from './message.ts';
import { answerRequest } from './server.ts';
import {
  ACR_AUDIENCE,
  CLIENT_ID,
  CLIENT_SECRET,
  type Context,
  createState,
  findTenant,
  NULL_GUID,
  registryOf,
  TENANT_ID,
} from './state.ts';

export const NOW = 1_800_000_000;
export const REQUEST_ID = '12345678-1234-4234-8234-123456789012';
export const LOGIN_SERVER = 'contoso.azurecr.io';
/** The token endpoint of the initial tenant of a state. */
export const TOKEN_URL = `https://login.microsoftonline.com/${TENANT_ID}/oauth2/v2.0/token`;

export function createContext(now = NOW): Context {
  return { state: createState(), now, requestId: REQUEST_ID };
}

/** The answer of a handler; a request that would be passed to the registry gets a 200 that says so. */
export function ask(request: EmulatedRequest, context: Context): EmulatedResponse {
  const answer = answerRequest(request, context);
  return typeof answer === 'string' ? { status: 200, headers: {}, body: `to ${answer}` } : answer;
}

export function post(url: string, form: Record<string, string>, context: Context): EmulatedResponse {
  return ask(createRequest({ url, body: new URLSearchParams(form) }), context);
}

export function get(url: string, context: Context, authorization?: string): EmulatedResponse {
  return ask(createRequest({ url, headers: authorization === undefined ? {} : { authorization } }), context);
}

export function memberOf(response: EmulatedResponse, name: string): string {
  return parseString(parseJsonRecord(response.body)?.[name]) ?? '';
}

export function entraToken(context: Context, form: Record<string, string> = {}): string {
  const answer = post(`https://login.microsoftonline.com/${TENANT_ID}/oauth2/v2.0/token`, secretForm(form), context);
  return memberOf(answer, 'access_token');
}

export function secretForm(form: Record<string, string> = {}): Record<string, string> {
  return {
    grant_type: 'client_credentials',
    client_id: CLIENT_ID,
    client_secret: CLIENT_SECRET,
    scope: `${ACR_AUDIENCE}/.default`,
    ...form,
  };
}

export function exchange(context: Context, token: string, form: Record<string, string> = {}): EmulatedResponse {
  return post(
    `https://${LOGIN_SERVER}/oauth2/exchange`,
    { grant_type: 'access_token', service: LOGIN_SERVER, access_token: token, ...form },
    context,
  );
}

export function refreshToken(context: Context): string {
  return memberOf(exchange(context, entraToken(context)), 'refresh_token');
}

export function redeem(context: Context, token: string, scope: string): EmulatedResponse {
  return post(
    `https://${LOGIN_SERVER}/oauth2/token`,
    { grant_type: 'refresh_token', service: LOGIN_SERVER, scope, refresh_token: token },
    context,
  );
}

export function accessToken(context: Context, scope: string): string {
  return memberOf(redeem(context, refreshToken(context), scope), 'access_token');
}

export function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

export function nullGuid(token: string): string {
  return basic(NULL_GUID, token);
}

export function registry(context: Context): ReturnType<typeof registryOf> {
  return registryOf(context.state, LOGIN_SERVER);
}

/** The initial application of a state. */
export function findApplication(context: Context) {
  const found = findTenant(context.state, TENANT_ID)?.applications.get(CLIENT_ID);
  if (found === undefined) {
    throw new Error('The state has no application');
  }
  return found;
}

/** The AADSTS error numbers of an answer. */
export function readErrorCodes(response: EmulatedResponse): unknown {
  return parseJsonRecord(response.body)?.['error_codes'];
}
