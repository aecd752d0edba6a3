/** The library of the npm package: credentials of registries for other programs, without starting this one. */

import { findCredential, type NotFound } from '../credential.ts';
import { CredentialError, describeEnd } from '../errors.ts';
import type { Log } from '../log.ts';
import { IDENTITY_TOKEN_USERNAME, parseServerUrl, TOKEN_USERNAME } from '../protocol.ts';
import type { Runtime } from '../system/runtime.ts';
import { assertProviderOptions, assertSignal } from './options.ts';
import { SharedRun } from './shared-run.ts';

export { CredentialError, ERROR_CODES, type ErrorCode } from '../errors.ts';

// The package's code has short names, but people see this one when an error is printed.
Object.defineProperty(CredentialError, 'name', { value: 'CredentialError' });

/** What to use instead of the machine's own settings. */
export interface CredentialProviderOptions {
  /** The environment variables that name identities, proxies and folders; `process.env` by default. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /**
   * The configuration: the absolute path of a file, or what such a file contains. By default it is the person's own file.
   */
  readonly config?: string | Readonly<Record<string, unknown>> | undefined;
  /** The absolute path of the folder for tokens; by default the one that docker-credential-acr uses. */
  readonly cacheDir?: string | undefined;
  /** Called with each step, such as a look into the cache or a request. No step contains a secret. */
  readonly log?: ((step: CredentialStep) => void) | undefined;
}

/** How one credential is looked for. */
export interface GetOptions {
  /** Calls the search off: the promise then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** A credential for the registry's own protocol, for Docker's API or for `docker login`. */
export interface RegistryCredential {
  /** For a token of a registry of Azure, the user name that goes with it. */
  readonly username: string;
  /** The token, or the password of a stored login. */
  readonly secret: string;
  /** When the token expires; `undefined` for a password. */
  readonly expiresAt: Date | undefined;
}

/** A step of a search, as in the log of docker-credential-acr. */
export interface CredentialStep {
  /** Such as `identity`, `cache`, `request` or `end`. */
  readonly step: string;
  /** What came out, such as `hit`, `not-set-up` or `failed`. */
  readonly outcome: string;
  readonly host?: string | undefined;
  readonly path?: string | undefined;
  /** The source of an identity, or the program that was run. */
  readonly source?: string | undefined;
  /** The HTTP status. */
  readonly status?: number | undefined;
  readonly durationMs?: number | undefined;
  readonly correlationId?: string | undefined;
  readonly code?: string | undefined;
  readonly reason?: string | undefined;
  readonly expiresAtSeconds?: number | undefined;
}

/** Finds and forgets credentials. Providers, the program and other processes share one cache and each sign-in. */
export interface CredentialProvider {
  /**
   * Finds the credential of a registry: a stored login, a cached token, or a new one after signing in.
   * @param server such as `myregistry.azurecr.io`; a scheme or a path behind it do not matter.
   * @returns `undefined` when there is none: the server is not a registry of Azure, the configuration says so, or no
   * identity is set up. Then try without a credential. The step `end` of the log says why.
   * @throws CredentialError when something is set up and does not work; the reason of the signal when it has aborted.
   */
  readonly get: (server: string, options?: GetOptions) => Promise<RegistryCredential | undefined>;
  /**
   * Forgets the tokens and the stored login of a server, as `docker logout` does.
   * @throws CredentialError when something of it could not be removed.
   */
  readonly erase: (server: string) => Promise<void>;
}

/**
 * Creates a provider of credentials.
 * @throws TypeError when an option is of another type, or a path among them is relative.
 */
export function createCredentialProvider(options: CredentialProviderOptions = {}): CredentialProvider {
  assertProviderOptions(options);
  const kept = { ...options }; // nothing that the caller changes later goes unchecked
  /** The searches that are under way, by server. */
  const runs = new Map<string, SharedRun<RegistryCredential | undefined>>();
  const get = async (server: string, { signal }: GetOptions = {}): Promise<RegistryCredential | undefined> => {
    assertSignal(signal);
    signal?.throwIfAborted();
    let run = runs.get(server);
    if (run === undefined || run.isCalledOff) {
      const started = new SharedRun((ended: AbortSignal) => find(kept, server, ended));
      const forget = () => {
        if (runs.get(server) === started) runs.delete(server);
      };
      started.result.then(forget, forget);
      runs.set(server, started);
      run = started;
    }
    return await run.join(signal);
  };
  const eraseAll = async (server: string) => {
    try {
      await erase(kept, server);
    } finally {
      runs.clear(); // a search that began earlier may still find what was erased: the next `get` must not join it
    }
  };
  return { get, erase: eraseAll };
}

let common: CredentialProvider | undefined;

/**
 * Finds the credential of a registry. See `CredentialProvider.get`; all calls without other options share a provider.
 * @throws CredentialError, TypeError, or the reason of the signal.
 */
export async function getCredential(
  server: string,
  { signal, ...options }: CredentialProviderOptions & GetOptions = {},
): Promise<RegistryCredential | undefined> {
  const isPlain = Object.values(options).every((value) => value === undefined);
  if (isPlain) common ??= createCredentialProvider();
  const provider = isPlain && common !== undefined ? common : createCredentialProvider(options);
  return await provider.get(server, { signal });
}

async function find(
  options: CredentialProviderOptions,
  server: string,
  signal: AbortSignal,
): Promise<RegistryCredential | undefined> {
  const runtime = createRuntime(options, server, signal);
  return await withLog(runtime, options, async (log) => {
    const found = await findCredential(runtime, readServer(server, 'find a credential'), log);
    if ('skipped' in found) {
      log?.({ step: 'end', outcome: 'not-found', reason: explainNotFound(found) });
      return undefined;
    }
    const { username, secret, registry, cached } = found;
    const { readExpiryFrom } = await import('../entra/claims.ts');
    const expiresAtSeconds = cached?.expiresAtSeconds ?? readExpiryFrom(secret, runtime.now() / 1000);
    return {
      // Other than Docker, most callers know only a user name and a password. For a registry of Azure that is the same.
      username: registry !== undefined && username === IDENTITY_TOKEN_USERNAME ? TOKEN_USERNAME : username,
      secret,
      expiresAt: expiresAtSeconds === undefined ? undefined : new Date(expiresAtSeconds * 1000),
    };
  });
}

function explainNotFound({ hint, isForeign }: NotFound): string {
  if (hint !== undefined) return hint;
  return isForeign === true ? 'the server is not a registry of Azure' : 'the configuration asks for no credential';
}

async function erase(options: CredentialProviderOptions, server: string): Promise<void> {
  const runtime = createRuntime(options, server, undefined);
  await withLog(runtime, options, async (log) => {
    const { eraseCredential } = await import('../logins/store.ts');
    const warning = await eraseCredential(runtime, readServer(server, 'log out'), log);
    if (warning !== undefined) throw new CredentialError('STORE_REFUSED', `Cannot log out: ${warning}`);
  });
}

/** @throws REQUEST_INVALID */
function readServer(server: unknown, purpose: string): string {
  const serverUrl = typeof server === 'string' ? parseServerUrl(server) : undefined;
  if (serverUrl !== undefined) return serverUrl;
  throw new CredentialError('REQUEST_INVALID', `Cannot ${purpose}: the server is not named`, {
    hint: 'name a registry, such as myregistry.azurecr.io',
  });
}

/** Reads `process.env` anew for each search, as the program would. */
function createRuntime(
  { env = process.env, config, cacheDir }: CredentialProviderOptions,
  server: string,
  signal: AbortSignal | undefined,
): Runtime {
  const runtime: Runtime = {
    env: {
      ...copyVariables(env),
      ...(typeof config === 'string' ? { DOCKER_CREDENTIAL_ACR_CONFIG: config } : {}),
      ...(cacheDir === undefined ? {} : { DOCKER_CREDENTIAL_ACR_CACHE_DIR: cacheDir }),
    },
    platform: process.platform,
    programName: 'docker-credential-acr',
    now: Date.now,
    secrets: new Set(),
    secretVariables: new Set(),
    ...(typeof config === 'object' ? { config } : {}),
    ...(signal === undefined ? {} : { signal }),
    startRenewal: async () => {
      const { startRenewalWorker } = await import('./renewal-worker.ts');
      return startRenewalWorker({ server, env: runtime.env, config: runtime.config });
    },
  };
  return runtime;
}

/** On Windows the names of variables have no case, but those of a copy do: a copy has each in capitals as well. */
function copyVariables(env: Runtime['env']): Runtime['env'] {
  if (process.platform !== 'win32') return { ...env };
  const capitals = Object.entries(env).map(([name, value]) => [name.toUpperCase(), value] as const);
  return { ...Object.fromEntries(capitals), ...env };
}

/** Runs something with the log of the caller. No secret leaves it, neither in a step nor in an error. */
async function withLog<T>(
  runtime: Runtime,
  { log: tell }: CredentialProviderOptions,
  run: (log: Log | undefined) => Promise<T>,
): Promise<T> {
  const log = tell === undefined ? undefined : await openLog(runtime, tell);
  try {
    return await run(log);
  } catch (failure) {
    log?.({ step: 'end', outcome: 'failed', ...describeEnd(failure) });
    const { describeFailure } = await import('../report.ts');
    const { error, causes, hint } = describeFailure(runtime, failure);
    if (!(failure instanceof CredentialError)) throw new Error(error);
    throw new CredentialError(failure.code, error, { causes, ...(hint === undefined ? {} : { hint }) });
  }
}

async function openLog(runtime: Runtime, tell: (step: CredentialStep) => void): Promise<Log> {
  const { createStepCleaner } = await import('../log.ts');
  const clean = createStepCleaner(runtime);
  return (step) => {
    // A mistake of the caller's must not cost the credential, whether it is thrown at once or later.
    try {
      const told: unknown = tell(clean(step));
      if (told instanceof Promise) told.catch(() => {});
    } catch {}
  };
}
