/** Reads from the claims of a cached token whose it is. Nothing else of the token gets out. */

import { readClaims } from '../../entra/claims.ts';
import { asText } from '../../json.ts';

/** Whose a token is, as far as its claims say. */
export interface TokenOwner {
  /** The name of a person, or the id of an application or object. */
  readonly who: string | undefined;
  readonly tenant: string | undefined;
}

/** The claims that name the owner, the most readable first. */
const NAMES = ['upn', 'unique_name', 'preferred_username', 'appid', 'azp', 'oid', 'sub'];

/** Reads the owner of a token of Entra or of a registry. */
export function readOwner(token: string): TokenOwner {
  const claims = readClaims(token);
  const who = NAMES.map((name) => asText(claims[name])).find((value) => value !== undefined);
  return { who, tenant: asText(claims['tid']) ?? asText(claims['tenant']) };
}
