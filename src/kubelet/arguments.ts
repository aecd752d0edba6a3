/** The arguments of the plug-in, which the kubelet's configuration has in `args`: those of AKS's own plug-in. */

import { isAbsolute } from 'node:path';
import { CredentialError } from '../errors.ts';
import { parseMirrors, type RegistryMirror } from './mirror.ts';

/** How the cluster's token proxy is reached, where pods sign in by identity bindings. */
export interface IdentityBinding {
  /** The proxy's name, which its certificate has. */
  readonly serverName: string;
  /** The address of the API server, behind which the proxy is. */
  readonly apiServer: string;
  /** For service accounts without an annotation. */
  readonly defaultClientId: string | undefined;
  readonly defaultTenantId: string | undefined;
  /** Absolute path of the PEM file with the cluster's certificate authority. */
  readonly certificateFile: string;
}

/** What the arguments say. */
export interface ProviderArguments {
  /** Absolute path of the cloud provider's file; `undefined` outside of Azure. */
  readonly azureJson: string | undefined;
  readonly mirrors: readonly RegistryMirror[];
  readonly binding: IdentityBinding | undefined;
  /** Whether this process was started to renew a token, and nobody reads its response. */
  readonly isRenewal: boolean;
}

/** The argument of a process that renews a token. */
export const RENEW_OPTION = '--renew';

const OPTIONS = [
  'registry-mirror',
  'ib-sni-name',
  'ib-apiserver-ip',
  'ib-default-client-id',
  'ib-default-tenant-id',
  'ib-ca-file',
] as const;
type Option = (typeof OPTIONS)[number];
/** Options of AKS's plug-in about its log, which this one does not write. */
const LOG_OPTIONS = ['v', 'vmodule', 'logging-format', 'log-flush-frequency'];
/** Where AKS nodes have it. */
const CERTIFICATE_FILE = '/etc/kubernetes/certs/ca.crt';

/**
 * Reads the arguments: options as `--name=value` or `--name value`, and at most one file.
 * @throws CONFIG_INVALID
 */
export function parseArguments(args: readonly string[]): ProviderArguments {
  const values = new Map<Option, string>();
  const files: string[] = [];
  let isRenewal = false;
  for (let index = 0; index < args.length; index += 1) {
    const arg = args[index] ?? '';
    if (arg === RENEW_OPTION) {
      isRenewal = true;
      continue;
    }
    const { name = '', value } = /^--?(?<name>[a-z][a-z-]*)(?:=(?<value>.*))?$/s.exec(arg)?.groups ?? {};
    const option = OPTIONS.find(
      (one) => one === name || (arg.startsWith('-r') && one === 'registry-mirror' && name === 'r'),
    );
    const isIgnored = LOG_OPTIONS.includes(name);
    if (name === '' && !arg.startsWith('-')) {
      files.push(arg);
      continue;
    }
    if (option === undefined && !isIgnored) throw invalid(`"${arg.slice(0, 60)}" is not an option of it`);
    if (value === undefined) index += 1;
    const given = value ?? args[index];
    if (given === undefined) throw invalid(`"${arg}" has no value`);
    if (option !== undefined && given !== '') values.set(option, given);
  }
  const [azureJson, other] = files;
  if (other !== undefined) throw invalid('there is more than one file');
  if (azureJson !== undefined && !isAbsolute(azureJson)) throw invalid('the file has no absolute path');
  return {
    azureJson,
    mirrors: parseMirrors(values.get('registry-mirror') ?? ''),
    binding: readBinding(values),
    isRenewal,
  };
}

function readBinding(values: ReadonlyMap<Option, string>): IdentityBinding | undefined {
  const serverName = values.get('ib-sni-name');
  const apiServer = values.get('ib-apiserver-ip');
  if (serverName === undefined) {
    const leftover = OPTIONS.find((option) => option.startsWith('ib-') && values.has(option));
    if (leftover === undefined) return undefined;
    throw invalid(`there is --${leftover}, but no --ib-sni-name`);
  }
  if (apiServer === undefined) throw invalid('there is --ib-sni-name, but no --ib-apiserver-ip');
  return {
    serverName,
    apiServer,
    defaultClientId: values.get('ib-default-client-id'),
    defaultTenantId: values.get('ib-default-tenant-id'),
    certificateFile: values.get('ib-ca-file') ?? CERTIFICATE_FILE,
  };
}

/** The error for a mistake in the arguments. */
export function invalid(problem: string): CredentialError {
  return new CredentialError('CONFIG_INVALID', `Cannot use the "args" of the kubelet's configuration: ${problem}`, {
    hint: 'print a right configuration: docker-credential-acr kubelet config --help',
  });
}
