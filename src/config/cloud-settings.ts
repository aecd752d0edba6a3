/** Reads the clouds and custom registry hosts that the configuration adds. */

import { CLOUDS, type Cloud, createCloud } from '../clouds.ts';
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
 * @param host the requested server; only the entry whose suffix it has is read.
 * @returns the configured cloud of the host, if any, and then Azure's own clouds.
 * @throws CloudInvalid
 */
export function listClouds(config: ObjectReader, host: string): readonly Cloud[] {
  const entries = config.object('clouds');
  for (const [key, value] of Object.entries(entries)) {
    const suffix = parseHost(key.replace(/^\*?\./, ''));
    if (suffix === undefined || (host !== suffix && !host.endsWith(`.${suffix}`))) continue;
    try {
      const reader = config.within('clouds', entries).within(key, value);
      reader.allow(Object.keys(CLOUD_FIELDS));
      const { authorityHost, ...audiences } = reader.read(CLOUD_FIELDS);
      const authority = authorityHost === undefined ? {} : { authorityHost: formatBaseUrl(new URL(authorityHost)) };
      return [createCloud(suffix, { ...audiences, ...authority }), ...CLOUDS];
    } catch (cause) {
      throw new CloudInvalid('', { cause });
    }
  }
  return CLOUDS;
}
