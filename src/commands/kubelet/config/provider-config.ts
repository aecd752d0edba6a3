/** Puts a `CredentialProviderConfig` together. */

import { CLOUDS, type Cloud } from '../../../clouds.ts';
import { BINDING_AUDIENCE } from '../../../entra/error-codes.ts';
import { PROVIDER_PREFIX } from '../../../helper-name.ts';
import type { RegistryMirror } from '../../../kubelet/mirror.ts';
import { ANNOTATIONS } from '../../../kubelet/service-account.ts';
import { UsageError } from '../../../terminal/failure.ts';
import { formatMinor, SINCE_MINOR, TOKEN_GATE } from '../kubernetes-version.ts';
import type { Mode } from './mode.ts';

/** The verb of the right to request tokens for an audience. */
export const AUDIENCE_VERB = 'request-serviceaccounts-token-audience';

/** What a configuration is wished for. */
export interface ConfigRequest {
  /** The minor version of the cluster. */
  readonly minor: number;
  readonly mode: Mode;
  /** The name of the plug-in's file; of the first one, if there are several. */
  readonly name: string;
  /** Empty for every cloud, or with tokens of service accounts for the public one. */
  readonly clouds: readonly Cloud[];
  /** Hosts with an optional port. */
  readonly registries: readonly string[];
  readonly mirrors: readonly RegistryMirror[];
  readonly azureJson: string | undefined;
  /** Arguments of identity bindings, such as `--ib-sni-name=…`. */
  readonly bindingArguments: readonly string[];
  /** The audience of the tokens, instead of the cloud's. */
  readonly audience: string | undefined;
  readonly isServiceAccountRequired: boolean;
  readonly env: readonly Variable[];
}

/** An environment variable of a plug-in. */
export interface Variable {
  readonly name: string;
  readonly value: string;
}

/** What a plug-in gets to know of a pod. The fields stand in the order in which they are written. */
export interface TokenAttributes {
  readonly serviceAccountTokenAudience: string;
  /** Required since 1.34, unknown before. */
  readonly cacheType?: 'ServiceAccount';
  readonly requireServiceAccount: boolean;
  readonly optionalServiceAccountAnnotationKeys: readonly string[];
}

/** A plug-in of the configuration. */
export interface ProviderEntry {
  readonly name: string;
  readonly apiVersion: string;
  readonly matchImages: readonly string[];
  readonly defaultCacheDuration: string;
  readonly args?: readonly string[];
  readonly env?: readonly Variable[];
  readonly tokenAttributes?: TokenAttributes;
}

/** A configuration, as it is written. */
export interface ProviderConfig {
  readonly apiVersion: string;
  readonly kind: 'CredentialProviderConfig';
  readonly providers: readonly ProviderEntry[];
}

const DEFAULT_CACHE_DURATION = '10m';

/** The images of one plug-in, and the audience of its tokens. */
interface Share {
  /** Stands behind the name of the plug-in; empty for the first. */
  readonly suffix: string;
  readonly audience: string | undefined;
  readonly matchImages: readonly string[];
}

/** The name of a cloud, as a person types it. */
export function nameCloud({ name }: Cloud): string {
  return name.toLowerCase().replaceAll(' ', '-');
}

/**
 * Puts the configuration together. Plug-ins whose tokens need different audiences become entries of their own.
 * @throws UsageError when the version of the cluster does not know what is wished for.
 */
export function buildProviderConfig(request: ConfigRequest): ProviderConfig {
  const { minor, mode, name } = request;
  assertVersion(minor, mode);
  const api = minor < SINCE_MINOR.v1 ? 'v1beta1' : 'v1';
  const args = listArguments(request);
  const entries = listShares(request).map(({ suffix, audience, matchImages }): ProviderEntry => {
    const attributes = audience === undefined ? {} : { tokenAttributes: describeTokens(request, audience) };
    return {
      name: `${name}${suffix}`,
      apiVersion: `credentialprovider.kubelet.k8s.io/${api}`,
      matchImages,
      defaultCacheDuration: DEFAULT_CACHE_DURATION,
      ...(args.length === 0 ? {} : { args }),
      ...(request.env.length === 0 ? {} : { env: request.env }),
      ...attributes,
    };
  });
  return { apiVersion: `kubelet.config.k8s.io/${api}`, kind: 'CredentialProviderConfig', providers: entries };
}

/** Lists the audiences that the configuration has the kubelet request tokens for. */
export function listTokenAudiences({ providers }: ProviderConfig): readonly string[] {
  const audiences = providers.map(({ tokenAttributes }) => tokenAttributes?.serviceAccountTokenAudience);
  return [...new Set(audiences.filter((one) => one !== undefined))];
}

/** @throws UsageError */
function assertVersion(minor: number, mode: Mode): void {
  const version = formatMinor(minor);
  if (minor < SINCE_MINOR.plugins) {
    throw new UsageError(`the kubelet of ${version} asks a plug-in only behind a gate`, {
      hint: `update the cluster to ${formatMinor(SINCE_MINOR.plugins)} or later, or use imagePullSecrets`,
    });
  }
  if (mode !== 'node' && minor < SINCE_MINOR.tokens) {
    throw new UsageError(`the kubelet of ${version} gives a plug-in no tokens of service accounts`, {
      hint: `update the cluster to ${formatMinor(SINCE_MINOR.tokensByDefault)} or later, or use --mode node`,
    });
  }
}

/** What must be told of a version, for a comment. @returns `undefined` when there is nothing to tell. */
export function describeGate({ minor, mode }: Pick<ConfigRequest, 'minor' | 'mode'>): string | undefined {
  if (mode === 'node' || minor >= SINCE_MINOR.tokensByDefault) return undefined;
  return `Needs --feature-gates=${TOKEN_GATE}=true, which is off in ${formatMinor(minor)}.`;
}

function listArguments({ name, azureJson, mirrors, bindingArguments }: ConfigRequest): readonly string[] {
  return [
    ...(name.startsWith(PROVIDER_PREFIX) ? [] : ['kubelet']),
    ...(azureJson === undefined ? [] : [azureJson]),
    ...(mirrors.length === 0
      ? []
      : [`--registry-mirror=${mirrors.map(({ source, target }) => `${source}:${target}`).join(',')}`]),
    ...bindingArguments,
  ];
}

function describeTokens({ minor, isServiceAccountRequired }: ConfigRequest, audience: string): TokenAttributes {
  return {
    serviceAccountTokenAudience: audience,
    ...(minor < SINCE_MINOR.tokensByDefault ? {} : { cacheType: 'ServiceAccount' as const }),
    requireServiceAccount: isServiceAccountRequired,
    optionalServiceAccountAnnotationKeys: ANNOTATIONS,
  };
}

/** Distributes the images among plug-ins: one for each audience of a token. */
function listShares(request: ConfigRequest): readonly Share[] {
  const { mode, registries, mirrors } = request;
  const isAll = request.clouds.length === 0 && registries.length === 0;
  const [publicCloud] = CLOUDS;
  const every = mode === 'service-account' && publicCloud !== undefined ? [publicCloud] : CLOUDS;
  const clouds = isAll ? every : request.clouds;
  const shares = new Map<string | undefined, { suffix: string; matchImages: Set<string> }>();
  const add = (cloud: Cloud | undefined, patterns: readonly string[]) => {
    const audience = findAudience(request, cloud);
    const named = cloud ?? publicCloud;
    const suffix = shares.size === 0 || named === undefined ? '' : `-${nameCloud(named)}`;
    const share = shares.get(audience) ?? { suffix, matchImages: new Set() };
    for (const pattern of patterns) share.matchImages.add(pattern);
    shares.set(audience, share);
  };
  for (const cloud of clouds) add(cloud, [`*.${cloud.registrySuffix}`, `*.*.geo.${cloud.registrySuffix}`]);
  for (const host of registries) add(findCloudOf(host), [host]);
  // A mirrored image is pulled with the node's identity, whichever plug-in is asked.
  const [first] = shares.values();
  for (const { source } of mirrors) first?.matchImages.add(source);
  return [...shares].map(([audience, { suffix, matchImages }]) => ({
    ...{ suffix, audience },
    matchImages: [...matchImages],
  }));
}

/** @returns `undefined` when plug-ins get no tokens. @throws UsageError when the cloud has no audience. */
function findAudience({ mode, audience }: ConfigRequest, cloud: Cloud | undefined): string | undefined {
  if (mode === 'node') return undefined;
  if (audience !== undefined) return audience;
  if (mode === 'identity-binding') return BINDING_AUDIENCE;
  const found = (cloud ?? CLOUDS[0])?.federatedAudience;
  if (found !== undefined) return found;
  throw new UsageError(`the cloud ${cloud?.name} accepts no tokens of service accounts`, {
    hint: 'use --mode node, or name the audience with --audience',
  });
}

/** The cloud of a host; `undefined` for a host of one's own. */
function findCloudOf(host: string): Cloud | undefined {
  const name = host.replace(/:\d+$/, '');
  return CLOUDS.find(({ registrySuffix }) => name.endsWith(`.${registrySuffix}`));
}
