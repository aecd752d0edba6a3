/** The arguments of the plug-in, which the kubelet's configuration has in `args`: those of AKS's own plug-in, and more. */

import { isAbsolute } from 'node:path';
import { isTenant } from '../entra/authority.ts';
import { CredentialError } from '../errors.ts';
import { isGuid } from '../field.ts';
import { parseMirrors, type RegistryMirror } from './mirror.ts';

/** How the cluster's token proxy is reached, where pods sign in by identity bindings. */
export interface IdentityBinding {
  /** The proxy's name, which its certificate has. */
  readonly serverName: string;
  /** The address of the API server, behind which the proxy is: an IP address without brackets, or a host. */
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
export const MIRROR_OPTION = '--registry-mirror';
/** The options of identity bindings from which a setting may come, as error messages name them. */
export const DEFAULT_CLIENT_OPTION = '--ib-default-client-id';
export const DEFAULT_TENANT_OPTION = '--ib-default-tenant-id';
export const CA_FILE_OPTION = '--ib-ca-file';

const SNI_NAME_OPTION = '--ib-sni-name';
const API_SERVER_OPTION = '--ib-apiserver-ip';
const BINDING_OPTIONS = [
  SNI_NAME_OPTION,
  API_SERVER_OPTION,
  DEFAULT_CLIENT_OPTION,
  DEFAULT_TENANT_OPTION,
  CA_FILE_OPTION,
];
/** Options of AKS's plug-in about its log, which this one does not write. */
const LOG_OPTIONS = ['--v', '--vmodule', '--logging-format', '--log-flush-frequency'];
const KNOWN_OPTIONS = [MIRROR_OPTION, ...BINDING_OPTIONS, ...LOG_OPTIONS];
/** The one-letter names, to which a value may be joined: `-v2`. */
const LETTERS: Readonly<Record<string, string>> = { r: MIRROR_OPTION, v: '--v' };

const LONG = /^(?<name>--[a-z][a-z-]*)(?:=(?<value>.*))?$/s;
const SHORT = /^-(?<letter>[a-z])=?(?<value>.*)$/s;
/** A host, or an IPv4 address. */
const HOST = /^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$/;
const IPV6 = /^\[?(?<address>[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:.]+)\]?$/;
/** Where AKS nodes have the certificate authority of their cluster. */
const CERTIFICATE_FILE = '/etc/kubernetes/certs/ca.crt';

/** The values of options by their long names. */
type Values = ReadonlyMap<string, string>;

/**
 * Reads the arguments: options as `--name=value` or `--name value`, of which the last counts, and at most one file.
 * @throws CONFIG_INVALID
 */
export function parseArguments(args: readonly string[]): ProviderArguments {
  const values = new Map<string, string>();
  const files: string[] = [];
  let isRenewal = false;
  for (let index = 0; index < args.length; index += 1) {
    const arg = args[index] ?? '';
    if (arg === RENEW_OPTION) isRenewal = true;
    else if (arg.startsWith('-')) {
      const { name, value = args[++index] } = parseOption(arg);
      if (value === undefined) throw invalid(`${name} has no value`);
      values.set(name, value);
    } else if (arg !== '') files.push(arg);
  }
  const [azureJson, other] = files;
  if (other !== undefined) throw invalid(`there is one file too many: "${other}"`);
  if (azureJson !== undefined && !isAbsolute(azureJson)) throw invalid(`"${azureJson}" is not an absolute path`);
  return { azureJson, mirrors: parseMirrors(values.get(MIRROR_OPTION) ?? ''), binding: readBinding(values), isRenewal };
}

function parseOption(arg: string): { readonly name: string; readonly value: string | undefined } {
  const { name, value } = LONG.exec(arg)?.groups ?? {};
  if (name !== undefined && KNOWN_OPTIONS.includes(name)) return { name, value };
  const { letter = '', value: joined } = SHORT.exec(arg)?.groups ?? {};
  const long = Object.hasOwn(LETTERS, letter) ? LETTERS[letter] : undefined;
  if (long !== undefined) return { name: long, value: joined === '' ? undefined : joined };
  throw invalid(`there is no option "${arg}"`);
}

function readBinding(values: Values): IdentityBinding | undefined {
  // An empty value is as good as none: templates leave it so.
  const read = (name: string) => values.get(name) || undefined;
  const serverName = read(SNI_NAME_OPTION);
  const apiServer = read(API_SERVER_OPTION);
  if (serverName === undefined) {
    const leftover = BINDING_OPTIONS.find((name) => read(name) !== undefined);
    if (leftover === undefined) return undefined;
    throw invalid(`there is ${leftover}, but no ${SNI_NAME_OPTION}`);
  }
  if (apiServer === undefined) throw invalid(`there is ${SNI_NAME_OPTION}, but no ${API_SERVER_OPTION}`);
  const check = (name: string, words: string, isValid: (value: string) => boolean) => {
    const value = read(name);
    if (value !== undefined && !isValid(value)) throw invalid(`${name} is not ${words}`);
    return value;
  };
  check(SNI_NAME_OPTION, 'a host name', (name) => HOST.test(name));
  check(API_SERVER_OPTION, 'an IP address or a host name', (name) => HOST.test(name) || IPV6.test(name));
  return {
    serverName,
    apiServer: IPV6.exec(apiServer)?.groups?.['address'] ?? apiServer,
    defaultClientId: check(DEFAULT_CLIENT_OPTION, 'the id of an application or a managed identity', isGuid),
    defaultTenantId: check(DEFAULT_TENANT_OPTION, 'the id or domain of a tenant', isTenant),
    certificateFile: check(CA_FILE_OPTION, 'an absolute path', isAbsolute) ?? CERTIFICATE_FILE,
  };
}

function invalid(problem: string): CredentialError {
  return new CredentialError('CONFIG_INVALID', `Cannot use the "args" of the kubelet's configuration: ${problem}`, {
    hint: 'docker-credential-acr kubelet config prints a configuration that works',
  });
}
