/** Judges the endpoints that the environment names, before a secret or a request for a token goes there. */

import { isIPv4 } from 'node:net';
import { CredentialError } from '../../errors.ts';
import { parsePlainUrl } from '../../network/plain-url.ts';
import type { NamedEndpoint, TokenService } from './request.ts';

/**
 * `https`: nothing else. `nearby`: plain http too, where it does not leave the machine or its host.
 * `named`: plain http to wherever the environment says, since platforms give out in-cluster addresses.
 */
export type EndpointRule = 'https' | 'nearby' | 'named';

/** @throws IDENTITY_INVALID */
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
  if (endpoint.protocol === 'https:' || rule === 'named') return endpoint;
  if (rule === 'https') throw refuse('is not an https URL');
  if (!isNearby(endpoint.hostname)) throw refuse('is a plain http URL of another machine');
  return endpoint;
}

/** The endpoint with these fields in its query. */
export function addQuery(endpoint: URL, fields: Readonly<Record<string, string>>): string {
  const url = new URL(endpoint);
  for (const [name, value] of Object.entries(fields)) url.searchParams.set(name, value);
  return url.href;
}

/** Whether packets to the host stay on this machine or its link. */
function isNearby(hostname: string): boolean {
  if (isIPv4(hostname)) return /^(127|169\.254)\./.test(hostname);
  return hostname === 'localhost' || hostname === '[::1]' || /^\[fe[89ab][0-9a-f]:/.test(hostname);
}
