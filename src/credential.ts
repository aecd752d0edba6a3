/** Finds the credential for a server URL: stored, cached, or by signing in. */

import {
  type Cache,
  type CachedToken,
  findCache,
  isFresh,
  isNearRenewal,
  readCache,
  tokenKind,
} from './cache/cache.ts';
import { findRegistry, loadSettings, type RegistrySettings } from './config/config.ts';
import { CredentialError } from './errors.ts';
import { isSkipped, type SkippedSource, searchIdentities } from './identity/chain.ts';
import { isNotSetUp, type NotSetUp } from './identity/identity.ts';
import type { Log } from './log.ts';
import { findEntry } from './logins/login-index.ts';
import { type Credential, IDENTITY_TOKEN_USERNAME, TOKEN_USERNAME } from './protocol.ts';
import type { Registry } from './registry.ts';
import { parseServerName } from './server-name.ts';
import { readClockMs } from './system/clock.ts';
import { type Runtime, readVariable } from './system/runtime.ts';

/** The identity of a token that a client gave us to keep: it wins over signing in, since a person chose it. */
export const STORED_IDENTITY = 'stored';

/** Clients give up on a helper after 30 seconds, so there is an answer before that. */
export const BUDGET_MS = 25_000;

/** Nothing to answer with, for which the client goes on anonymously. */
export interface NotFound {
  /** What a person could do about it, if anything. */
  readonly hint: string | undefined;
  /** Every source that was looked at for an identity, in that order, and why it has none. */
  readonly skipped: readonly SkippedSource[];
}

export interface SearchOptions {
  /** Renews the token that would be the answer, if that is due, and signs in for nothing else. */
  readonly isRenewal?: boolean;
}

const SILENT: NotFound = { hint: undefined, skipped: [] };

/**
 * Answers `get`.
 * @returns `NotFound` when the registry is not ours, is anonymous, or nothing is set up to sign in with.
 * @throws CredentialError when something is set up and fails.
 */
export async function findCredential(
  runtime: Runtime,
  serverUrl: string,
  log: Log | undefined,
  options: SearchOptions = {},
): Promise<Credential | NotFound> {
  const registry = await findRegistry(runtime, serverUrl);
  if (registry === undefined) {
    log?.({ step: 'start', outcome: 'not-ours' });
    return (await findLogin(runtime, undefined, serverUrl, log)) ?? SILENT;
  }
  log?.({ step: 'start', outcome: 'ours', host: registry.host });
  const settings = await loadSettings(runtime, registry);
  const answer = (secret: string): Credential => ({
    serverUrl,
    username: settings.secret === 'identity-token' ? IDENTITY_TOKEN_USERNAME : TOKEN_USERNAME,
    secret,
  });
  try {
    const login = await findLogin(runtime, registry, serverUrl, log);
    if (login !== undefined) return login;
    const cache = await findCache(runtime);
    const stored = readStored(runtime, cache, registry);
    const hasExpired = stored !== undefined && stored.expiresAtSeconds <= runtime.now() / 1000;
    if (stored !== undefined && !hasExpired) {
      log?.({ step: 'cache', outcome: 'stored', host: registry.host });
      return answer(stored.token);
    }
    if (settings.anonymous) return SILENT;
    const token = await findToken(runtime, registry, settings, cache, log, options);
    return typeof token === 'string'
      ? answer(token)
      : explainNotSetUp(runtime, registry, settings, { skipped: token, hasExpired });
  } catch (cause) {
    if (!(cause instanceof CredentialError) || settings.onError === 'fail') throw cause;
    log?.({ step: 'end', outcome: 'anonymous', host: registry.host, reason: cause.message });
    return SILENT;
  }
}

/** What a person typed at a login, which wins. Nearly every server has nothing, which one small file tells. */
async function findLogin(
  runtime: Runtime,
  registry: Registry | undefined,
  serverUrl: string,
  log: Log | undefined,
): Promise<Credential | undefined> {
  const name = parseServerName(serverUrl, registry);
  const entry = await findEntry(runtime, name);
  if (entry === undefined) return undefined;
  const [{ readLogin }, { findBackend }] = await Promise.all([
    import('./logins/login.ts'),
    import('./config/login-settings.ts'),
  ]);
  const backend = await findBackend(runtime, registry, name);
  const login = await readLogin({ runtime, name, backend, log }, entry);
  return login === undefined ? undefined : { serverUrl, ...login };
}

/** @returns the token, or every source that was passed over. */
async function findToken(
  runtime: Runtime,
  registry: Registry,
  settings: RegistrySettings,
  cache: Cache | undefined,
  log: Log | undefined,
  { isRenewal = false }: SearchOptions,
): Promise<string | readonly SkippedSource[]> {
  const chosen = settings.identity;
  const parameters = { ...chosen, tenantId: settings.tenantId ?? chosen?.tenantId };
  const request = { runtime, registry, parameters, isChosen: chosen !== undefined };
  const { host, service } = registry;
  const { minimumLifeSeconds } = settings;
  const kind = tokenKind(settings.secret, settings.scope);
  const skipped: SkippedSource[] = [];
  const skip = (source: SkippedSource) => {
    log?.({ step: 'identity', outcome: 'not-set-up', ...source });
    skipped.push(source);
  };
  let deadlineMs: number | undefined;
  for (const identity of searchIdentities(request, chosen?.type)) {
    if (isSkipped(identity)) {
      skip(identity);
      continue;
    }
    const { source, description } = identity;
    const key = { service, identity: description, kind };
    const nowSeconds = runtime.now() / 1000;
    const cached = cache === undefined ? undefined : readCache(cache, key, nowSeconds);
    const isHit = cached !== undefined && isFresh(cached, nowSeconds, minimumLifeSeconds);
    log?.({ step: 'cache', outcome: isHit ? 'hit' : 'miss', host, source });
    let isUsable = (found: CachedToken) => isFresh(found, runtime.now() / 1000, minimumLifeSeconds);
    if (isHit && cache !== undefined) {
      if (!isNearRenewal(cached, nowSeconds, minimumLifeSeconds)) return cached.token;
      const { isRenewalDue, startRenewal } = await import('./cache/renewal.ts');
      if (!isRenewal) {
        await startRenewal({ runtime, cache, key, cached, minimumLifeSeconds, host, log });
        return cached.token;
      }
      if (!isRenewalDue(cached, nowSeconds, minimumLifeSeconds)) return cached.token;
      isUsable = (found) => !isRenewalDue(found, runtime.now() / 1000, minimumLifeSeconds);
    } else if (isRenewal) {
      continue; // what was forgotten in the meantime stays so
    }
    deadlineMs ??= readClockMs() + BUDGET_MS;
    const { obtainToken } = await import('./sign-in/sign-in.ts');
    let token: string | NotSetUp;
    try {
      token = await obtainToken({
        runtime,
        registry,
        settings,
        identity,
        parameters,
        cache,
        isUsable,
        deadlineMs,
        log,
      });
    } catch (cause) {
      throw addSkipped(cause, skipped);
    }
    if (!isNotSetUp(token)) return token;
    skip({ source, reason: token.notSetUp });
  }
  return skipped;
}

/** A token that a client gave us; nobody but the client could renew it, so it is used to its last second. */
function readStored(runtime: Runtime, cache: Cache | undefined, { service }: Registry): CachedToken | undefined {
  if (cache === undefined) return undefined;
  return readCache(cache, { service, identity: STORED_IDENTITY, kind: 'refresh-token' }, runtime.now() / 1000);
}

/** A failure also tells what was looked at before: the identity that the person meant may be among it. */
function addSkipped(failure: unknown, skipped: readonly SkippedSource[]): unknown {
  if (!(failure instanceof CredentialError) || skipped.length === 0) return failure;
  const added = skipped.map(({ source, reason }) => `passed over ${source}: ${reason}`);
  return failure.with({ causes: [...failure.causes, ...added] });
}

/** @throws IDENTITY_NOT_SET_UP when the configuration chose an identity, which then has to be there. */
function explainNotSetUp(
  runtime: Runtime,
  { host }: Registry,
  { identity }: RegistrySettings,
  { skipped, hasExpired }: { readonly skipped: readonly SkippedSource[]; readonly hasExpired: boolean },
): NotFound {
  if (identity !== undefined) {
    const reasons = skipped.map(({ reason }) => reason).join('; ');
    throw new CredentialError('IDENTITY_NOT_SET_UP', `Cannot sign in for ${host} with ${identity.name}: ${reasons}`, {
      hint: `set up ${identity.name}, or remove "identity" from the registry's configuration`,
    });
  }
  const hint =
    readVariable(runtime, 'AZURE_TOKEN_CREDENTIALS') === undefined
      ? `no Azure identity is set up for ${host}; run: az login`
      : `no Azure identity that AZURE_TOKEN_CREDENTIALS allows is set up for ${host}; unset it and run: az login`;
  // Somebody logged in here before, and may wonder why that does not help any more.
  const ended = hasExpired ? `; the token of the last login has ended: docker logout ${host}` : '';
  return { hint: `${hint}${ended}`, skipped };
}
