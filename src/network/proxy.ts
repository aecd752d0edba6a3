/** Reads from the environment which proxy to use for a host. */

import { CredentialError } from '../errors.ts';
import { type Runtime, readVariable } from '../system/runtime.ts';
import { parseUrl } from '../url.ts';

/** In order of precedence. As in curl, the lower-case name is the older one and wins. */
const PROXY_VARIABLES = ['https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY'] as const;

/**
 * Finds the proxy for https requests to a host.
 * @returns `undefined` for a direct connection.
 * @throws CONFIG_INVALID when the variable is not the URL of an http or https proxy.
 */
export function findProxy(runtime: Runtime, host: string, port: number): URL | undefined {
  const name = PROXY_VARIABLES.find((candidate) => readVariable(runtime, candidate) !== undefined);
  const value = name === undefined ? undefined : readVariable(runtime, name);
  if (name === undefined || value === undefined) return undefined;
  const bypass = readVariable(runtime, 'no_proxy') ?? readVariable(runtime, 'NO_PROXY') ?? '';
  if (isBypassed(bypass, host, port)) return undefined;
  // As in curl, a name without a scheme means http.
  const url = parseUrl(/^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `http://${value}`);
  if (url !== undefined && ['http:', 'https:'].includes(url.protocol) && url.hostname !== '') {
    runtime.secrets.add(decodeLogin(url.password));
    return url;
  }
  throw new CredentialError('CONFIG_INVALID', `Cannot use ${name}: it is not the URL of an http or https proxy`, {
    hint: `set ${name}=http://HOST:PORT, or unset it`,
  });
}

/** Decodes the user name or password of a URL. Returns a text with broken percent-encoding unchanged. */
export function decodeLogin(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * Whether `NO_PROXY` covers a host. An entry is a host, a domain (with or without a leading dot or `*.`) or `*`, each
 * with an optional port.
 */
export function isBypassed(bypass: string, host: string, port: number): boolean {
  return bypass.split(/[\s,]+/).some((entry) => {
    const [, name = '', onlyPort] = /^(.*?)(?::(\d+))?$/.exec(entry.toLowerCase()) ?? [];
    if (name === '' || (onlyPort !== undefined && Number(onlyPort) !== port)) return false;
    if (name === '*') return true;
    const domain = name.replace(/^\*?\./, '');
    return host.endsWith(`.${domain}`) || (host === domain && !name.startsWith('*'));
  });
}
