/** The kubelet's credential provider: answers one request with the credential of one image. */

import { type FoundCredential, findCredential, type NotFound } from '../credential.ts';
import { CredentialError } from '../errors.ts';
import type { Log } from '../log.ts';
import { IDENTITY_TOKEN_USERNAME, TOKEN_USERNAME } from '../protocol.ts';
import { shellWord } from '../shell-word.ts';
import type { Runtime } from '../system/runtime.ts';
import type { WantedCredential } from '../wanted-credential.ts';
import { MIRROR_OPTION, type ProviderArguments, parseArguments, RENEW_OPTION } from './arguments.ts';
import { lastResortPattern, registryOf } from './image.ts';
import { findMirror } from './mirror.ts';
import { readNodeIdentity } from './node-identity.ts';
import { type ProviderRequest, parseRequest } from './request.ts';
import { formatNothing, formatResponse, type ImageCredential, measureCacheSeconds } from './response.ts';

/** A call of the plug-in. */
export interface ProviderCall {
  readonly args: readonly string[];
  /** The request as JSON. */
  readonly input: string;
}

/** What a credential is looked for with. */
interface Lookup {
  readonly request: ProviderRequest;
  /** The registry in the name of the image, which the kubelet compares with the patterns of the response. */
  readonly registry: string;
  /** The server whose credential is needed: the registry, or its mirror. */
  readonly server: string;
  /** Whether other images of the registry may need another credential. */
  readonly isForImage: boolean;
  readonly wanted: WantedCredential;
}

/** Whether this process was started to renew a token. */
export function isRenewalCall(args: readonly string[]): boolean {
  return args.includes(RENEW_OPTION);
}

/**
 * Answers a request.
 * @returns the response. It has no credential for a registry that is not Azure's, and where the configuration wants an
 * anonymous pull.
 * @throws CredentialError when the arguments or the request cannot be used, or when there is an identity that does not
 * work, or none although one is needed.
 */
export async function provideCredential(call: ProviderCall, runtime: Runtime, log: Log | undefined): Promise<string> {
  const lookup = await prepare(call, runtime);
  const { request, registry, server, wanted } = lookup;
  const { apiVersion } = request;
  const found = await findCredential({ ...runtime, ...renewWith(runtime, call) }, server, log, wanted);
  if ('skipped' in found) {
    if (found.isForeign && server !== registry) throw explainMirror(registry, server);
    if (found.hint === undefined) return formatNothing(apiVersion);
    throw explainNotFound(request.image, server, found);
  }
  // Without a registry of Azure, the kubelet could not exchange an identity token.
  if (found.registry === undefined && found.username === IDENTITY_TOKEN_USERNAME) return formatNothing(apiVersion);
  const life = await readLife(runtime, found);
  return formatResponse(apiVersion, {
    cacheKeyType: lookup.isForImage || life.isScoped ? 'Image' : 'Registry',
    cacheSeconds: life.cacheSeconds,
    auth: listCredentials(lookup, found),
  });
}

/** Renews the token of a request, in a process that an earlier one has started. Says nothing except in the log. */
export async function renewCredential(call: ProviderCall, runtime: Runtime): Promise<void> {
  const { openBackgroundLog, renewInBackground } = await import('../renew.ts');
  const { server, wanted } = await prepare(call, runtime);
  await renewInBackground(runtime, server, await openBackgroundLog(runtime), wanted);
}

async function prepare({ args, input }: ProviderCall, runtime: Runtime): Promise<Lookup> {
  const provider = parseArguments(args);
  const request = parseRequest(input);
  const registry = registryOf(request.image);
  const mirror = findMirror(provider.mirrors, request.image);
  const node = await readNodeIdentity(runtime, provider.azureJson);
  // A mirror is the cluster's: pods have no right of their own to it.
  const identity = mirror === undefined ? await findPodIdentity(provider, request, runtime, node.tenantId) : undefined;
  return {
    request,
    registry,
    server: mirror?.target ?? registry,
    // Elsewhere in the registry, images may have another mirror, or none.
    isForImage: mirror?.source.includes('/') === true,
    wanted: { identity, otherIdentity: node.identity, clouds: node.clouds },
  };
}

async function findPodIdentity(
  { azureJson, binding }: ProviderArguments,
  request: ProviderRequest,
  runtime: Runtime,
  nodeTenantId: string | undefined,
) {
  if (request.serviceAccountToken === undefined) return undefined;
  const { findServiceAccountIdentity, nameId } = await import('./service-account.ts');
  const tenantId = nameId(nodeTenantId, `"tenantId" of ${azureJson ?? 'the node'}`);
  if (binding === undefined) return findServiceAccountIdentity(runtime, request, { clientId: undefined, tenantId });
  const { createBindingRoute, findDefaults } = await import('./identity-binding.ts');
  return findServiceAccountIdentity(runtime, request, findDefaults(binding, tenantId), createBindingRoute(binding));
}

/** The renewal gets the whole call again, with the service account's token, which only a pipe may carry. */
function renewWith({ startSelf }: Runtime, { args, input }: ProviderCall): Pick<Runtime, 'startRenewal'> {
  return startSelf === undefined ? {} : { startRenewal: () => startSelf(['kubelet', RENEW_OPTION, ...args], input) };
}

/**
 * The credential under the name of the image's registry, and under that of its mirror, as in AKS's plug-in; for a registry
 * of Azure, an anonymous pull as the last resort.
 */
function listCredentials(
  { registry: name, server }: Lookup,
  { username, secret: password, registry }: FoundCredential,
): ReadonlyMap<string, ImageCredential> {
  const lastResort = registry === undefined ? undefined : lastResortPattern(name);
  const credential = { username: username === IDENTITY_TOKEN_USERNAME ? TOKEN_USERNAME : username, password };
  return new Map([
    ...(lastResort === undefined ? [] : [[lastResort, { username: '', password: '' }] as const]),
    [server, credential],
    [name, credential],
  ]);
}

/** How long the kubelet may use a credential, and whether that is for some repositories only. */
async function readLife(
  runtime: Runtime,
  { username, secret, settings, cached }: FoundCredential,
): Promise<{ readonly isScoped: boolean; readonly cacheSeconds: number | undefined }> {
  const nowSeconds = runtime.now() / 1000;
  const measure = async () => {
    const times = cached ?? (await readTimes(secret, nowSeconds));
    return measureCacheSeconds(times, nowSeconds, settings?.minimumLifeSeconds ?? 0);
  };
  if (settings !== undefined) {
    return { isScoped: settings.secret === 'access-token', cacheSeconds: await measure() };
  }
  // Few registries have a login, so that only these load what reads its token.
  const { kindOf } = await import('../acr/scoped-token.ts');
  const kind = kindOf({ username, secret });
  return { isScoped: kind === 'access-token', cacheSeconds: kind === 'password' ? undefined : await measure() };
}

/** A token that is not cached is new, or somebody else's: then only its own claims tell its end. */
async function readTimes(token: string, nowSeconds: number) {
  const { readExpiry } = await import('../entra/claims.ts');
  return { expiresAtSeconds: readExpiry(token) ?? nowSeconds, savedAtSeconds: nowSeconds };
}

/** Somebody chose the mirror, so that it is not just another registry. */
function explainMirror(source: string, target: string): CredentialError {
  return new CredentialError(
    'CONFIG_INVALID',
    `Cannot get a credential for ${source}: its mirror ${target} is not a registry of Azure`,
    { hint: `correct ${MIRROR_OPTION} in the "args" of the kubelet's configuration` },
  );
}

/** The hint of `get` is for a person on this machine; here a person reads the log of a node. */
function explainNotFound(image: string, server: string, { hint = '', skipped }: NotFound): CredentialError {
  const message = `Cannot get a credential for ${server}`;
  if (skipped.length === 0) return new CredentialError('IDENTITY_NOT_SET_UP', message, { hint });
  return new CredentialError('IDENTITY_NOT_SET_UP', `${message}: this node has no Azure identity`, {
    causes: skipped.map(({ source, reason }) => `${source}: ${reason}`),
    hint: `give the node a managed identity, or the pods' service account one; for each check: docker-credential-acr kubelet doctor ${shellWord(image)}`,
  });
}
