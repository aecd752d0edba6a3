/** What a sign-in by a person needs, whichever way the person signs in. */

import type { Authority } from '../../entra/authority.ts';
import type { TokenClient } from '../../entra/token-endpoint.ts';
import type { Log } from '../../log.ts';
import type { Runtime } from '../../system/runtime.ts';

/** Who is to sign in, and where. */
export interface PersonRequest {
  readonly runtime: Runtime;
  readonly log: Log | undefined;
  readonly authority: Authority;
  /** A tenant's id or domain, or `organizations` for the tenant of the account. */
  readonly tenant: string;
  /** The application that the person signs in to. */
  readonly clientId: string;
  /** The audience of the Entra token, without `/.default`. */
  readonly audience: string;
  /** The account to suggest. */
  readonly username: string | undefined;
  /** What Entra asked for at the last renewal, to be passed on as it is. */
  readonly claims: string | undefined;
  /** The command that starts this sign-in again, as a part of hints. */
  readonly signInCommand: string;
}

/** What the token endpoint and its errors need to know. */
export function describeClient({ authority, tenant, clientId, signInCommand }: PersonRequest): TokenClient {
  return { authority, tenant, clientId, signInCommand, actor: 'the sign-in' };
}
