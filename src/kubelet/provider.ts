/** The kubelet's credential provider: answers one request with the credential of one image. */

import { BUDGET_MS, type FoundCredential, findCredential, type NotFound } from '../credential.ts';
import { CredentialError, describeCause } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Outcome } from '../outcome.ts';
import { IDENTITY_TOKEN_USERNAME, TOKEN_USERNAME } from '../protocol.ts';
import { shellWord } from '../shell-word.ts';
import type { Runtime } from '../system/runtime.ts';
import type { WantedCredential } from '../wanted-credential.ts';
import { type ProviderArguments, parseArguments, RENEW_OPTION } from './arguments.ts';
import { lastResortPattern, registryOf } from './image.ts';
import { findMirror } from './mirror.ts';
import { readNodeIdentity } from './node-identity.ts';
import { type ProviderRequest, parseRequest } from './request.ts';
import { formatNothing, formatResponse, type ImageCredential, measureCacheSeconds } from './response.ts';

/**
 * Answers a request. Never throws.
 * @param args the arguments of the plug-in.
 * @param input the request as JSON.
 */
export async function provideCredential(
  args: readonly string[],
  input: string,
  runtime: Runtime,
  log: Log | undefined,
): Promise<Outcome> {
  try {
    const parsed = parseArguments(args);
    const request = parseRequest(input);
    const lookup = await prepare(parsed, request, { ...runtime, ...renewWith(runtime, args, input) });
    if (parsed.isRenewal) {
      await renew(lookup, log);
      return { exitCode: 0, stdout: '', stderr: '' };
    }
    return { exitCode: 0, stdout: await answer(request, lookup, log), stderr: '' };
  } catch (failure) {
    log?.({ step: 'end', outcome: 'failed', reason: describeCause(failure) });
    // Loaded only now: a successful run does not need it.
    const { formatProviderFailure } = await import('./failure.ts');
    return { exitCode: 1, stdout: '', stderr: formatProviderFailure(runtime, failure) };
  }
}

/** What a credential is looked for with. */
interface Lookup {
  readonly runtime: Runtime;
  /** The server whose credential is needed: the image's registry, or its mirror. */
  readonly server: string;
  /** The beginnings of images' names that the credential is for. */
  readonly patterns: readonly string[];
  readonly wanted: WantedCredential;
}

/** A renewal gets the request again, with the service account's token, which only a pipe may carry. */
function renewWith(runtime: Runtime, args: readonly string[], input: string): Pick<Runtime, 'startRenewal'> {
  const { startSelf } = runtime;
  if (startSelf === undefined) return {};
  return { startRenewal: () => startSelf(['kubelet', RENEW_OPTION, ...args], input) };
}

async function prepare(args: ProviderArguments, request: ProviderRequest, runtime: Runtime): Promise<Lookup> {
  const registry = registryOf(request.image);
  const mirror = findMirror(args.mirrors, request.image);
  const node = await readNodeIdentity(runtime, args.azureJson);
  // A mirror is the cluster's: pods have no right of their own to it.
  const identity = mirror === undefined ? await findPodIdentity(args, request, runtime, node.tenantId) : undefined;
  return {
    runtime,
    server: mirror?.target ?? registry,
    patterns: mirror === undefined ? [registry] : [mirror.source, mirror.target],
    wanted: { identity, otherIdentity: node.identity, clouds: node.clouds },
  };
}

async function findPodIdentity(
  { binding }: ProviderArguments,
  request: ProviderRequest,
  runtime: Runtime,
  tenantId: string | undefined,
) {
  if (request.serviceAccountToken === undefined) return undefined;
  const { findServiceAccountIdentity } = await import('./service-account.ts');
  if (binding === undefined) return findServiceAccountIdentity(runtime, request, { tenantId });
  const { createBindingRoute } = await import('./identity-binding.ts');
  const defaults = { clientId: binding.defaultClientId, tenantId: binding.defaultTenantId ?? tenantId };
  return findServiceAccountIdentity(runtime, request, defaults, createBindingRoute(binding));
}

async function renew({ runtime, server, wanted }: Lookup, log: Log | undefined): Promise<void> {
  const { renewToken } = await import('../renew.ts');
  await renewToken(runtime, server, BUDGET_MS, log, wanted);
}

/** @throws CredentialError when there is an identity that does not work, or none although one is needed. */
async function answer(request: ProviderRequest, lookup: Lookup, log: Log | undefined): Promise<string> {
  const { apiVersion, image } = request;
  const { runtime, server, wanted } = lookup;
  const found = await findCredential(runtime, server, log, wanted);
  if ('skipped' in found) {
    if (found.hint === undefined) return formatNothing(apiVersion);
    throw explainNotFound(image, found);
  }
  // Without a registry of Azure, the kubelet could not exchange an identity token.
  if (found.registry === undefined && found.username === IDENTITY_TOKEN_USERNAME) return formatNothing(apiVersion);
  return formatResponse(apiVersion, {
    ...(await describeToken(runtime, found)),
    auth: listCredentials(lookup, found),
  });
}

/** The credential under each pattern; for a registry of Azure, an anonymous pull as the last resort. */
function listCredentials({ patterns }: Lookup, found: FoundCredential): ReadonlyMap<string, ImageCredential> {
  const { username, secret: password, registry } = found;
  const credential = { username: username === IDENTITY_TOKEN_USERNAME ? TOKEN_USERNAME : username, password };
  const auth = new Map<string, ImageCredential>();
  if (registry !== undefined) {
    for (const pattern of patterns) auth.set(lastResortPattern(pattern), { username: '', password: '' });
  }
  for (const pattern of patterns) auth.set(pattern, credential);
  return auth;
}

/** How long the kubelet may use a credential, and for which images. */
async function describeToken(runtime: Runtime, found: FoundCredential) {
  const { kindOf } = await import('../acr/scoped-token.ts');
  const kind = kindOf(found);
  const cacheKeyType: 'Image' | 'Registry' = kind === 'access-token' ? 'Image' : 'Registry';
  if (kind === 'password') return { cacheKeyType, cacheSeconds: undefined };
  const nowSeconds = runtime.now() / 1000;
  const times = found.cached ?? (await readTimes(found.secret, nowSeconds));
  return { cacheKeyType, cacheSeconds: measureCacheSeconds(times, nowSeconds) };
}

async function readTimes(token: string, nowSeconds: number) {
  const { readExpiry } = await import('../entra/claims.ts');
  return { expiresAtSeconds: readExpiry(token) ?? nowSeconds, savedAtSeconds: nowSeconds };
}

/** The hint of `get` is for a person on this machine; here a person reads the log of a node. */
function explainNotFound(image: string, { hint = '', skipped }: NotFound): CredentialError {
  const registry = registryOf(image);
  if (skipped.length === 0)
    return new CredentialError('IDENTITY_NOT_SET_UP', `Cannot get a credential for ${registry}: ${hint}`);
  const causes = skipped.map(({ source, reason }) => `${source}: ${reason}`);
  return new CredentialError(
    'IDENTITY_NOT_SET_UP',
    `Cannot get a credential for ${registry}: this node has no Azure identity`,
    {
      causes,
      hint: `give the node a managed identity, or the pods' service account one; for each check: docker-credential-acr kubelet doctor ${shellWord(image)}`,
    },
  );
}
