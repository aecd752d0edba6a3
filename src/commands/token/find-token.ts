/** Finds a token to show to a person or to another program. */

import { isWithin, listMissing } from '../../acr/granted-scope.ts';
import { kindOf, requestScopedToken, type SecretKind } from '../../acr/scoped-token.ts';
import { BUDGET_MS, findCredential, type NotFound } from '../../credential.ts';
import { readExpiry } from '../../entra/claims.ts';
import { CredentialError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import { type Credential, IDENTITY_TOKEN_USERNAME, TOKEN_USERNAME } from '../../protocol.ts';
import { createQuote } from '../../redact.ts';
import type { Registry } from '../../registry.ts';
import { shellWord } from '../../shell-word.ts';
import { Session } from '../../sign-in/session.ts';
import { readClockMs } from '../../system/clock.ts';
import type { Runtime } from '../../system/runtime.ts';
import type { WantedCredential } from '../../wanted-credential.ts';

/** Which token. */
export interface TokenRequest {
  readonly runtime: Runtime;
  readonly log: Log | undefined;
  readonly registry: Registry;
  /** An access token for exactly these scopes; `undefined` for the registry's refresh token. */
  readonly scope: readonly string[] | undefined;
  /** Whether only a refresh token will do. */
  readonly mustRefresh: boolean;
}

/** A user name and a password that every client takes. */
export interface ExposedToken {
  /** The registry's login server. */
  readonly loginServer: string;
  readonly username: string;
  readonly secret: string;
  readonly kind: SecretKind;
  /** `undefined` for a password. */
  readonly expiresAtSeconds: number | undefined;
  /** What was wanted of an access token and not granted, such as `repository:team/app:push`. */
  readonly missing: readonly string[];
}

/**
 * Finds the token of a registry, as `get` does, or the stored login.
 * @throws IDENTITY_NOT_SET_UP when there is no credential, what `findCredential` throws, and TOKEN_REFUSED when the
 * registry does not accept the credential.
 */
export async function findToken(request: TokenRequest): Promise<ExposedToken> {
  const { runtime, log, registry, scope, mustRefresh } = request;
  const wanted = chooseCredential(scope, mustRefresh);
  const found = await findCredential(runtime, registry.host, log, wanted);
  if (!('secret' in found)) throw explainNotFound(request, found);
  runtime.secrets.add(found.secret);
  const kind = kindOf(found);
  if (mustRefresh && kind !== 'refresh-token') throw explainNoRefreshToken(request, found, kind);
  const credential = scope === undefined ? found : await narrow(request, found, scope);
  return {
    loginServer: registry.host,
    username: credential.username === IDENTITY_TOKEN_USERNAME ? TOKEN_USERNAME : credential.username,
    secret: credential.secret,
    kind: kindOf(credential),
    expiresAtSeconds: kindOf(credential) === 'password' ? undefined : readExpiry(credential.secret),
    missing: scope === undefined ? [] : listMissing(scope, credential.secret),
  };
}

/** The configuration decides unless the person does. A failure is told, even where clients would go on anonymously. */
function chooseCredential(scope: readonly string[] | undefined, mustRefresh: boolean): WantedCredential {
  if (scope !== undefined) return { secret: 'access-token', scope, onError: 'fail' };
  return mustRefresh ? { secret: 'refresh-token', scope: [], onError: 'fail' } : { onError: 'fail' };
}

/** Gets an access token for the scopes only, with what a client has stored. An identity already has one. */
async function narrow(
  { runtime, log, registry }: TokenRequest,
  found: Credential,
  scope: readonly string[],
): Promise<Credential> {
  if (kindOf(found) === 'access-token' && isWithin(scope, found.secret)) return found;
  const session = new Session({ runtime, registry, cache: undefined, deadlineMs: readClockMs() + BUDGET_MS, log });
  try {
    const { http } = await session.open([]);
    const { token } = await requestScopedToken(runtime, http, registry, found, scope);
    return { ...found, username: TOKEN_USERNAME, secret: token };
  } finally {
    session.close();
  }
}

/** The hint and the causes say what `get` says. */
function explainNotFound({ registry }: TokenRequest, { hint, skipped }: NotFound): CredentialError {
  const { host } = registry;
  if (hint === undefined) {
    return new CredentialError('IDENTITY_NOT_SET_UP', `Cannot get a token for ${host}: it is configured as anonymous`, {
      hint: 'pull without a login, or remove "anonymous" from the registry\'s configuration',
    });
  }
  const causes = skipped.map(({ source, reason }) => `skipped ${source}: ${reason}`);
  return new CredentialError('IDENTITY_NOT_SET_UP', `Cannot get a token for ${host}: there is no credential`, {
    causes,
    hint,
  });
}

function explainNoRefreshToken({ runtime, registry }: TokenRequest, found: Credential, kind: SecretKind) {
  const { host } = registry;
  const what =
    kind === 'password'
      ? `the stored login of ${createQuote(runtime)(found.username, 80)}`
      : 'an access token that a client has stored';
  return new CredentialError('TOKEN_REFUSED', `Cannot get a refresh token for ${host}: ${what} takes precedence`, {
    hint: `docker logout ${shellWord(host)}`,
  });
}
