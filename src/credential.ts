/** Finds the credential for a server URL: a stored login, a cached token, or a new token after signing in. */

import {
  type Cache,
  type CachedToken,
  findCache,
  isFresh,
  isNearRenewal,
  readCache,
  storedTokenKey,
} from './cache/cache.ts';
import { startRenewal } from './cache/renewal.ts';
import { type Config, loadConfig } from './config/config.ts';
import type { RegistrySettings } from './config/registry-settings.ts';
import { CredentialError } from './errors.ts';
import { isSkipped, type SkippedSource, searchIdentities } from './identity/chain.ts';
import type { Log } from './log.ts';
import { findEntry } from './logins/login-index.ts';
import { isNotSetUp } from './not-set-up.ts';
import { type Credential, IDENTITY_TOKEN_USERNAME, TOKEN_USERNAME } from './protocol.ts';
import type { Registry } from './registry.ts';
import { obtainToken, readFreshToken, tokenKey } from './registry-token.ts';
import { parseServerName } from './server-name.ts';
import type { SignInRequest } from './sign-in/request.ts';
import { readClockMs } from './system/clock.ts';
import { type Runtime, readVariable } from './system/runtime.ts';
import { chooseSettings, findWantedRegistry, type WantedCredential } from './wanted-credential.ts';

/** The time for one run. Clients give up on a helper after 30 seconds. */
export const BUDGET_MS = 25_000;

/** There is no credential, so the client goes on anonymously. */
export interface NotFound {
  /** What the person can do about it; `undefined` when there is nothing to say. */
  readonly hint: string | undefined;
  /** The sources that were tried, in order, each with the reason why it has no identity. */
  readonly skipped: readonly SkippedSource[];
  /** Whether the server is not a registry of Azure, and has no stored login. */
  readonly isForeign?: true;
}

/** A credential, and what is known of it. */
export interface FoundCredential extends Credential {
  /** The registry; `undefined` for a login of a server that is not Azure's. */
  readonly registry: Registry | undefined;
  /** The settings by which a token of the registry was looked for; `undefined` for a login. */
  readonly settings?: RegistrySettings;
  /** The token, if it was cached. */
  readonly cached?: CachedToken | undefined;
}

/** What a token is looked for with. */
interface Lookup extends Pick<SignInRequest, 'runtime' | 'registry' | 'settings' | 'log'> {
  /** Whether only the identity of the settings counts, and nothing that somebody has stored. */
  readonly isOwnOnly: boolean;
  /** Whether the identity is that of the caller, and not one of the configuration. */
  readonly isWantedIdentity: boolean;
}

/** A token, and its times if it was cached. */
interface FoundToken {
  readonly token: string;
  readonly cached?: CachedToken;
}

const SILENT: NotFound = { hint: undefined, skipped: [] };
const FOREIGN: NotFound = { ...SILENT, isForeign: true };

/**
 * Finds a credential, for the verb `get` and for commands.
 * @param wanted replaces settings of the registry.
 * @returns `NotFound` when the server is not a registry of Azure and has no stored login, when the registry is
 * configured as anonymous, or when no identity is set up.
 * @throws CredentialError when an identity, a login or the configuration is set up and does not work.
 */
export async function findCredential(
  runtime: Runtime,
  serverUrl: string,
  log: Log | undefined,
  wanted: WantedCredential = {},
): Promise<FoundCredential | NotFound> {
  const config = await loadConfig(runtime);
  const registry = findWantedRegistry(config, serverUrl, wanted);
  const isOwnOnly = wanted.identity !== undefined;
  if (registry === undefined) {
    log?.({ step: 'start', outcome: 'not-ours' });
    const login = isOwnOnly ? undefined : await findLogin(runtime, config, registry, serverUrl, log);
    return login === undefined ? FOREIGN : { ...login, registry };
  }
  log?.({ step: 'start', outcome: 'ours', host: registry.host });
  const settings = chooseSettings(config, registry, wanted);
  if (settings.isStrict && !settings.isNamed) return explainStrict(registry);
  try {
    const login = isOwnOnly ? undefined : await findLogin(runtime, config, registry, serverUrl, log);
    if (login !== undefined) return { ...login, registry };
    const isWantedIdentity = [wanted.identity, wanted.otherIdentity].includes(settings.identity);
    const found = await findToken({ runtime, registry, settings, isOwnOnly, isWantedIdentity, log });
    if ('skipped' in found) return found;
    const { token: secret, cached } = found;
    const username = settings.secret === 'identity-token' ? IDENTITY_TOKEN_USERNAME : TOKEN_USERNAME;
    return { serverUrl, username, secret, registry, settings, cached };
  } catch (cause) {
    if (!(cause instanceof CredentialError) || settings.onError === 'fail') throw cause;
    log?.({ step: 'end', outcome: 'anonymous', host: registry.host, code: cause.code, reason: cause.message });
    return SILENT;
  }
}

/**
 * Finds the stored login of a server, which takes precedence. Few servers have one, so only the small index is read.
 */
async function findLogin(
  runtime: Runtime,
  config: Config,
  registry: Registry | undefined,
  serverUrl: string,
  log: Log | undefined,
): Promise<Credential | undefined> {
  const name = parseServerName(serverUrl, registry);
  const entry = await findEntry(runtime, name);
  if (entry === undefined) return undefined;
  const { backend, isUsed } = config.loginUseOf(registry, name);
  if (!isUsed) return undefined;
  const { readLogin } = await import('./logins/login.ts');
  const login = await readLogin({ runtime, name, backend, log }, entry);
  return login === undefined ? undefined : { serverUrl, ...login };
}

/** Finds the token of a registry without a stored login. */
async function findToken(lookup: Lookup): Promise<FoundToken | NotFound> {
  const { runtime, registry, settings, log } = lookup;
  const cache = settings.cacheTokens ? await findCache(runtime) : undefined;
  const stored = readStoredToken(lookup, cache);
  const hasExpired = stored !== undefined && stored.expiresAtSeconds <= runtime.now() / 1000;
  if (stored !== undefined && !hasExpired) {
    log?.({ step: 'cache', outcome: 'stored', host: registry.host });
    return { token: stored.token, cached: stored };
  }
  if (settings.anonymous) return SILENT;
  if (settings.isStrict && settings.identity === undefined) return explainStrict(registry);
  const skipped: SkippedSource[] = [];
  let token: FoundToken | undefined;
  try {
    token = await findIdentityToken(lookup, cache, skipped);
  } catch (cause) {
    throw explainSignIn(cause, registry, skipped);
  }
  return token ?? explainNotSetUp(lookup, skipped, hasExpired);
}

/**
 * Reads the token that a client stored. The program cannot renew it, so it is used to its last second. With `"strict"`,
 * only the identity that the configuration names counts.
 */
function readStoredToken(
  { runtime, registry, settings, isOwnOnly }: Lookup,
  cache: Cache | undefined,
): CachedToken | undefined {
  if (cache === undefined || settings.isStrict || isOwnOnly) return undefined;
  return readCache(cache, storedTokenKey(registry.service), runtime.now() / 1000);
}

/**
 * Finds the token of the first identity that is set up on this machine.
 * @param skipped receives the sources without an identity.
 * @returns `undefined` when no source has an identity.
 */
async function findIdentityToken(
  lookup: Lookup,
  cache: Cache | undefined,
  skipped: SkippedSource[],
): Promise<FoundToken | undefined> {
  const { runtime, registry, settings, log } = lookup;
  const skip = (source: SkippedSource) => {
    log?.({ step: 'identity', outcome: 'not-set-up', ...source });
    skipped.push(source);
  };
  const { identity: chosen, tenantId } = settings;
  let deadlineMs: number | undefined;
  for (const identity of searchIdentities({ runtime, registry, tenantId, chosen })) {
    if (isSkipped(identity)) {
      skip(identity);
      continue;
    }
    deadlineMs ??= readClockMs() + BUDGET_MS;
    const request = { ...lookup, identity, cache, deadlineMs };
    const cached = await readCachedToken(request);
    if (cached !== undefined) return { token: cached.token, cached };
    const token = await signIn(request);
    if (!isNotSetUp(token)) return { token };
    skip({ source: identity.source, reason: token.notSetUp });
  }
  return undefined;
}

/** Reads the cached token. If it expires soon, starts its renewal in the background. */
async function readCachedToken(request: SignInRequest): Promise<CachedToken | undefined> {
  const cached = readFreshToken(request);
  if (cached === undefined) return undefined;
  const { runtime, registry, settings, cache, log } = request;
  const { minimumLifeSeconds } = settings;
  if (cache !== undefined && isNearRenewal(cached, runtime.now() / 1000, minimumLifeSeconds)) {
    const key = tokenKey(request);
    await startRenewal({ runtime, cache, key, cached, minimumLifeSeconds, host: registry.host, log });
  }
  return cached;
}

function signIn(request: SignInRequest) {
  const { runtime, settings } = request;
  return obtainToken(request, (found) => isFresh(found, runtime.now() / 1000, settings.minimumLifeSeconds));
}

/** Adds the skipped sources to the error: the person may have meant one of them. */
function explainSignIn(failure: unknown, { host }: Registry, skipped: readonly SkippedSource[]): unknown {
  if (!(failure instanceof CredentialError)) return failure;
  const causes = [...failure.causes, ...skipped.map(({ source, reason }) => `skipped ${source}: ${reason}`)];
  // An error about a setting, such as the proxy's URL, already says what cannot be used.
  if (failure.code === 'CONFIG_INVALID') return failure.with({ causes });
  return failure.with({ message: `Cannot sign in for ${host}: ${failure.message}`, causes });
}

function explainStrict({ host }: Registry): NotFound {
  const hint = `"strict" forbids a sign-in for ${host}: name it in "registries" of the configuration, with its "identity"`;
  return { hint, skipped: [] };
}

/** @throws IDENTITY_NOT_SET_UP when the configuration selects an identity, which then must be set up. */
function explainNotSetUp(lookup: Lookup, skipped: readonly SkippedSource[], hasExpired: boolean): NotFound {
  const { runtime, registry, settings, isWantedIdentity } = lookup;
  const { host } = registry;
  const { identity } = settings;
  if (identity !== undefined) {
    const reasons = skipped.map(({ reason }) => reason).join('; ');
    const other = isWantedIdentity ? '' : `, or remove "identity" from the registry's configuration`;
    throw new CredentialError('IDENTITY_NOT_SET_UP', `Cannot sign in for ${host} with ${identity.name}: ${reasons}`, {
      hint: `set up ${identity.name}${other}`,
    });
  }
  // The Azure CLI may not be installed; this program is.
  const login = `${runtime.programName} login ${host}, or az login`;
  const hint =
    readVariable(runtime, 'AZURE_TOKEN_CREDENTIALS') === undefined
      ? `no Azure identity is set up for ${host}; run: ${login}`
      : `no Azure identity that AZURE_TOKEN_CREDENTIALS allows is set up for ${host}; unset it and run: ${login}`;
  // The person logged in to this registry before, and should know that the login has expired.
  const expired = hasExpired ? `; the token of the last login has expired: docker logout ${host}` : '';
  return { hint: `${hint}${expired}`, skipped };
}
