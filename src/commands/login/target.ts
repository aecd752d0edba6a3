/** Where a person signs in: finds the cloud, the tenant and the application, and whether the sign-in would be used. */

import { readAccountSettings } from '../../accounts/account.ts';
import { listStoredAccounts, tenantFor } from '../../accounts/account-index.ts';
import { type Cache, findCache, readCache, storedTokenKey } from '../../cache/cache.ts';
import { CLOUDS, type Cloud } from '../../clouds.ts';
import { loadConfig } from '../../config/config.ts';
import type { RegistrySettings } from '../../config/registry-settings.ts';
import { type Authority, checkTenant, findAuthority } from '../../entra/authority.ts';
import { CredentialError, describeCause } from '../../errors.ts';
import { readAllowedSources } from '../../identity/allowed-sources.ts';
import { isSkipped, searchIdentities } from '../../identity/chain.ts';
import type { Identity } from '../../identity/identity.ts';
import { SOURCES } from '../../identity/sources.ts';
import { asText } from '../../json.ts';
import { findEntry } from '../../logins/login-index.ts';
import { createQuote } from '../../redact.ts';
import type { Registry } from '../../registry.ts';
import { parseServerName } from '../../server-name.ts';
import { shellWord } from '../../shell-word.ts';
import type { Runtime } from '../../system/runtime.ts';
import type { PersonRequest } from './person-request.ts';

/** What the person asked for. */
export interface TargetOptions {
  /** A registry in any form that clients use. */
  readonly host: string | undefined;
  /** A name of `CLOUD_NAMES`, for a sign-in without a registry. */
  readonly cloud: string | undefined;
  readonly tenant: string | undefined;
  readonly clientId: string | undefined;
  readonly username: string | undefined;
}

/** The registry that the sign-in is for. */
export interface TargetRegistry {
  readonly registry: Registry;
  readonly settings: RegistrySettings;
  readonly cache: Cache | undefined;
}

/** Where a person signs in. */
export interface Target extends Omit<PersonRequest, 'runtime' | 'log'> {
  /** `undefined` for a sign-in that no registry is named for. */
  readonly registry: TargetRegistry | undefined;
  /** What the person should know, such as that something takes precedence for a while. */
  readonly notes: readonly string[];
}

/** The name of the source of the accounts. */
const SOURCE = 'login';
/** The Azure CLI's, which is known in every tenant. */
const DEFAULT_CLIENT_ID = '04b07795-8ddb-461a-bbee-02f9e1bf7b46';
/** The tenant of the account, whichever that is. */
const DEFAULT_TENANT = 'organizations';

/** The names of the clouds, as a person types them. */
export const CLOUD_NAMES: readonly string[] = CLOUDS.map(({ name }) => nameCloud(name));

function nameCloud(name: string): string {
  return name.toLowerCase().replaceAll(' ', '-');
}

/**
 * Finds where to sign in. Uses no network.
 * @returns `undefined` when the host is not a registry of Azure.
 * @throws CONFIG_INVALID; STORE_REFUSED when the sign-in could not be stored; IDENTITY_INVALID with a message that says why, without "Cannot …", when the authority or the tenant cannot be used, or when something takes
 * precedence over an account, so that the sign-in would be in vain.
 */
export async function findTarget(runtime: Runtime, options: TargetOptions): Promise<Target | undefined> {
  const { host } = options;
  if (host === undefined) return await describeTarget(runtime, options, undefined, findCloud(runtime, options.cloud));
  const config = await loadConfig(runtime);
  const registry = config.findRegistry(host);
  if (registry === undefined) return undefined;
  const settings = config.settingsOf(registry);
  const cache = settings.cacheTokens ? await findCache(runtime) : undefined;
  const target = { registry, settings, cache };
  assertIsAllowed(target);
  await assertNoLogin(runtime, host, registry);
  assertIsFirst(runtime, target);
  const authorityHost = asText(settings.identity?.parameters['authorityHost']);
  const authority = findAuthority({ runtime, registry, parameters: { authorityHost } });
  return await describeTarget(runtime, options, target, { authority, cloud: registry.cloud });
}

/** The cloud of a sign-in without a registry. */
function findCloud(runtime: Runtime, name: string | undefined): { authority: Authority; cloud: Cloud } {
  const isNamed = name !== undefined;
  const cloud = CLOUDS.find((one) => nameCloud(one.name) === (name ?? CLOUD_NAMES[0]));
  if (cloud === undefined) throw new CredentialError('IDENTITY_INVALID', `there is no cloud "${name}"`);
  if (isNamed && cloud.authority !== undefined) {
    return { cloud, authority: { url: cloud.authority, contradiction: undefined } };
  }
  const registry = { host: cloud.registrySuffix, service: cloud.registrySuffix, cloud };
  const { url } = findAuthority({ runtime, registry, parameters: {} });
  // The variable chooses the cloud here, so that it contradicts nothing.
  return {
    cloud: CLOUDS.find(({ authority }) => authority === url) ?? cloud,
    authority: { url, contradiction: undefined },
  };
}

async function describeTarget(
  runtime: Runtime,
  options: TargetOptions,
  registry: TargetRegistry | undefined,
  { authority, cloud }: { readonly authority: Authority; readonly cloud: Cloud },
): Promise<Target> {
  await readAccountSettings(runtime);
  const chosen = registry?.settings.identity;
  // Lower case, so that the same application is the same account, however it is written.
  const clientId = (options.clientId ?? asText(chosen?.parameters['clientId']) ?? DEFAULT_CLIENT_ID).toLowerCase();
  const previous = findPrevious(runtime, { authority, clientId, registry });
  const tenant =
    options.tenant ?? registry?.settings.tenantId ?? chosen?.tenantId ?? previous?.tenantId ?? DEFAULT_TENANT;
  const claims = previous?.claims;
  const username = options.username ?? asText(chosen?.parameters['account']);
  return {
    registry,
    authority,
    tenant: checkTenant(tenant, 'the tenant'),
    clientId,
    audience: chosen?.audience ?? cloud.audience,
    username: username ?? (claims === undefined ? undefined : previous?.username),
    claims,
    signInCommand: formatSignIn(runtime, options, registry),
    notes: listNotes(runtime, registry, cloud),
  };
}

/** The account that this sign-in probably renews. */
interface Previous {
  readonly username: string;
  /** The tenant of the registry, if the person chose the account for it. */
  readonly tenantId: string | undefined;
  /** What Entra asked for at the last renewal. */
  readonly claims: string | undefined;
}

function findPrevious(
  runtime: Runtime,
  { authority, clientId, registry }: Pick<Target, 'authority' | 'clientId' | 'registry'>,
): Previous | undefined {
  const accounts = listStoredAccounts(runtime).filter(
    (one) => one.state !== 'signed-out' && one.authority === authority.url && one.clientId.toLowerCase() === clientId,
  );
  const names = registry?.registry;
  const own = names === undefined ? undefined : accounts.find(({ registries }) => registries.includes(names.service));
  const account = own ?? accounts[0];
  if (account === undefined) return undefined;
  const tenantId = names === undefined || own === undefined ? undefined : tenantFor(own, names);
  return { username: account.username, tenantId, claims: account.challenge };
}

/** @throws IDENTITY_INVALID when the configuration rules out an account. */
function assertIsAllowed({ settings }: TargetRegistry): void {
  const { identity, anonymous, isStrict, isNamed } = settings;
  if (anonymous) {
    throw refuse('the configuration says that it is anonymous', 'remove "anonymous" from its entry');
  }
  if (identity !== undefined && identity.source !== SOURCE) {
    const name = identity.name === identity.source ? '' : ` "${identity.name}"`;
    throw refuse(
      `the configuration chooses the identity${name} (${identity.source}) for it`,
      `set "identity": "${SOURCE}" in its entry, or remove "identity" there`,
    );
  }
  if (isStrict && (!isNamed || identity === undefined)) {
    throw refuse('"strict" forbids it', `name it in "registries" of the configuration, with "identity": "${SOURCE}"`);
  }
}

/** @throws IDENTITY_INVALID when a login is stored for the registry, which `get` would return. */
async function assertNoLogin(runtime: Runtime, serverUrl: string, registry: Registry): Promise<void> {
  const entry = await findEntry(runtime, parseServerName(serverUrl, registry));
  if (entry === undefined) return;
  const who = createQuote(runtime)(entry.username, 100);
  throw refuse(`a stored login (${who}) takes precedence`, `docker logout ${shellWord(registry.host)}`);
}

/** @throws IDENTITY_INVALID when another source has an identity that comes before an account. */
function assertIsFirst(runtime: Runtime, { registry, settings }: TargetRegistry): void {
  const { tenantId, identity: chosen } = settings;
  if (chosen !== undefined) return;
  const first = findFirst(runtime, registry, tenantId);
  if (first === 'account') return;
  if (first === undefined) {
    throw refuse('AZURE_TOKEN_CREDENTIALS does not allow it', 'unset AZURE_TOKEN_CREDENTIALS');
  }
  throw refuse(
    `the identity of this machine takes precedence: ${first.description}`,
    `unset what sets it up (${SOURCES.find(({ name }) => name === first.source)?.summary}), or set "identity": "${SOURCE}" in the registry's entry of the configuration`,
  );
}

/**
 * Finds what `get` would sign in with, now or once there is an account.
 * @returns `undefined` when accounts are not allowed.
 */
function findFirst(
  runtime: Runtime,
  registry: Registry,
  tenantId: string | undefined,
): Identity | 'account' | undefined {
  if (!readAllowedSources(runtime).sources.some(({ name }) => name === SOURCE)) return undefined;
  for (const found of searchIdentities({ runtime, registry, tenantId, chosen: undefined })) {
    if (found.source === SOURCE) return 'account';
    if (!isSkipped(found)) return found;
  }
  return undefined;
}

function refuse(why: string, hint: string): CredentialError {
  return new CredentialError('IDENTITY_INVALID', why, { hint });
}

function formatSignIn(
  { programName }: Runtime,
  { tenant, cloud, clientId }: TargetOptions,
  registry: TargetRegistry | undefined,
): string {
  return [
    programName,
    'login',
    ...(registry === undefined ? [] : [shellWord(registry.registry.host)]),
    ...(cloud === undefined ? [] : ['--cloud', shellWord(cloud)]),
    ...(tenant === undefined ? [] : ['--tenant', shellWord(tenant)]),
    ...(clientId === undefined ? [] : ['--client-id', shellWord(clientId)]),
  ].join(' ');
}

function listNotes(runtime: Runtime, target: TargetRegistry | undefined, cloud: Cloud): readonly string[] {
  if (target === undefined) return noteFirst(runtime, cloud);
  const { registry, settings, cache } = target;
  const nowSeconds = runtime.now() / 1000;
  const stored = cache === undefined ? undefined : readCache(cache, storedTokenKey(registry.service), nowSeconds);
  if (stored === undefined || settings.isStrict || stored.expiresAtSeconds <= nowSeconds) return [];
  const minutes = Math.ceil((stored.expiresAtSeconds - nowSeconds) / 60);
  return [
    `the token of an earlier login is used for ${minutes} more minutes, unless you run: docker logout ${shellWord(registry.host)}`,
  ];
}

/** Notes what registries without an entry of their own would use. */
function noteFirst(runtime: Runtime, cloud: Cloud): readonly string[] {
  const { registrySuffix: host } = cloud;
  let first: Identity | 'account' | undefined;
  try {
    first = findFirst(runtime, { host, service: host, cloud }, undefined);
  } catch (cause) {
    return [`registries cannot use the account: ${createQuote(runtime)(describeCause(cause))}`];
  }
  if (first === 'account') return [];
  return first === undefined
    ? ['AZURE_TOKEN_CREDENTIALS does not allow accounts, so registries do not use it']
    : [`registries use the identity of this machine instead: ${createQuote(runtime)(first.description)}`];
}
