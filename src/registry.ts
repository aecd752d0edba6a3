/** Decides whether a server URL names a registry of Azure, which may receive a token, and which one. */

import { CLOUDS, type Cloud } from './clouds.ts';

/** A registry of Azure Container Registry. */
export interface Registry {
  /** The requested login server in lower case: the only host to which requests for this registry go. */
  readonly host: string;
  /** The global login server, which is the `service` of its tokens. It differs from `host` for a regional endpoint. */
  readonly service: string;
  readonly cloud: Cloud;
}

/**
 * The registry's name, an optional hash (of the domain name label), and an optional `{region}.geo`.
 * @see https://learn.microsoft.com/azure/container-registry/container-registry-get-started-azure-cli (domain name
 * label)
 */
const LOGIN_SERVER = /^(?<name>[a-z0-9]{5,50}(?:-[a-z0-9]{1,57})?)(?:\.[a-z0-9]{2,63}\.geo)?$/;

/**
 * Optional scheme, host, optional port 443, and an optional path, which is ignored. A URL with anything else, such as a
 * user name, does not name a registry. Upper case is spelled out: for the `i` flag V8 reads 300 kB of tables.
 */
const SERVER_URL = /^(?:[Hh][Tt][Tt][Pp][Ss]?:\/\/)?(?<host>[A-Za-z0-9.-]+?)\.?(?::443)?(?:\/[A-Za-z0-9._/-]*)?$/;

const MAX_LABEL = 63;

/**
 * Parses a server URL in any form that clients send: `myregistry.azurecr.io`, with or without a scheme, port 443, a
 * path, upper case or a trailing dot.
 *
 * Compares whole labels and builds the result from them, so that a lookalike such as
 * `myregistry.azurecr.io.example.com` never receives a token.
 *
 * @param clouds the clouds to which the registry may belong. The first that matches decides.
 * @returns `undefined` when it is not a login server of Azure Container Registry.
 */
export function parseRegistry(serverUrl: string, clouds: readonly Cloud[] = CLOUDS): Registry | undefined {
  const host = parseHost(serverUrl);
  if (host === undefined) return undefined;
  const cloud = clouds.find(({ registrySuffix, isOneHost }) =>
    isOneHost ? host === registrySuffix : host.endsWith(`.${registrySuffix}`),
  );
  if (cloud === undefined) return undefined;
  if (cloud.isOneHost) return { host, service: host, cloud };
  const labels = host.slice(0, -cloud.registrySuffix.length - 1);
  const name = LOGIN_SERVER.exec(labels)?.groups?.['name'];
  if (name === undefined || name.length > MAX_LABEL) return undefined;
  return { host, service: `${name}.${cloud.registrySuffix}`, cloud };
}

/**
 * Reads the host of a server URL, in lower case and without a trailing dot.
 * @returns `undefined` for a URL with another port than 443, a user name, a query, or an IPv6 address.
 */
export function parseHost(serverUrl: string): string | undefined {
  return SERVER_URL.exec(serverUrl)?.groups?.['host']?.toLowerCase();
}
