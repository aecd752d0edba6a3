/** The cold path: an identity of this machine becomes a token of the registry. */

import { type Cache, type CacheKey, isFresh, nameKind, readCache, writeCache } from './cache.ts';
import type { RegistrySettings } from './config.ts';
import type { Connections } from './connections.ts';
import { CredentialError, describeCause } from './errors.ts';
import type { RegistryToken } from './exchange.ts';
import type { HttpClient } from './http.ts';
import type { DirectConnection } from './http-dispatcher.ts';
import { type Identity, type IdentityParameters, isNotSetUp, type NotSetUp } from './identity/identity.ts';
import type { Log } from './log.ts';
import type { Machine } from './machine.ts';
import { readNote, writeNote } from './notes.ts';
import type { Registry } from './registry.ts';
import { flySingle } from './single-flight.ts';

/** What a sign-in works with. */
export interface SignInTools {
  readonly machine: Machine;
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
  /** When everything has to be over, on the clock of `performance.now()`. */
  readonly deadlineMs: number;
  readonly log: Log | undefined;
}

export interface SignInRequest {
  readonly machine: Machine;
  readonly registry: Registry;
  readonly settings: RegistrySettings;
  readonly identity: Identity;
  /** What the configuration says of the identity. */
  readonly parameters: IdentityParameters;
  readonly cache: Cache | undefined;
  /** When everything has to be over, on the clock of `performance.now()`. */
  readonly deadlineMs: number;
  readonly log: Log | undefined;
}

/** A tenant does not learn of the registry's audience within a day. */
const AUDIENCE_NOTE_SECONDS = 24 * 3600;

/**
 * Gets the token that the registry's settings ask for, from the cache or by signing in, one process at a time.
 * @returns `NotSetUp` when the identity is not there after all.
 * @throws CredentialError
 */
export async function obtainToken(request: SignInRequest): Promise<string | NotSetUp> {
  const { registry, settings } = request;
  const session = new Session(request);
  try {
    if (settings.secret !== 'access-token') return await obtainRefreshToken(request, session);
    return await obtain(request, keyOf(request, nameKind(settings.secret, settings.scope)), async () => {
      const refreshToken = await obtainRefreshToken(request, session);
      if (isNotSetUp(refreshToken)) return refreshToken;
      const { requestAccessToken } = await import('./exchange.ts');
      const tools = await session.open();
      try {
        return await requestAccessToken(tools, registry, refreshToken, settings.scope);
      } catch (cause) {
        // A registry that changes its mode takes back every token: then the one in the cache is good for nothing.
        if (!(cause instanceof CredentialError) || cause.code !== 'TOKEN_REFUSED') throw cause;
        const renewed = await obtainRefreshToken(request, session, refreshToken);
        if (isNotSetUp(renewed)) return renewed;
        return await requestAccessToken(tools, registry, renewed, settings.scope);
      }
    });
  } finally {
    session.close();
  }
}

function obtainRefreshToken(request: SignInRequest, session: Session, refused?: string): Promise<string | NotSetUp> {
  const { registry, settings } = request;
  const get = async () => {
    const tools = await session.open();
    const entraToken = await getEntraToken(request, tools);
    if (isNotSetUp(entraToken)) return entraToken;
    const { exchangeToken } = await import('./exchange.ts');
    return await exchangeToken(tools, registry, entraToken, settings.tenantId);
  };
  return obtain(request, keyOf(request, 'refresh-token'), get, refused);
}

/**
 * Gets the Entra token for the registry's audience; for the cloud's ARM audience only where Entra or the managed
 * identity says that it does not know the registry's.
 */
async function getEntraToken(
  { machine, registry, identity, parameters, cache, log }: SignInRequest,
  tools: SignInTools,
): Promise<string | NotSetUp> {
  const { armAudience } = registry.cloud;
  if (armAudience === undefined || parameters.audience !== undefined) return await identity.getToken(tools);
  const note = `audience ${identity.description}`;
  const nowSeconds = machine.now() / 1000;
  if (readNote(cache, note, nowSeconds) === armAudience) {
    return await identity.getToken({ ...tools, audience: armAudience });
  }
  try {
    return await identity.getToken(tools);
  } catch (cause) {
    if (!(cause instanceof CredentialError) || cause.code !== 'AUDIENCE_UNKNOWN') throw cause;
    log?.({ step: 'sign-in', outcome: 'arm-audience', source: identity.source, reason: cause.message });
    let token: string | NotSetUp;
    try {
      token = await identity.getToken({ ...tools, audience: armAudience });
    } catch {
      throw cause; // the first answer is the telling one
    }
    writeNote(cache, note, armAudience, nowSeconds, AUDIENCE_NOTE_SECONDS);
    return token;
  }
}

/** Opens the tools for the one process that needs them: those who wait for it do not load an HTTP client. */
class Session {
  readonly #request: SignInRequest;
  #tools: SignInTools | undefined;
  #connections: Connections | undefined;
  readonly #direct: HttpClient[] = [];

  constructor(request: SignInRequest) {
    this.#request = request;
  }

  async open(): Promise<SignInTools> {
    const { machine, registry, identity, parameters, cache, deadlineMs, log } = this.#request;
    if (this.#tools !== undefined) return this.#tools;
    const { Connections } = await import('./connections.ts');
    const connections = new Connections(machine);
    this.#connections = connections;
    if (identity.origins !== undefined) await connections.warm([...identity.origins, `https://${registry.host}`]);
    const { createHttp } = await import('./http.ts');
    this.#tools = {
      machine,
      http: createHttp(machine, { deadlineMs, log, connections }),
      openDirect: (direct) => {
        const http = createHttp(machine, { deadlineMs, log, direct });
        this.#direct.push(http);
        return http;
      },
      cache,
      audience: parameters.audience ?? registry.cloud.audience,
      purpose: `Cannot sign in for ${registry.host}`,
      deadlineMs,
      log,
    };
    return this.#tools;
  }

  close(): void {
    this.#tools?.http.close();
    this.#connections?.close();
    for (const http of this.#direct) http.close();
  }
}

function keyOf({ registry, identity }: SignInRequest, kind: string): CacheKey {
  return { service: registry.service, identity: identity.description, kind };
}

/**
 * Answers from the cache, else gets the token once for all processes that wait for it, and keeps it.
 * @param refused a token that the registry does not take any more, though it may stand in the cache.
 */
async function obtain(
  { machine, identity, cache, deadlineMs, log }: SignInRequest,
  key: CacheKey,
  get: () => Promise<RegistryToken | NotSetUp>,
  refused?: string,
): Promise<string | NotSetUp> {
  const nowSeconds = () => machine.now() / 1000;
  const read = () => {
    const cached = cache === undefined ? undefined : readCache(cache, key, nowSeconds());
    return cached?.token === refused ? undefined : cached;
  };
  return await flySingle<string | NotSetUp>(cache, key, {
    machine,
    secret: identity.readSecret?.() ?? '',
    deadlineMs,
    log,
    peek: () => {
      const cached = read();
      return cached !== undefined && isFresh(cached, nowSeconds()) ? cached.token : undefined;
    },
    run: async () => {
      let found: RegistryToken | NotSetUp;
      try {
        found = await get();
      } catch (cause) {
        // The old token is good to its last second; only a failure that leaves nothing is one.
        const old = read();
        if (old === undefined || old.expiresAtSeconds <= nowSeconds()) throw cause;
        log?.({ step: 'sign-in', outcome: 'old-token', reason: describeCause(cause) });
        return old.token;
      }
      if (isNotSetUp(found)) return found;
      keep(cache, key, found, nowSeconds(), log);
      return found.token;
    },
  });
}

/** A token is kept until its own end; one that does not tell its end is good for this answer only. */
function keep(
  cache: Cache | undefined,
  key: CacheKey,
  { token, expiresAtSeconds }: RegistryToken,
  now: number,
  log?: Log,
): void {
  if (cache === undefined || expiresAtSeconds === undefined) return;
  try {
    writeCache(cache, key, { token, expiresAtSeconds, savedAtSeconds: Math.floor(now) });
    log?.({ step: 'cache', outcome: 'saved', expiresAtSeconds });
  } catch (cause) {
    log?.({ step: 'cache', outcome: 'not-saved', reason: describeCause(cause) });
  }
}
