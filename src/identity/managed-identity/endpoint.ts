/** Checks the endpoints that the environment names before any request is sent to them. */

import { CredentialError } from '../../errors.ts';
import { parsePlainUrl } from '../../network/plain-url.ts';
import { isNearby, isPrivate } from './nearby-host.ts';
import type { NamedEndpoint, TokenService } from './request.ts';

/**
 * Which URLs are accepted. `https`: https only. `nearby`: also plain http to this machine or its link. `private`: also
 * plain http within a private network, since platforms set addresses inside a cluster.
 */
export type EndpointRule = 'https' | 'nearby' | 'private';

/**
 * Parses an endpoint's URL and checks it.
 * @throws IDENTITY_INVALID when it is not a plain URL or violates the rule.
 */
export function parseEndpoint(
  service: TokenService,
  { url, variable = 'the endpoint' }: NamedEndpoint,
  rule: EndpointRule,
): URL {
  const refuse = (what: string) =>
    new CredentialError('IDENTITY_INVALID', `${variable} ${what}`, {
      hint: `unset ${variable}, or set it as ${service.name} does`,
    });
  const endpoint = parsePlainUrl(url, { protocols: ['http:', 'https:'], query: true });
  if (endpoint === undefined) throw refuse('is not an http URL');
  if (endpoint.protocol === 'https:') return endpoint;
  if (rule === 'https') throw refuse('is not an https URL');
  if (rule === 'private' ? isPrivate(endpoint.hostname) : isNearby(endpoint.hostname)) return endpoint;
  throw refuse(
    `is a plain http URL that leads ${rule === 'private' ? 'out of the private network' : 'to another machine'}`,
  );
}

/** Sets fields in the query of a URL. */
export function addQuery(endpoint: URL, fields: Readonly<Record<string, string>>): string {
  const url = new URL(endpoint);
  for (const [name, value] of Object.entries(fields)) url.searchParams.set(name, value);
  return url.href;
}
