/** Which proxy the environment names for a host. */

import { CredentialError } from '../errors.ts';
import { type Runtime, readVariable } from '../system/runtime.ts';

/** In the order of precedence; as curl has it, the lower-case name is the older and the stronger one. */
const PROXY_VARIABLES = ['https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY'] as const;

/**
 * The proxy for https to a host.
 * @returns `undefined` for a direct connection.
 * @throws CONFIG_INVALID when the variable names none that can be used.
 */
export function findProxy(runtime: Runtime, host: string, port: number): URL | undefined {
  const name = PROXY_VARIABLES.find((candidate) => readVariable(runtime, candidate) !== undefined);
  const value = name === undefined ? undefined : readVariable(runtime, name);
  if (name === undefined || value === undefined) return undefined;
  const bypass = readVariable(runtime, 'no_proxy') ?? readVariable(runtime, 'NO_PROXY') ?? '';
  if (isBypassed(bypass, host, port)) return undefined;
  // As for curl, a name without a scheme means http.
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `http://${value}`);
  if (url !== null && ['http:', 'https:'].includes(url.protocol) && url.hostname !== '') {
    runtime.secrets.add(decodeLogin(url.password));
    return url;
  }
  throw new CredentialError('CONFIG_INVALID', `Cannot use ${name}: it is not the URL of an http or https proxy`, {
    hint: `set ${name}=http://HOST:PORT, or unset it`,
  });
}

/** A user name or password of a URL; one that is not encoded as it should be is taken as it stands. */
export function decodeLogin(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * Whether `NO_PROXY` names a host: by itself, by a domain it is in (with or without a leading dot or `*.`), or by `*`;
 * each perhaps for one port only.
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
