/** How the tokens of an account are told from those of others in the cache. */

import type { Account } from '../../accounts/account-index.ts';
import { joinNames } from '../identity.ts';

/** The name of the source. */
export const LOGIN_NAME = 'login';

/**
 * Describes an account, as a part of the cache key.
 * @param tenant the tenant that the token is for.
 * @param clientId the client that redeems the refresh token.
 */
export function describeLogin({ id, authority }: Account, tenant: string, clientId: string): string {
  return `${LOGIN_NAME} ${authority}/${tenant} ${joinNames(clientId, id)}`;
}

/** Whether a description is that of an account, in whichever tenant and with whichever client of its family. */
export function isTokenOf(description: string, { id, authority }: Account): boolean {
  const [source, place = '', , owner] = description.split(' ');
  return source === LOGIN_NAME && place.startsWith(`${authority}/`) && owner === joinNames(id);
}
