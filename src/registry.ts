/** Tells from a server URL whether it names a registry that may be given a token, and which. */

import { CLOUDS, type Cloud } from './clouds.ts';

export interface Registry {
  /** The login server that was asked for, lower-case: the only host that requests for this registry go to. */
  readonly host: string;
  /** The global login server: the `service` of its tokens. Differs from `host` for a regional endpoint. */
  readonly service: string;
  readonly cloud: Cloud;
}

/**
 * The name, an optional domain name label's hash, an optional `{region}.geo`.
 * @see https://learn.microsoft.com/azure/container-registry/container-registry-get-started-azure-cli (domain name label)
 */
const LOGIN_SERVER = /^(?<name>[a-z0-9]{5,50}(?:-[a-z0-9]{1,57})?)(?:\.[a-z0-9]{2,63}\.geo)?$/;

/**
 * Scheme, host, port 443, and a path that is of no interest. Whatever else a URL may hold is not a registry's name.
 * Upper case is spelled out: for the `i` flag V8 reads a third of a megabyte of tables.
 */
const SERVER_URL = /^(?:[Hh][Tt][Tt][Pp][Ss]?:\/\/)?(?<host>[A-Za-z0-9.-]+?)\.?(?::443)?(?:\/[A-Za-z0-9._/-]*)?$/;

const MAX_LABEL = 63;

/**
 * Reads a server URL in any form that clients send: `myregistry.azurecr.io`, with scheme, port 443, path, upper case
 * or a trailing dot.
 *
 * Whole labels are compared and the result is rebuilt from them, so that a lookalike such as
 * `myregistry.azurecr.io.example.com` is never sent a token.
 *
 * @param clouds those that own a registry; a cloud whose suffix is the whole host is a registry of its own.
 * @returns `undefined` when it is not a login server of Azure Container Registry.
 */
export function parseRegistry(serverUrl: string, clouds: readonly Cloud[] = CLOUDS): Registry | undefined {
  const host = parseHost(serverUrl);
  if (host === undefined) return undefined;
  const own = clouds.find(({ registrySuffix }) => host === registrySuffix);
  if (own !== undefined && !CLOUDS.includes(own)) return { host, service: host, cloud: own };
  const cloud = clouds.find(({ registrySuffix }) => host.endsWith(`.${registrySuffix}`));
  if (cloud === undefined) return undefined;
  const labels = host.slice(0, -cloud.registrySuffix.length - 1);
  const name = LOGIN_SERVER.exec(labels)?.groups?.['name'];
  if (name === undefined || name.length > MAX_LABEL) return undefined;
  return { host, service: `${name}.${cloud.registrySuffix}`, cloud };
}

/** The host of a server URL, lower-case and without a trailing dot; `undefined` for what is no plain name. */
export function parseHost(serverUrl: string): string | undefined {
  return SERVER_URL.exec(serverUrl)?.groups?.['host']?.toLowerCase();
}
