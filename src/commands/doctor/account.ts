/** Names the account that a token belongs to. */

import { readClaims } from '../../entra/claims.ts';
import { asText } from '../../json.ts';

/** The claims that name an account, the most telling first. Azure's commands accept each. */
export const ACCOUNT_CLAIMS: readonly string[] = ['upn', 'preferred_username', 'unique_name', 'appid', 'azp', 'oid'];

/**
 * Reads who signed in from an Entra token, as the service wrote it.
 * @returns `undefined` when the token does not say.
 */
export function readAccount(token: string): string | undefined {
  const claims = readClaims(token);
  return ACCOUNT_CLAIMS.map((name) => asText(claims[name])).find((one) => one !== undefined);
}
