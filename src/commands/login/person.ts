/** Who signed in: reads the account from the tokens, after it has checked that they answer this sign-in. */

import { type Claims, readAudiences, readClaims } from '../../entra/claims.ts';
import type { PersonTokens } from '../../entra/refresh-token.ts';
import { CredentialError } from '../../errors.ts';
import { isGuid } from '../../field.ts';
import { asText, parseJsonObject } from '../../json.ts';
import { createQuote } from '../../redact.ts';
import type { PersonRequest } from './person-request.ts';

/** A person who signed in. */
export interface Person {
  /** The home account id: `<object id>.<tenant id>`, lower case. */
  readonly id: string;
  /** The account's name, as one line without control characters. */
  readonly username: string;
  /** The tenant that the person signed in to. */
  readonly tenantId: string;
  readonly familyId: string | undefined;
  readonly refreshToken: string;
}

const MAX_NAME = 200;

/**
 * Reads who signed in.
 * @param nonce that of the request, if it had one.
 * @throws ANSWER_INVALID when the tokens are not the answer to this request.
 */
export function readPerson(request: PersonRequest, tokens: PersonTokens, nonce: string | undefined): Person {
  const { runtime, clientId, tenant } = request;
  const { idToken, clientInfo, refreshToken, familyId } = tokens;
  const claims = readClaims(idToken ?? '');
  const tenantId = readGuid(claims['tid']);
  if (idToken === undefined || tenantId === undefined) throw invalid(request, 'they do not say who signed in');
  if (!isFor(claims, clientId)) throw invalid(request, 'the id token is for another application');
  if (nonce !== undefined && claims['nonce'] !== nonce) throw invalid(request, 'the id token is for another request');
  if (isGuid(tenant) && tenantId !== tenant.toLowerCase())
    throw invalid(request, 'the id token is from another tenant');
  // The server sends it on a connection of our own, so that its signature proves nothing more.
  const home = parseJsonObject(Buffer.from(clientInfo ?? '', 'base64url').toString('utf8')) ?? {};
  const [objectId, homeTenantId] = [readGuid(home['uid']), readGuid(home['utid'])];
  if (objectId === undefined || homeTenantId === undefined) throw invalid(request, 'they do not name the account');
  if (refreshToken === undefined) {
    throw new CredentialError('ANSWER_INVALID', 'Entra ID sent no refresh token, so the sign-in would not last', {
      hint: 'the application must be allowed to request offline_access',
    });
  }
  const name = asText(claims['preferred_username']) ?? asText(claims['upn']) ?? asText(claims['email']);
  const username = createQuote(runtime)(name ?? '', MAX_NAME);
  return { id: `${objectId}.${homeTenantId}`, username: username || objectId, tenantId, familyId, refreshToken };
}

function isFor(claims: Claims, clientId: string): boolean {
  const audiences = readAudiences(claims);
  return audiences.length === 1 && audiences[0]?.toLowerCase() === clientId.toLowerCase();
}

function readGuid(value: unknown): string | undefined {
  return typeof value === 'string' && isGuid(value) ? value.toLowerCase() : undefined;
}

function invalid({ authority, signInCommand }: PersonRequest, why: string): CredentialError {
  const { host } = new URL(authority.url);
  return new CredentialError('ANSWER_INVALID', `the tokens of ${host} cannot be used: ${why}`, { hint: signInCommand });
}
