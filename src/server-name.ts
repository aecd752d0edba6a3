/** Maps all forms in which clients name a server to one name, under which its credential is stored. */

import type { Registry } from './registry.ts';

/** A host with an optional scheme and port, and nothing else that distinguishes servers on the same host. */
const PLAIN_SERVER =
  /^(?:[Hh][Tt][Tt][Pp][Ss]?:\/\/)?(?<host>\[[0-9A-Fa-f:.]+\]|[^\s/?#@:[\]]*[^\s/?#@:[\].])\.?(?<port>:\d+)?\/?$/;

const INSECURE = /^[Hh][Tt][Tt][Pp]:\/\//;

/**
 * Returns the server name of a server URL. Clients name one server as `host`, `https://host`, `host:443` and more.
 * `http://host` is another server, since anyone on the way can answer for it: it must not get what was typed for the
 * first. A logout erases both. A URL with a path is a name of its own, since Docker treats
 * `https://index.docker.io/v1/` and `…/v1/access-token` as two servers.
 *
 * @param registry the registry of the server URL, if it is Azure's: all endpoints of a registry share one name.
 */
export function parseServerName(serverUrl: string, registry: Registry | undefined): string {
  const scheme = INSECURE.test(serverUrl) ? 'http://' : '';
  if (registry !== undefined) return `${scheme}${registry.service}`;
  const { host, port = '' } = PLAIN_SERVER.exec(serverUrl)?.groups ?? {};
  const defaultPort = scheme === '' ? ':443' : ':80';
  return host === undefined ? serverUrl : `${scheme}${host.toLowerCase()}${port === defaultPort ? '' : port}`;
}
