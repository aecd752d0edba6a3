/** Opens a registry for requests with the credential that this machine has for it. */

import { kindOf, requestScopedToken } from '../../acr/scoped-token.ts';
import { findCredential } from '../../credential.ts';
import { readClaims } from '../../entra/claims.ts';
import { CredentialError } from '../../errors.ts';
import { asJsonObject, asText } from '../../json.ts';
import type { Log } from '../../log.ts';
import type { HttpClient } from '../../network/http.ts';
import type { Credential } from '../../protocol.ts';
import { createQuote } from '../../redact.ts';
import type { Registry } from '../../registry.ts';
import { Session } from '../../sign-in/session.ts';
import { readClockMs } from '../../system/clock.ts';
import type { Runtime } from '../../system/runtime.ts';
import type { WantedCredential } from '../../wanted-credential.ts';

/** Who asks the registry. */
export type Caller =
  /**
   * An identity of Azure: `subject` is its name or id, if its token says so; with `isAbac`, the registry looks up the
   * permissions for each repository.
   */
  | { readonly kind: 'identity'; readonly subject: string | undefined; readonly isAbac: boolean }
  /** What a client has stored, such as "the stored login of admin". */
  | { readonly kind: 'login'; readonly what: string }
  /** Nobody: `hint` says how somebody could sign in, `undefined` if the configuration wants it so. */
  | { readonly kind: 'nobody'; readonly hint: string | undefined; readonly causes: readonly string[] };

/** A registry to which requests can be sent. */
export interface OpenRegistry {
  readonly registry: Registry;
  readonly http: HttpClient;
  readonly caller: Caller;
  /**
   * Gets an access token; the registry may grant less than the scope.
   * @throws TOKEN_REFUSED, REGISTRY_REFUSED, ANSWER_INVALID, NETWORK_FAILED
   */
  readonly requestToken: (scope: readonly string[]) => Promise<string>;
}

/** A list may have many pages. */
const BUDGET_MS = 120_000;
const MAX_SUBJECT = 80;

/**
 * Finds the credential for a registry and calls a function with the open registry, which is closed afterwards.
 * @throws what `findCredential` throws, and what the function throws.
 */
export async function withRegistry<T>(
  { runtime, log }: { readonly runtime: Runtime; readonly log: Log | undefined },
  registry: Registry,
  use: (open: OpenRegistry) => Promise<T>,
): Promise<T> {
  const find = (wanted: WantedCredential) =>
    findCredential(runtime, registry.host, log, { ...wanted, onError: 'fail' });
  const found = await find({ secret: 'refresh-token', scope: [] });
  const credential = 'secret' in found ? found : undefined;
  if (credential !== undefined) runtime.secrets.add(credential.secret);
  const skipped = 'secret' in found ? [] : found.skipped;
  const nobody: Caller = {
    kind: 'nobody',
    hint: 'secret' in found ? undefined : found.hint,
    causes: skipped.map(({ source, reason }) => `skipped ${source}: ${reason}`),
  };
  const session = new Session({ runtime, registry, cache: undefined, deadlineMs: readClockMs() + BUDGET_MS, log });
  try {
    const { http } = await session.open([]);
    return await use({
      registry,
      http,
      caller: credential === undefined ? nobody : describeCaller(runtime, credential),
      requestToken: async (scope) => {
        try {
          return (await requestScopedToken(runtime, http, registry, credential, scope)).token;
        } catch (cause) {
          if (!(cause instanceof CredentialError) || cause.code !== 'TOKEN_REFUSED') throw cause;
          if (credential === undefined) throw explainNobody(cause, nobody);
          if (kindOf(credential) !== 'refresh-token') throw cause;
          // The registry revokes its tokens when its mode changes. A sign-in for the scope notices that, and gets new ones.
          const renewed = await find({ secret: 'access-token', scope });
          if (!('secret' in renewed) || renewed.secret === credential.secret) throw cause;
          runtime.secrets.add(renewed.secret);
          return renewed.secret;
        }
      },
    });
  } finally {
    session.close();
  }
}

function describeCaller(runtime: Runtime, credential: Credential): Caller {
  const quote = createQuote(runtime);
  const secretKind = kindOf(credential);
  if (secretKind === 'password') {
    return { kind: 'login', what: `the stored login of ${quote(credential.username, MAX_SUBJECT)}` };
  }
  if (secretKind === 'access-token') return { kind: 'login', what: 'the stored access token' };
  const claims = readClaims(credential.secret);
  const subject = asText(claims['sub']);
  return {
    kind: 'identity',
    subject: subject === undefined ? undefined : quote(subject, MAX_SUBJECT),
    // Only a registry without permissions for each repository writes them into the token.
    isAbac: asJsonObject(claims['permissions']) === undefined,
  };
}

function explainNobody(cause: CredentialError, caller: Extract<Caller, { kind: 'nobody' }>): CredentialError {
  const causes = [...cause.causes, ...caller.causes];
  const hint = caller.hint ?? 'remove "anonymous" from the registry\'s configuration, so that an identity signs in';
  return cause.with({ causes, hint });
}
