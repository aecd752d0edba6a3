/** Reads the clouds and custom registry hosts that the configuration adds. */

import { CLOUDS, type Cloud, type CloudHosts, createCloud } from '../clouds.ts';
import { audience, type Fields, httpsUrl } from '../field.ts';
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
  if (CLOUDS.some(({ registrySuffix }) => `.${host}`.endsWith(`.${registrySuffix}`))) return CLOUDS;
  const entries = config.object('clouds');
  const found = findEntry(Object.keys(entries), host);
  if (found === undefined) return CLOUDS;
  const { key, hosts } = found;
  try {
    const reader = config.within('clouds', entries).within(key, entries[key]);
    reader.allow(Object.keys(CLOUD_FIELDS));
    const { authorityHost, ...audiences } = reader.read(CLOUD_FIELDS);
    const authority = authorityHost === undefined ? {} : { authorityHost: formatBaseUrl(new URL(authorityHost)) };
    return [createCloud(hosts, { ...audiences, ...authority }), ...CLOUDS];
  } catch (cause) {
    throw new CloudInvalid('', { cause });
  }
}

interface CloudEntry {
  readonly key: string;
  readonly hosts: CloudHosts;
}

function findEntry(keys: readonly string[], host: string): CloudEntry | undefined {
  let best: CloudEntry | undefined;
  for (const key of keys) {
    const hosts = parseKey(key);
    if (hosts === undefined) continue;
    const { registrySuffix, isOneHost } = hosts;
    if (isOneHost && host === registrySuffix) return { key, hosts };
    if (isOneHost || !host.endsWith(`.${registrySuffix}`)) continue;
    if (best === undefined || registrySuffix.length > best.hosts.registrySuffix.length) best = { key, hosts };
  }
  return best;
}

/** @returns `undefined` when the key is neither a host nor `*.` and a suffix. A host that starts with a hyphen is none. */
function parseKey(key: string): CloudHosts | undefined {
  const suffix = /^\*?\.(.*)$/s.exec(key)?.[1];
  const registrySuffix = parseHost(suffix ?? key);
  return registrySuffix === undefined || /^[.-]/.test(registrySuffix)
    ? undefined
    : { registrySuffix, isOneHost: suffix === undefined };
}
