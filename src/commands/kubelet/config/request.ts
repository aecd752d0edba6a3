/** Makes a request for a configuration of what a person typed. */

import { isIP } from 'node:net';
import { isAbsolute } from 'node:path';
import { CLOUDS, type Cloud } from '../../../clouds.ts';
import { isGuid } from '../../../field.ts';
import { PROVIDER_PREFIX } from '../../../helper-name.ts';
import { parseMirrors, type RegistryMirror } from '../../../kubelet/mirror.ts';
import { UsageError } from '../../../terminal/failure.ts';
import { explainFutility, parsePattern } from '../image-pattern.ts';
import { formatMinor, NEWEST_MINOR, parseMinor } from '../kubernetes-version.ts';
import type { Mode } from './mode.ts';
import { type ConfigRequest, nameCloud, type Variable } from './provider-config.ts';

/** The options of the command. */
export interface ConfigOptions {
  readonly kubernetesVersion?: string | undefined;
  readonly mode?: Mode | undefined;
  readonly name?: string | undefined;
  readonly cloud?: readonly string[] | undefined;
  readonly registry?: readonly string[] | undefined;
  readonly registryMirror?: readonly string[] | undefined;
  readonly azureJson?: string | undefined;
  readonly configFile?: string | undefined;
  readonly cacheDir?: string | undefined;
  readonly requireServiceAccount?: true | undefined;
  readonly audience?: string | undefined;
  readonly ibSniName?: string | undefined;
  readonly ibApiserverIp?: string | undefined;
  readonly ibDefaultClientId?: string | undefined;
  readonly ibDefaultTenantId?: string | undefined;
  readonly ibCaFile?: string | undefined;
}

const HOST = /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
const AUDIENCE = /^[0-9a-zA-Z._:/-]{1,300}$/;

/** Reads the options. @throws UsageError for a value that the kubelet or the plug-in would refuse. */
export function readRequest(options: ConfigOptions): ConfigRequest {
  const { name = PROVIDER_PREFIX, mode = 'node', kubernetesVersion, audience } = options;
  if (!NAME.test(name)) throw invalid('--name', 'a file name', 'letters, digits, dots, hyphens and underscores');
  if (mode === 'node') {
    if (options.requireServiceAccount === true) throw needsMode('--require-service-account');
    if (audience !== undefined) throw needsMode('--audience');
  }
  if (audience !== undefined && !AUDIENCE.test(audience)) {
    throw invalid('--audience', 'an audience', 'such as api://AzureADTokenExchange');
  }
  return {
    minor: readMinor(kubernetesVersion),
    ...{ mode, name, audience },
    clouds: (options.cloud ?? []).map(findCloud),
    registries: (options.registry ?? []).map(readHost),
    mirrors: (options.registryMirror ?? []).flatMap(readMirrors),
    azureJson: readPath('--azure-json', options.azureJson),
    bindingArguments: readBinding(options, mode),
    isServiceAccountRequired: options.requireServiceAccount === true,
    env: readVariables(options),
  };
}

function readMinor(text: string | undefined): number {
  if (text === undefined) return NEWEST_MINOR;
  const minor = parseMinor(text);
  if (minor === undefined) {
    throw invalid('--kubernetes-version', 'a version of Kubernetes', `such as ${formatMinor(NEWEST_MINOR).slice(11)}`);
  }
  return minor;
}

function findCloud(text: string): Cloud {
  const found = CLOUDS.find((cloud) => nameCloud(cloud) === text.toLowerCase());
  if (found !== undefined) return found;
  throw invalid('--cloud', 'a cloud of Azure', `one of ${CLOUDS.map(nameCloud).join(', ')}`);
}

function readHost(text: string): string {
  const host = text.toLowerCase();
  const pattern = parsePattern(host);
  if (pattern?.path === '' && explainFutility(host) === undefined) return host;
  throw invalid(
    '--registry',
    'a host with an optional port',
    'such as myregistry.azurecr.io or registry.example.com:5000',
  );
}

function readMirrors(text: string): readonly RegistryMirror[] {
  try {
    const mirrors = parseMirrors(text);
    if (mirrors.every(({ source, target }) => [source, target].every((one) => explainFutility(one) === undefined))) {
      return mirrors;
    }
  } catch {
    // What the plug-in says of it is for the kubelet's log.
  }
  throw invalid(
    '--registry-mirror',
    'two registries',
    'SOURCE:MIRROR, such as mcr.microsoft.com:myregistry.azurecr.io',
  );
}

function readPath(option: string, path: string | undefined): string | undefined {
  if (path === undefined || isAbsolute(path)) return path;
  throw invalid(option, 'an absolute path', "the kubelet's working directory is another one");
}

function readBinding(options: ConfigOptions, mode: Mode): readonly string[] {
  const { ibSniName, ibApiserverIp, ibDefaultClientId, ibDefaultTenantId, ibCaFile } = options;
  const given = [
    ['--ib-sni-name', ibSniName],
    ['--ib-apiserver-ip', ibApiserverIp],
    ['--ib-default-client-id', ibDefaultClientId],
    ['--ib-default-tenant-id', ibDefaultTenantId],
    ['--ib-ca-file', ibCaFile],
  ].flatMap(([option = '', value]) => (value === undefined ? [] : [[option, value] as const]));
  const [first] = given;
  if (mode !== 'identity-binding') {
    if (first === undefined) return [];
    throw new UsageError(`${first[0]} needs --mode identity-binding`, { hint: 'add --mode identity-binding' });
  }
  if (ibSniName === undefined || ibApiserverIp === undefined) {
    throw new UsageError('--mode identity-binding needs --ib-sni-name and --ib-apiserver-ip', {
      hint: "on an AKS node, both stand in the kubelet's own configuration: see --image-credential-provider-config",
    });
  }
  if (!HOST.test(ibSniName)) throw invalid('--ib-sni-name', 'a host name', 'such as NAME.oidc.example.com');
  if (isIP(ibApiserverIp) === 0) throw invalid('--ib-apiserver-ip', 'an IP address', 'such as 10.0.0.1');
  for (const [option, id] of [
    ['--ib-default-client-id', ibDefaultClientId],
    ['--ib-default-tenant-id', ibDefaultTenantId],
  ] as const) {
    if (id !== undefined && !isGuid(id)) throw invalid(option, 'an id', 'such as 00000000-0000-0000-0000-000000000000');
  }
  readPath('--ib-ca-file', ibCaFile);
  return given.map(([option, value]) => `${option}=${value}`);
}

function readVariables({ configFile, cacheDir }: ConfigOptions): readonly Variable[] {
  const config = readPath('--config-file', configFile);
  const cache = readPath('--cache-dir', cacheDir);
  return [
    ...(config === undefined ? [] : [{ name: 'DOCKER_CREDENTIAL_ACR_CONFIG', value: config }]),
    ...(cache === undefined ? [] : [{ name: 'DOCKER_CREDENTIAL_ACR_CACHE_DIR', value: cache }]),
  ];
}

function needsMode(option: string): UsageError {
  return new UsageError(`${option} needs a mode with tokens of service accounts`, {
    hint: 'add --mode service-account',
  });
}

function invalid(option: string, what: string, hint: string): UsageError {
  return new UsageError(`the value of ${option} is not ${what}`, { hint });
}
