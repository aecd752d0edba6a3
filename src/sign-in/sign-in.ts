/** The cold path: an identity of this machine becomes a token of the registry. */

import type { RegistryToken } from '../acr/exchange.ts';
import { type Cache, type CachedToken, type CacheKey, isFresh, tokenKind } from '../cache/cache.ts';
import { obtainShared } from '../cache/shared-token.ts';
import type { RegistrySettings } from '../config/config.ts';
import { type EntraToken, obtainEntraToken } from '../entra/kept-token.ts';
import { CredentialError } from '../errors.ts';
import { type Identity, type IdentityParameters, isNotSetUp, type NotSetUp } from '../identity/identity.ts';
import type { Log } from '../log.ts';
import type { Connections } from '../network/connections.ts';
import type { DirectConnection } from '../network/direct-connections.ts';
import type { HttpClient } from '../network/http.ts';
import type { Registry } from '../registry.ts';
import type { Runtime } from '../system/runtime.ts';

/** What a sign-in works with. */
export interface TokenContext {
  readonly runtime: Runtime;
  /** To Azure, through the proxy of the environment. */
  readonly http: HttpClient;
  /** To a server on this machine or in this cluster, past every proxy; closed with the sign-in. */
  readonly openDirect: (connection: DirectConnection) => HttpClient;
  /** Where the source may remember what it found out about this machine. */
  readonly cache: Cache | undefined;
  /** What the Entra token is for, without `/.default`. */
  readonly audience: string;
  /** The beginning of every error's text: "Cannot sign in for …". */
  readonly purpose: string;
  /** When everything has to be over, on the clock of `readClockMs`. */
  readonly deadlineMs: number;
  readonly log: Log | undefined;
}

export interface SignInRequest {
  readonly runtime: Runtime;
  readonly registry: Registry;
  readonly settings: RegistrySettings;
  readonly identity: Identity;
  /** What the configuration says of the identity. */
  readonly parameters: IdentityParameters;
  readonly cache: Cache | undefined;
  /** Whether a token of the cache need not be renewed. */
  readonly isUsable: (cached: CachedToken) => boolean;
  /** When everything has to be over, on the clock of `readClockMs`. */
  readonly deadlineMs: number;
  readonly log: Log | undefined;
}

/**
 * Gets the token that the registry's settings ask for, from the cache or by signing in, one process at a time.
 * @returns `NotSetUp` when the identity is not there after all.
 * @throws CredentialError
 */
export async function obtainToken(request: SignInRequest): Promise<string | NotSetUp> {
  const { runtime, registry, settings, isUsable } = request;
  const session = new Session(request);
  try {
    if (settings.secret !== 'access-token') return await obtainRefreshToken(request, session, { isUsable });
    const isLasting = (cached: CachedToken) => isFresh(cached, runtime.now() / 1000);
    const get = async () => {
      const refreshToken = await obtainRefreshToken(request, session, { isUsable: isLasting });
      if (isNotSetUp(refreshToken)) return refreshToken;
      const { requestAccessToken } = await import('../acr/exchange.ts');
      const context = await session.open(false);
      try {
        return await requestAccessToken(context, registry, refreshToken, settings.scope);
      } catch (cause) {
        // A registry that changes its mode takes back every token: then the one in the cache is good for nothing.
        if (!(cause instanceof CredentialError) || cause.code !== 'TOKEN_REFUSED') throw cause;
        const renewed = await obtainRefreshToken(request, session, { isUsable: isLasting, refused: refreshToken });
        if (isNotSetUp(renewed)) return renewed;
        return await requestAccessToken(context, registry, renewed, settings.scope);
      }
    };
    return await obtainShared(request, keyOf(request, tokenKind(settings.secret, settings.scope)), { isUsable, get });
  } finally {
    session.close();
  }
}

/** @param choice which token of the cache will do. */
function obtainRefreshToken(
  request: SignInRequest,
  session: Session,
  choice: { readonly isUsable: (cached: CachedToken) => boolean; readonly refused?: string },
): Promise<string | NotSetUp> {
  const open = (signsIn: boolean) => session.open(signsIn);
  const get = async () => {
    const entraToken = await obtainEntraToken(request, open);
    if (isNotSetUp(entraToken)) return entraToken;
    const context = await open(false);
    const first = await tryExchange(request, context, entraToken);
    if (first !== undefined) return first;
    const renewed = await obtainEntraToken(request, open, entraToken.token);
    if (isNotSetUp(renewed)) return renewed;
    const { exchangeToken } = await import('../acr/exchange.ts');
    return await exchangeToken(context, request.registry, renewed.token, request.settings.tenantId);
  };
  return obtainShared(request, keyOf(request, 'refresh-token'), { ...choice, get });
}

/** @returns `undefined` when the registry answers 401 to a kept Entra token, which a new one may change. */
async function tryExchange(
  { registry, settings, log }: SignInRequest,
  context: TokenContext,
  { token, isKept }: EntraToken,
): Promise<RegistryToken | undefined> {
  const { exchangeToken } = await import('../acr/exchange.ts');
  let status: number | undefined;
  const send: HttpClient['send'] = async (httpRequest) => {
    const response = await context.http.send(httpRequest);
    status = response.status;
    return response;
  };
  try {
    return await exchangeToken({ ...context, http: { ...context.http, send } }, registry, token, settings.tenantId);
  } catch (cause) {
    if (!isKept || status !== 401) throw cause;
    log?.({ step: 'sign-in', outcome: 'kept-token-refused', host: registry.host });
    return undefined;
  }
}

/** Opens the tools for the one process that needs them: those who wait for it do not load an HTTP client. */
class Session {
  readonly #request: SignInRequest;
  #context: Promise<TokenContext> | undefined;
  #http: HttpClient | undefined;
  #connections: Connections | undefined;
  readonly #direct: HttpClient[] = [];
  #isClosed = false;

  constructor(request: SignInRequest) {
    this.#request = request;
  }

  /** @param signsIn whether the identity's own servers will be asked as well: only the first call tells. */
  open(signsIn: boolean): Promise<TokenContext> {
    this.#context ??= this.#start(signsIn);
    return this.#context;
  }

  async #start(signsIn: boolean): Promise<TokenContext> {
    const { runtime, registry, identity, parameters, cache, deadlineMs, log } = this.#request;
    const { Connections } = await import('../network/connections.ts');
    const connections = new Connections(runtime);
    this.#connections = connections;
    const origins = signsIn ? identity.origins : [];
    if (origins !== undefined) await connections.preconnect([...origins, `https://${registry.host}`]);
    const { createHttp } = await import('../network/http.ts');
    this.#http = createHttp(runtime, { deadlineMs, log, connections });
    if (this.#isClosed) this.close();
    return {
      runtime,
      http: this.#http,
      openDirect: (direct) => {
        const http = createHttp(runtime, { deadlineMs, log, direct });
        this.#direct.push(http);
        return http;
      },
      cache,
      audience: parameters.audience ?? registry.cloud.audience,
      purpose: `Cannot sign in for ${registry.host}`,
      deadlineMs,
      log,
    };
  }

  close(): void {
    this.#isClosed = true;
    this.#http?.close();
    this.#connections?.close();
    for (const http of this.#direct) http.close();
  }
}

function keyOf({ registry, identity }: SignInRequest, kind: string): CacheKey {
  return { service: registry.service, identity: identity.description, kind };
}
