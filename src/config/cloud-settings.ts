/** The clouds and registries that only the configuration knows. */

import { CLOUDS, type Cloud, createCloud } from '../clouds.ts';
import { audience, type Fields, httpsUrl } from '../field.ts';
import { parseHost } from '../registry.ts';
import type { ObjectReader } from './object-reader.ts';

export const CLOUD_FIELDS = {
  authorityHost: httpsUrl('Base URL of Entra ID or AD FS.'),
  audience: audience(
    'What an Entra token for the registry is asked for.',
    'a URL such as "https://containerregistry.azure.net"',
  ),
  federatedAudience: audience(
    "What a CI's own token has to be made for.",
    'a URI such as "api://AzureADTokenExchange"',
  ),
} satisfies Fields;

/** A cloud's entry that concerns the registry asked for, and is wrong. */
export class CloudInvalid extends Error {}

/**
 * @param host the registry that is asked for: only the entry that may own it is looked at.
 * @returns Azure's own clouds, and before them the configured one.
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
      return [createCloud(suffix, reader.read(CLOUD_FIELDS)), ...CLOUDS];
    } catch (cause) {
      throw new CloudInvalid('', { cause });
    }
  }
  return CLOUDS;
}
