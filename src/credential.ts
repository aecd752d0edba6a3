/** Finds the credential for a server URL: stored, cached, or by signing in. */

import { type Cache, findCache, isFresh, nameKind, readCache } from './cache.ts';
import { findRegistry, loadSettings, type RegistrySettings } from './config.ts';
import { CredentialError } from './errors.ts';
import { findIdentities, type SkippedSource } from './identity/chain.ts';
import { isNotSetUp } from './identity/identity.ts';
import type { Log } from './log.ts';
import type { Machine } from './machine.ts';
import { type Credential, IDENTITY_TOKEN_USERNAME, TOKEN_USERNAME } from './protocol.ts';
import type { Registry } from './registry.ts';

/** The identity of a token that a client gave us to keep: it wins over signing in, since a person chose it. */
export const STORED_IDENTITY = 'stored';

/** Clients give up on a helper after 30 seconds, so there is an answer before that. */
const BUDGET_MS = 25_000;

/** Nothing to answer with, for which the client goes on anonymously. */
export interface NotFound {
  /** What a person could do about it, if anything. */
  readonly hint: string | undefined;
}

/**
 * Answers `get`.
 * @returns `NotFound` when the registry is not ours, is anonymous, or nothing is set up to sign in with.
 * @throws CredentialError when something is set up and fails.
 */
export async function findCredential(
  machine: Machine,
  serverUrl: string,
  log: Log | undefined,
): Promise<Credential | NotFound> {
  const registry = await findRegistry(machine, serverUrl);
  if (registry === undefined) {
    log?.({ step: 'start', outcome: 'not-ours' });
    return { hint: undefined };
  }
  log?.({ step: 'start', outcome: 'ours', host: registry.host });
  const settings = await loadSettings(machine, registry);
  const answer = (secret: string): Credential => ({
    serverUrl,
    username: settings.secret === 'identity-token' ? IDENTITY_TOKEN_USERNAME : TOKEN_USERNAME,
    secret,
  });
  const cache = await findCache(machine);
  const stored = readStored(machine, cache, registry);
  if (stored !== undefined) {
    log?.({ step: 'cache', outcome: 'stored', host: registry.host });
    return answer(stored);
  }
  if (settings.anonymous) return { hint: undefined };
  try {
    const token = await findToken(machine, registry, settings, cache, log);
    return typeof token === 'string' ? answer(token) : { hint: explainNotSetUp(registry, settings, token) };
  } catch (cause) {
    if (!(cause instanceof CredentialError) || settings.onError === 'fail') throw cause;
    log?.({ step: 'end', outcome: 'anonymous', host: registry.host, reason: cause.message });
    return { hint: undefined };
  }
}

/** @returns the token, or every source that was passed over. */
async function findToken(
  machine: Machine,
  registry: Registry,
  settings: RegistrySettings,
  cache: Cache | undefined,
  log: Log | undefined,
): Promise<string | readonly SkippedSource[]> {
  const chosen = settings.identity;
  const parameters = { ...chosen, tenantId: settings.tenantId ?? chosen?.tenantId };
  const request = { machine, registry, parameters, isChosen: chosen !== undefined };
  const { identities, skipped } = findIdentities(request, chosen?.type);
  for (const { source, reason } of skipped) log?.({ step: 'identity', outcome: 'not-set-up', source, reason });
  const kind = nameKind(settings.secret, settings.scope);
  const deadlineMs = performance.now() + BUDGET_MS;
  const passedOver = [...skipped];
  for (const identity of identities) {
    const { source, description } = identity;
    const cached = readFresh(machine, cache, registry, description, kind);
    log?.({ step: 'cache', outcome: cached === undefined ? 'miss' : 'hit', host: registry.host, source });
    if (cached !== undefined) return cached;
    const { obtainToken } = await import('./sign-in.ts');
    const token = await obtainToken({ machine, registry, settings, identity, parameters, cache, deadlineMs, log });
    if (!isNotSetUp(token)) return token;
    log?.({ step: 'identity', outcome: 'not-set-up', source, reason: token.notSetUp });
    passedOver.push({ source, reason: token.notSetUp });
  }
  return passedOver;
}

function readFresh(
  machine: Machine,
  cache: Cache | undefined,
  { service }: Registry,
  identity: string,
  kind: string,
): string | undefined {
  if (cache === undefined) return undefined;
  const nowSeconds = machine.now() / 1000;
  const cached = readCache(cache, { service, identity, kind }, nowSeconds);
  return cached !== undefined && isFresh(cached, nowSeconds) ? cached.token : undefined;
}

/** A token that a client gave us; nobody but the client could renew it, so it is used to its last second. */
function readStored(machine: Machine, cache: Cache | undefined, { service }: Registry): string | undefined {
  if (cache === undefined) return undefined;
  const nowSeconds = machine.now() / 1000;
  const stored = readCache(cache, { service, identity: STORED_IDENTITY, kind: 'refresh-token' }, nowSeconds);
  return stored !== undefined && stored.expiresAtSeconds > nowSeconds ? stored.token : undefined;
}

/** @throws IDENTITY_NOT_SET_UP when the configuration chose an identity, which then has to be there. */
function explainNotSetUp(
  { host }: Registry,
  { identity }: RegistrySettings,
  skipped: readonly SkippedSource[],
): string {
  const reasons = skipped.map(({ reason }) => reason).join('; ');
  if (identity !== undefined) {
    throw new CredentialError('IDENTITY_NOT_SET_UP', `Cannot sign in for ${host} with ${identity.name}: ${reasons}`, {
      hint: `set up ${identity.name}, or remove "identity" from the registry's configuration`,
    });
  }
  return `no Azure identity is set up for ${host} (${reasons}); run: az login`;
}
