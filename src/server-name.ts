/** The one name under which a server's credential is kept, whatever form a client names the server in. */

import type { Registry } from './registry.ts';

/** A host, perhaps with a scheme and a port, and nothing that tells it from another server on the same host. */
const PLAIN_SERVER = /^(?:[Hh][Tt][Tt][Pp][Ss]?:\/\/)?(?<host>\[[0-9A-Fa-f:.]+\]|[^\s/?#@:[\]]+?)\.?(?<port>:\d+)?\/?$/;

/**
 * Clients name one server as `host`, `https://host`, `host:443` and more, and `docker logout` in all these ways.
 * A URL with a path is its own name: `https://index.docker.io/v1/` and `…/v1/access-token` are two things to Docker.
 *
 * @param registry what the server URL means where it is Azure's: all its endpoints share one credential.
 */
export function parseServerName(serverUrl: string, registry: Registry | undefined): string {
  if (registry !== undefined) return registry.service;
  const { host, port = '' } = PLAIN_SERVER.exec(serverUrl)?.groups ?? {};
  return host === undefined ? serverUrl : `${host.toLowerCase()}${port === ':443' ? '' : port}`;
}
