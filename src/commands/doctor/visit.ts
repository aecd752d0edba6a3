/**
 * A visit to one registry: what `get` would do, tried step by step. Each step runs once, when the first check asks for
 * it, and the checks share its outcome.
 *
 * It signs in with the code of `get`, but without the cache: so it finds out what works now, and stores nothing.
 */

import { lookup as lookUpHost } from 'node:dns/promises';
import { requestAccessToken } from '../../acr/access-token.ts';
import { exchangeToken } from '../../acr/exchange.ts';
import { requestLoginToken } from '../../acr/login-token.ts';
import { type Cache, type CachedToken, findCache, readCache, storedTokenKey } from '../../cache/cache.ts';
import type { ExpiringToken } from '../../cache/shared-token.ts';
import type { Config } from '../../config/config.ts';
import type { RegistrySettings } from '../../config/registry-settings.ts';
import { isSkipped, type SkippedSource, searchIdentities } from '../../identity/chain.ts';
import type { Identity } from '../../identity/identity.ts';
import type { Log } from '../../log.ts';
import { readLogin } from '../../logins/login.ts';
import { findEntry, type LoginEntry } from '../../logins/login-index.ts';
import { Connections } from '../../network/connections.ts';
import type { HttpClient, HttpResponse } from '../../network/http.ts';
import { createHttpClient } from '../../network/http-client.ts';
import { findProxy } from '../../network/proxy.ts';
import { isNotSetUp } from '../../not-set-up.ts';
import type { Registry } from '../../registry.ts';
import { tokenKey } from '../../registry-token.ts';
import { parseServerName } from '../../server-name.ts';
import { Session } from '../../sign-in/session.ts';
import { requestEntraToken } from '../../sign-in/sign-in.ts';
import { readClockMs } from '../../system/clock.ts';
import type { Login } from '../../system/keychain.ts';
import type { Runtime } from '../../system/runtime.ts';

/** How a step ended. A step that was not taken says why. */
export type Step<T> = { readonly value: T } | { readonly failure: unknown } | { readonly skipped: string };

/** What `get` returns for the registry now, in the order of precedence. */
export type Plan =
  /** `"strict"` forbids a credential. */
  | { readonly kind: 'forbidden' }
  | { readonly kind: 'login'; readonly entry: LoginEntry }
  /** A token that a client stored. */
  | { readonly kind: 'stored-token'; readonly cached: CachedToken }
  | { readonly kind: 'anonymous' }
  /** @property expired when the token expired that a client stored before. */
  | { readonly kind: 'identity'; readonly expiredAtSeconds: number | undefined };

/** An Entra token and the identity that got it. */
export interface SignedIn {
  readonly identity: Identity;
  readonly token: string;
  readonly session: Session;
}

/** The sign-in, with the sources that turned out not to be set up. */
export interface SignInAttempt {
  readonly outcome: Step<SignedIn>;
  /** The identity that was tried last. */
  readonly identity: Identity | undefined;
  readonly notSetUp: readonly SkippedSource[];
}

/** The response to `GET /v2/`, with the time on this machine's clock when it came. */
export interface Challenge {
  readonly response: HttpResponse;
  readonly receivedAtMs: number;
}

/** Which way requests to the registry go. */
export interface Route {
  /** `undefined` for a direct connection. */
  readonly proxy: URL | undefined;
  /** The addresses of the registry; empty through a proxy, which looks them up itself. */
  readonly addresses: readonly string[];
}

/** What a visit works with. */
export interface VisitOptions {
  readonly runtime: Runtime;
  readonly config: Config;
  readonly registry: Registry;
  /** The server URL as it was typed. */
  readonly serverUrl: string;
  readonly repository: string | undefined;
  /** When the command must be done, on the clock of `readClockMs`. */
  readonly deadlineMs: number;
  readonly log: Log | undefined;
  /** Looks up a host; the system's resolver by default. */
  readonly lookUp?: ((host: string) => Promise<readonly string[]>) | undefined;
}

/** The scope by which `az acr check-health` tries a registry. */
export const CATALOG_SCOPE = 'registry:catalog:*';
const PROBE_TIMEOUT_MS = 8_000;
/** A resolver whose servers are silent tries on for much longer. */
const LOOK_UP_MS = 5_000;

/** The resolver did not answer. */
export class LookUpTimeout extends Error {
  override readonly name = 'LookUpTimeout';
  readonly code = 'EAI_AGAIN';

  constructor() {
    super('no DNS server responded in time');
  }
}

/** Visits a registry. Nothing here throws, except for `settings`. */
export class Visit {
  readonly registry: Registry;
  readonly repository: string | undefined;
  /** What the checks ask the registry for. */
  readonly scope: string;
  readonly #options: VisitOptions;
  readonly #sessions: Session[] = [];
  readonly #http: HttpClient;
  #isClosed = false;

  constructor(options: VisitOptions) {
    const { runtime, registry, repository, deadlineMs, log } = options;
    this.registry = registry;
    this.repository = repository;
    this.scope = repository === undefined ? CATALOG_SCOPE : `repository:${repository}:pull,push`;
    this.#options = options;
    this.#http = createHttpClient(runtime, { connections: new Connections(runtime), deadlineMs, log });
  }

  /** The settings of the registry. @throws CONFIG_INVALID */
  settings(): RegistrySettings {
    return this.#options.config.settingsOf(this.registry);
  }

  /** The cache, if the configuration allows one. It is only read. */
  readonly cache = once(async (): Promise<Cache | undefined> => {
    const { runtime } = this.#options;
    return this.settings().cacheTokens ? await findCache(runtime) : undefined;
  });

  /** What `get` would return now: the same precedence as in `findCredential`. */
  readonly plan = once(() => step(() => this.#makePlan()));

  /** Whether the registry can be found. */
  readonly route = once(() => step(() => this.#findRoute()));

  /** What the registry says to somebody without a credential. */
  readonly challenge = once(async (): Promise<Step<Challenge>> => {
    const route = await this.route();
    if ('failure' in route) return { skipped: `${this.registry.host} cannot be found` };
    return await step(async () => {
      const url = `https://${this.registry.host}/v2/`;
      const response = await this.#http.send({ method: 'GET', url, maxAttempts: 1, timeoutMs: PROBE_TIMEOUT_MS });
      return { response, receivedAtMs: this.#options.runtime.now() };
    });
  });

  /** The stored login. */
  readonly login = once(async (): Promise<Step<Login>> => {
    const plan = await this.plan();
    if (!('value' in plan)) return { skipped: PLAN_FAILED };
    const { entry } = 'entry' in plan.value ? plan.value : { entry: undefined };
    if (entry === undefined) return { skipped: 'no login is stored' };
    const { runtime, log } = this.#options;
    return await step(async () => {
      // Without a backend, the login stays where it is.
      const login = await readLogin({ runtime, name: this.#serverName(), backend: undefined, log }, entry);
      if (login === undefined) throw new Error('the keychain no longer has it');
      return login;
    });
  });

  /** Signs in with the identity that `get` would use. */
  readonly signIn = once((): Promise<SignInAttempt> => this.#signIn());

  /** Exchanges the Entra token for the registry's refresh token. */
  readonly exchange = once(async (): Promise<Step<ExpiringToken>> => {
    const { outcome } = await this.signIn();
    if ('skipped' in outcome) return outcome;
    if (!('value' in outcome)) return { skipped: 'there is no Entra token' };
    const blocked = await this.#findObstacle();
    if (blocked !== undefined) return { skipped: blocked };
    const { runtime } = this.#options;
    const { token, session } = outcome.value;
    return await step(async () => {
      const { http } = await session.open([]);
      return this.#keepSecret(await exchangeToken(runtime, http, this.registry, token, this.settings().tenantId));
    });
  });

  /** Gets an access token with whatever `get` would return. */
  readonly access = once(() => this.#requestAccess(this.scope));

  /** Tries an access token that nobody signed in for. */
  readonly anonymousAccess = once(async (): Promise<Step<ExpiringToken>> => {
    const blocked = await this.#findObstacle();
    if (blocked !== undefined) return { skipped: blocked };
    const { runtime } = this.#options;
    const scope = this.repository === undefined ? CATALOG_SCOPE : `repository:${this.repository}:pull`;
    return await step(async () =>
      this.#keepSecret(await requestLoginToken(runtime, this.#http, this.registry, undefined, scope)),
    );
  });

  /** The token in the cache that `get` would return for the identity. */
  async cachedToken(): Promise<CachedToken | undefined> {
    const cache = await this.cache();
    const { identity } = await this.signIn();
    if (cache === undefined || identity === undefined) return undefined;
    const { runtime } = this.#options;
    const cached = readCache(cache, tokenKey(this.#request(identity)), runtime.now() / 1000);
    return cached === undefined || cached.expiresAtSeconds <= runtime.now() / 1000 ? undefined : cached;
  }

  /** Whether the registry still accepts one of its refresh tokens. */
  async tryToken(token: string): Promise<Step<ExpiringToken>> {
    const blocked = await this.#findObstacle();
    if (blocked !== undefined) return { skipped: blocked };
    const { runtime } = this.#options;
    runtime.secrets.add(token);
    return await step(async () =>
      this.#keepSecret(await requestAccessToken(runtime, this.#http, this.registry, token, [this.scope])),
    );
  }

  /** Asks the registry for something with an access token. */
  async fetch(path: string, accessToken: string): Promise<Step<HttpResponse>> {
    const headers = { authorization: `Bearer ${accessToken}` };
    return await step(() => this.#http.send({ method: 'GET', url: `https://${this.registry.host}${path}`, headers }));
  }

  /** Ends all connections. */
  close(): void {
    this.#isClosed = true;
    this.#http.close();
    for (const session of this.#sessions) session.close();
  }

  #serverName(): string {
    return parseServerName(this.#options.serverUrl, this.registry);
  }

  async #makePlan(): Promise<Plan> {
    const { runtime, config } = this.#options;
    const { registry } = this;
    const settings = this.settings();
    if (settings.isStrict && !settings.isNamed) return { kind: 'forbidden' };
    const name = this.#serverName();
    const entry = await findEntry(runtime, name);
    if (entry !== undefined && config.loginUseOf(registry, name).isUsed) return { kind: 'login', entry };
    const nowSeconds = runtime.now() / 1000;
    const cache = await this.cache();
    const stored =
      cache === undefined || settings.isStrict
        ? undefined
        : readCache(cache, storedTokenKey(registry.service), nowSeconds);
    if (stored !== undefined && stored.expiresAtSeconds > nowSeconds) return { kind: 'stored-token', cached: stored };
    if (settings.anonymous) return { kind: 'anonymous' };
    if (settings.isStrict && settings.identity === undefined) return { kind: 'forbidden' };
    return { kind: 'identity', expiredAtSeconds: stored?.expiresAtSeconds };
  }

  async #findRoute(): Promise<Route> {
    const { runtime, lookUp = lookUpAll } = this.#options;
    const { host } = this.registry;
    const proxy = findProxy(runtime, host, 443);
    if (proxy !== undefined) return { proxy, addresses: [] };
    const patienceMs = Math.min(LOOK_UP_MS, (this.#options.deadlineMs - readClockMs()) / 2);
    return { proxy, addresses: await waitAtMost(patienceMs, lookUp(host)) };
  }

  async #signIn(): Promise<SignInAttempt> {
    const plan = await this.plan();
    const notSetUp: SkippedSource[] = [];
    if (!('value' in plan)) return { outcome: { skipped: PLAN_FAILED }, identity: undefined, notSetUp };
    if (plan.value.kind !== 'identity') {
      return { outcome: { skipped: REASONS[plan.value.kind] }, identity: undefined, notSetUp };
    }
    const { runtime } = this.#options;
    const { registry } = this;
    let identity: Identity | undefined;
    try {
      const { identity: chosen, tenantId } = this.settings();
      for (const candidate of searchIdentities({ runtime, registry, tenantId, chosen })) {
        if (isSkipped(candidate)) {
          notSetUp.push(candidate);
          continue;
        }
        identity = candidate;
        const request = this.#request(candidate);
        const session = new Session(request);
        if (this.#isClosed) session.close();
        this.#sessions.push(session);
        const found = await requestEntraToken(request, session);
        if (!isNotSetUp(found)) {
          runtime.secrets.add(found.token);
          return { outcome: { value: { identity, token: found.token, session } }, identity, notSetUp };
        }
        notSetUp.push({ source: candidate.source, reason: found.notSetUp });
        identity = undefined;
      }
      return { outcome: { skipped: NO_IDENTITY }, identity, notSetUp };
    } catch (failure) {
      return { outcome: { failure }, identity, notSetUp };
    }
  }

  /** Without the cache: nothing is taken from it, and nothing is put into it. */
  #request(identity: Identity) {
    const { runtime, deadlineMs, log } = this.#options;
    return { runtime, registry: this.registry, settings: this.settings(), identity, cache: undefined, deadlineMs, log };
  }

  async #requestAccess(scope: string): Promise<Step<ExpiringToken>> {
    const plan = await this.plan();
    if (!('value' in plan)) return { skipped: PLAN_FAILED };
    const { runtime } = this.#options;
    switch (plan.value.kind) {
      case 'forbidden':
        return { skipped: REASONS.forbidden };
      case 'anonymous':
        return await this.anonymousAccess();
      case 'stored-token':
        return await this.tryToken(plan.value.cached.token);
      case 'login': {
        const login = await this.login();
        if (!('value' in login)) return { skipped: 'the stored login cannot be read' };
        const blocked = await this.#findObstacle();
        if (blocked !== undefined) return { skipped: blocked };
        return await step(async () =>
          this.#keepSecret(await requestLoginToken(runtime, this.#http, this.registry, login.value, scope)),
        );
      }
      case 'identity': {
        const exchanged = await this.exchange();
        if (!('value' in exchanged)) return { skipped: 'there is no token of the registry' };
        return await this.tryToken(exchanged.value.token);
      }
    }
  }

  /** @returns why the registry is not asked for tokens; `undefined` when it can be reached. */
  async #findObstacle(): Promise<string | undefined> {
    const challenge = await this.challenge();
    return 'value' in challenge ? undefined : `${this.registry.host} cannot be reached`;
  }

  #keepSecret(token: ExpiringToken): ExpiringToken {
    this.#options.runtime.secrets.add(token.token);
    return token;
  }
}

/** No source has an identity. */
export const NO_IDENTITY = 'no identity is set up';
const PLAN_FAILED = 'the configuration has a mistake';
const REASONS: Readonly<Record<Exclude<Plan['kind'], 'identity'>, string>> = {
  forbidden: '"strict" of the configuration forbids it',
  login: 'the stored login is used instead',
  'stored-token': 'the token that a client stored is used instead',
  anonymous: '"anonymous": true is configured',
};

/** Runs a step, and keeps its failure. */
async function step<T>(run: () => Promise<T>): Promise<Step<T>> {
  try {
    return { value: await run() };
  } catch (failure) {
    return { failure };
  }
}

/** Runs a function at its first call only. */
function once<T>(run: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => {
    result ??= run();
    return result;
  };
}

/** @throws LookUpTimeout */
async function waitAtMost<T>(patienceMs: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new LookUpTimeout()), patienceMs);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

async function lookUpAll(host: string): Promise<readonly string[]> {
  return (await lookUpHost(host, { all: true })).map(({ address }) => address);
}
