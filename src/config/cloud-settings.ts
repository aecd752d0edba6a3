/** Reads the clouds and custom registry hosts that the configuration adds. */

import { CLOUDS, type Cloud, type CloudHosts, createCloud } from '../clouds.ts';
import { audience, type Fields, httpsUrl, type Values } from '../field.ts';
import { formatBaseUrl } from '../network/plain-url.ts';
import { parseHost } from '../registry.ts';
import type { ObjectReader } from './object-reader.ts';

/** The fields of a cloud's entry. */
export const CLOUD_FIELDS = {
  authorityHost: httpsUrl('Base URL of Entra ID or AD FS.'),
  audience: audience(
    'The audience of an Entra token for the registry.',
    'a URL such as "https://containerregistry.azure.net"',
  ),
  federatedAudience: audience(
    'The audience of the token that a CI system issues for signing in to Entra.',
    'a URI such as "api://AzureADTokenExchange"',
  ),
} satisfies Fields;

/** The cloud entry of the requested registry has a mistake. `cause` is the CONFIG_INVALID error. */
export class CloudInvalid extends Error {}

/**
 * Lists the clouds to which a host may belong.
 * @param host the requested server. Only one entry is read: the one with exactly this name, else the one with the
 * longest suffix.
 * @returns the configured cloud of the host, if any, and then Azure's own clouds.
 * @throws CloudInvalid
 */
export function listClouds(config: ObjectReader, host: string): readonly Cloud[] {
  // An entry for `*.io` must not redirect what lies below `azurecr.io`.
  if (isAzureHost(host)) return CLOUDS;
  const entries = config.object('clouds');
  const found = findEntry(Object.keys(entries), host);
  if (found === undefined) return CLOUDS;
  const { key, hosts } = found;
  try {
    const { authorityHost, ...audiences } = readCloud(config.within('clouds', entries).within(key, entries[key]));
    const authority = authorityHost === undefined ? {} : { authorityHost: formatBaseUrl(new URL(authorityHost)) };
    return [createCloud(hosts, { ...audiences, ...authority }), ...CLOUDS];
  } catch (cause) {
    throw new CloudInvalid('', { cause });
  }
}

/** Reads the entry of a cloud. @throws CONFIG_INVALID */
export function readCloud(entry: ObjectReader): Values<typeof CLOUD_FIELDS> {
  entry.allow(Object.keys(CLOUD_FIELDS));
  return entry.read(CLOUD_FIELDS);
}

/** Whether a host lies below the suffix of one of Azure's own clouds, which no entry can change. */
export function isAzureHost(host: string): boolean {
  return CLOUDS.some(({ registrySuffix }) => `.${host}`.endsWith(`.${registrySuffix}`));
}

interface CloudEntry {
  readonly key: string;
  readonly hosts: CloudHosts;
}

function findEntry(keys: readonly string[], host: string): CloudEntry | undefined {
  let best: CloudEntry | undefined;
  for (const key of keys) {
    const hosts = parseCloudKey(key);
    if (hosts === undefined) continue;
    const { registrySuffix, isOneHost } = hosts;
    if (isOneHost && host === registrySuffix) return { key, hosts };
    if (isOneHost || !host.endsWith(`.${registrySuffix}`)) continue;
    if (best === undefined || registrySuffix.length > best.hosts.registrySuffix.length) best = { key, hosts };
  }
  return best;
}

/**
 * Reads which hosts a key of `"clouds"` is about.
 * @returns `undefined` when the key is neither a host nor `*.` and a suffix. A host that starts with a hyphen is none.
 */
export function parseCloudKey(key: string): CloudHosts | undefined {
  const suffix = /^\*?\.(.*)$/s.exec(key)?.[1];
  const registrySuffix = parseHost(suffix ?? key);
  return registrySuffix === undefined || /^[.-]/.test(registrySuffix)
    ? undefined
    : { registrySuffix, isOneHost: suffix === undefined };
}
