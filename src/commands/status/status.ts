/** Collects what is set up, cached and stored on this machine. Works offline, and starts no program. */

import { listStoredAccounts, type StoredAccount } from '../../accounts/account-index.ts';
import { ENTRA_SERVICE, findCache, STORED_IDENTITY } from '../../cache/cache.ts';
import { type CacheContents, type CacheFile, readContents } from '../../cache/contents.ts';
import { findRenewalSeconds } from '../../cache/renewal.ts';
import { type Config, loadConfig } from '../../config/config.ts';
import { DEFAULT_SETTINGS, type RegistrySettings } from '../../config/registry-settings.ts';
import { CredentialError, describeCause } from '../../errors.ts';
import { listHelperNames } from '../../helper-name.ts';
import { isSkipped, searchIdentities } from '../../identity/chain.ts';
import { asJsonObject } from '../../json.ts';
import { findIndexFile, type LoginEntry, readIndex } from '../../logins/login-index.ts';
import { parseRegistry, type Registry } from '../../registry.ts';
import { parseServerName } from '../../server-name.ts';
import { findConfigFile } from '../../system/paths.ts';
import type { Runtime } from '../../system/runtime.ts';
import { type ClientName, readClientConfigs } from '../clients/client-config.ts';
import { findServerSettings, type OpenConfig, openConfig } from '../config/effective-settings.ts';
import { readOwner, type TokenOwner } from './token-owner.ts';

/** Where a client's configuration names this program. */
export interface ClientUse {
  readonly client: ClientName;
  readonly file: string;
  /** `credHelpers` is for one server, `credsStore` for all. */
  readonly key: 'credHelpers' | 'credsStore';
}

/** The identity that `get` would sign in with. */
export interface NextIdentity {
  readonly source: string;
  readonly description: string;
  /** Whether it is certain without a request over the network that it exists. */
  readonly isCertain: boolean;
}

/** What `get` would answer with: the first that there is. */
export type CredentialKind = 'login' | 'stored-token' | 'identity' | 'none';

/** A registry that is configured somewhere, or that was asked for. */
export interface RegistryStatus {
  readonly server: string;
  readonly isRegistry: boolean;
  readonly clients: readonly ClientUse[];
  /** The key of the entry of our configuration that applies. */
  readonly entry: string | undefined;
  readonly credential: CredentialKind;
  /** `undefined` where none is set up or allowed. */
  readonly identity: NextIdentity | undefined;
  /** Why there is no identity, or why none can be found. */
  readonly reason: string | undefined;
}

/** A token in the cache. */
export interface TokenStatus extends TokenOwner {
  /** `undefined` for a token of Entra. */
  readonly registry: string | undefined;
  /** Such as `refresh-token` or `access-token`. */
  readonly kind: string;
  /** The scopes of an access token, or the audience of one of Entra. */
  readonly scope: string | undefined;
  readonly identity: string;
  readonly savedAtSeconds: number;
  readonly expiresAtSeconds: number;
  /** When it is renewed in the background; `undefined` for a token that is not. */
  readonly renewsAtSeconds: number | undefined;
}

/** A stored login. */
export interface LoginStatus {
  readonly server: string;
  readonly username: string;
  /** The name of a keychain, or `file`. */
  readonly storedIn: string;
}

/** An account that somebody signed in with. */
export interface AccountStatus {
  readonly username: string;
  readonly tenant: string;
  /** The registries for which it was chosen. */
  readonly registries: readonly string[];
  readonly state: StoredAccount['state'];
  /** The name of a keychain, or `file`. */
  readonly storedIn: string;
}

/** What is set up, cached and stored. */
export interface Status {
  readonly registries: readonly RegistryStatus[];
  readonly tokens: readonly TokenStatus[];
  /** Tokens that a client stored. */
  readonly storedTokens: readonly TokenStatus[];
  readonly entraTokens: readonly TokenStatus[];
  readonly logins: readonly LoginStatus[];
  readonly accounts: readonly AccountStatus[];
  /** The identity for a registry of the public cloud that the configuration does not name. */
  readonly identity: Pick<RegistryStatus, 'identity' | 'reason'>;
  readonly configFile: string | undefined;
  readonly cacheFolder: string | undefined;
  readonly ignoredFiles: number;
  /** Why the configuration cannot be read. */
  readonly configProblem: string | undefined;
  /** What else cannot be read, each as a sentence. */
  readonly problems: readonly string[];
}

/** The reason where nothing is wrong, but nobody has signed in. */
export const NO_IDENTITY = 'no identity is set up';
/** A registry of the public cloud that the configuration does not name. */
const ANY_REGISTRY = 'registry.azurecr.io';

/**
 * Collects the facts. Never fails: what cannot be read is among the problems.
 * @param host limits the facts to one server.
 */
export async function collectStatus(runtime: Runtime, host: string | undefined): Promise<Status> {
  const config = await loadConfig(runtime);
  const cache = await findCache(runtime);
  const nowSeconds = runtime.now() / 1000;
  const contents = cache === undefined ? undefined : readContents(cache, nowSeconds);
  for (const { cached } of contents?.tokens ?? []) runtime.secrets.add(cached.token);
  const problems: string[] = [];
  const clients = readClients(runtime, problems);
  const logins = await readLogins(runtime, problems);
  const isWanted = createFilter(config, host);
  const found = await findConfigFile(runtime);
  const open = found === undefined ? undefined : tryOpen(found);
  const machine: Machine = { runtime, config, open: typeof open === 'string' ? undefined : open, contents, logins };
  const servers = listServers(machine, clients, host).filter(isWanted);
  const registries = servers.map((server) => describeServer(machine, clients, server));
  const tokens = (contents?.tokens ?? []).filter(({ service }) => service !== ENTRA_SERVICE && isWanted(service));
  const identities = registries.map(({ identity }) => identity?.description);
  const entraTokens = (contents?.tokens ?? []).filter(
    ({ service, identity }) => service === ENTRA_SERVICE && (host === undefined || identities.includes(identity)),
  );
  const describe = (token: CacheFile) => describeToken(machine, token);
  return {
    registries,
    tokens: tokens.filter(({ identity }) => identity !== STORED_IDENTITY).map(describe),
    storedTokens: tokens.filter(({ identity }) => identity === STORED_IDENTITY).map(describe),
    entraTokens: entraTokens.map(describe),
    logins: [...logins.values()].filter(({ server }) => isWanted(server)).map(describeLogin),
    accounts: listStoredAccounts(runtime).map(describeAccount),
    identity: findNextIdentity(runtime, parseRegistry(ANY_REGISTRY), DEFAULT_SETTINGS),
    configFile: found?.file,
    cacheFolder: cache?.folder,
    ignoredFiles: contents?.ignoredFiles ?? 0,
    configProblem: typeof open === 'string' ? open : undefined,
    problems,
  };
}

/** What was read of the machine. */
interface Machine {
  readonly runtime: Runtime;
  readonly config: Config;
  /** `undefined` when the configuration cannot be read. */
  readonly open: OpenConfig | undefined;
  readonly contents: CacheContents | undefined;
  /** By server name. */
  readonly logins: ReadonlyMap<string, LoginEntry>;
}

/** @returns why it cannot be read, where it cannot. */
function tryOpen({ file, isExplicit }: { file: string; isExplicit: boolean }): OpenConfig | string {
  try {
    return openConfig(file, isExplicit);
  } catch (cause) {
    return explain(cause);
  }
}

/** The servers for which each use of a client counts; `undefined` for all. */
interface ServerUse extends ClientUse {
  readonly server: string | undefined;
}

function readClients(runtime: Runtime, problems: string[]): readonly ServerUse[] {
  const names = listHelperNames(runtime);
  return readClientConfigs(runtime).flatMap(
    ({ client, file, state, problem, credHelpers, credsStore }): ServerUse[] => {
      if (state === 'unreadable') problems.push(`${client}: ${file} cannot be read: ${problem ?? ''}`);
      const helpers = [...credHelpers].filter(([, name]) => names.includes(name));
      const isStore = credsStore !== undefined && names.includes(credsStore);
      return [
        ...helpers.map(([server]) => ({ client, file, key: 'credHelpers' as const, server })),
        ...(isStore ? [{ client, file, key: 'credsStore' as const, server: undefined }] : []),
      ];
    },
  );
}

async function readLogins(runtime: Runtime, problems: string[]): Promise<ReadonlyMap<string, LoginEntry>> {
  const file = await findIndexFile(runtime);
  const index = file === undefined ? undefined : readIndex(file);
  if (index === undefined) return new Map();
  if (typeof index === 'string') {
    const why = index === 'damaged' ? 'it is damaged' : 'others can open it, or it is a link';
    problems.push(`the stored logins in ${file} cannot be used: ${why}`);
    return new Map();
  }
  for (const entry of index.entries.values()) if ('secret' in entry) runtime.secrets.add(entry.secret);
  return index.entries;
}

/** The registry of a server. A mistake in the configuration of its cloud is told by `describeServer`. */
function findRegistry(config: Config, server: string): Registry | undefined {
  try {
    return config.findRegistry(server);
  } catch {
    return undefined;
  }
}

function createFilter(config: Config, host: string | undefined): (server: string) => boolean {
  if (host === undefined) return () => true;
  const nameOf = (server: string) =>
    parseServerName(server.replace(/^http:\/\//i, ''), findRegistry(config, server)).toLowerCase();
  const wanted = nameOf(host);
  return (server) => nameOf(server) === wanted;
}

/** The servers that the clients send here, those that our configuration names, those of the cache and of the logins, and the one that was asked for. */
function listServers(
  { config, open, contents, logins }: Machine,
  clients: readonly ServerUse[],
  host: string | undefined,
): readonly string[] {
  const servers = [
    ...(host === undefined ? [] : [host]),
    ...clients.flatMap(({ server }) => (server === undefined ? [] : [server])),
    ...Object.keys(asJsonObject(open?.object['registries']) ?? {}).filter((key) => findRegistry(config, key)),
    ...(contents?.tokens ?? []).map(({ service }) => service).filter((service) => service !== ENTRA_SERVICE),
    ...[...logins.values()].map(({ server }) => server),
  ];
  return [...new Set(servers.map((server) => findRegistry(config, server)?.host ?? server))].sort();
}

function describeServer(machine: Machine, clients: readonly ServerUse[], server: string): RegistryStatus {
  const { runtime, config, open, contents, logins } = machine;
  const uses = clients
    .filter((use) => use.server === undefined || (findRegistry(config, use.server)?.host ?? use.server) === server)
    .map(({ client, file, key }) => ({ client, file, key }));
  let registry: Registry | undefined;
  let settings = DEFAULT_SETTINGS;
  let isLoginUsed = false;
  let entry: string | undefined;
  let next: Pick<RegistryStatus, 'identity' | 'reason'>;
  try {
    registry = config.findRegistry(server);
    const name = parseServerName(server, registry);
    isLoginUsed = logins.has(name) && config.loginUseOf(registry, name).isUsed;
    if (registry !== undefined) settings = config.settingsOf(registry);
    entry = open && findServerSettings(runtime, open, server).entry;
    next = findNextIdentity(runtime, registry, settings);
  } catch (cause) {
    return {
      server,
      isRegistry: true,
      clients: uses,
      entry,
      credential: 'none',
      identity: undefined,
      reason: explain(cause),
    };
  }
  const hasToken = (contents?.tokens ?? []).some(
    ({ service, identity, cached }) =>
      service === registry?.service &&
      identity === STORED_IDENTITY &&
      cached.expiresAtSeconds > runtime.now() / 1000 &&
      settings.cacheTokens &&
      !settings.isStrict,
  );
  const signsIn = next.identity === undefined ? 'none' : 'identity';
  const credential = isLoginUsed ? 'login' : hasToken ? 'stored-token' : signsIn;
  return { server, isRegistry: registry !== undefined, clients: uses, entry, credential, ...next };
}

/** Searches as `get` does, without asking the network whether the identity exists. */
function findNextIdentity(
  runtime: Runtime,
  registry: Registry | undefined,
  { identity: chosen, tenantId, anonymous, isStrict, isNamed }: RegistrySettings,
): Pick<RegistryStatus, 'identity' | 'reason'> {
  const none = (reason: string) => ({ identity: undefined, reason });
  if (registry === undefined) return none('it is not a registry of Azure');
  if (anonymous) return none('"anonymous" is set');
  if (isStrict && (!isNamed || chosen === undefined)) return none('"strict" is set, and no entry names an identity');
  try {
    let reason: string | undefined;
    for (const found of searchIdentities({ runtime, registry, tenantId, chosen })) {
      if (!isSkipped(found)) {
        const { source, description, origins } = found;
        return { identity: { source, description, isCertain: origins !== undefined }, reason: undefined };
      }
      reason ??= chosen === undefined ? undefined : found.reason;
    }
    return none(reason ?? NO_IDENTITY);
  } catch (cause) {
    return none(explain(cause));
  }
}

function describeToken({ config, runtime }: Machine, file: CacheFile): TokenStatus {
  const { service, kind, identity, cached } = file;
  const { token, savedAtSeconds, expiresAtSeconds } = cached;
  const isEntra = service === ENTRA_SERVICE;
  const [name = '', ...rest] = kind.split(' ');
  const isRenewed = !isEntra && identity !== STORED_IDENTITY && expiresAtSeconds > runtime.now() / 1000;
  return {
    ...readOwner(token),
    registry: isEntra ? undefined : service,
    kind: name,
    scope: rest.length === 0 ? undefined : rest.join(' '),
    identity,
    savedAtSeconds,
    expiresAtSeconds,
    renewsAtSeconds: isRenewed ? findRenewalSeconds(cached, findMinimumLife(config, service)) : undefined,
  };
}

function findMinimumLife(config: Config, service: string): number {
  try {
    const registry = config.findRegistry(service);
    return registry === undefined ? 0 : config.settingsOf(registry).minimumLifeSeconds;
  } catch {
    return 0; // told where the registry is
  }
}

function describeLogin(entry: LoginEntry): LoginStatus {
  return { server: entry.server, username: entry.username, storedIn: 'secret' in entry ? 'file' : entry.keychain };
}

function describeAccount({ username, tenantId, registries, state, keychain }: StoredAccount): AccountStatus {
  return { username, tenant: tenantId, registries, state, storedIn: keychain ?? 'file' };
}

function explain(cause: unknown): string {
  return cause instanceof CredentialError ? cause.message : describeCause(cause);
}
