/** How a connection is made: through which proxy, and which certificates are trusted. */

import { createSecureContext, getCACertificates, rootCertificates } from 'node:tls';
import connect from 'undici/lib/api/api-connect.js';
import request from 'undici/lib/api/api-request.js';
import Agent from 'undici/lib/dispatcher/agent.js';
import Dispatcher from 'undici/lib/dispatcher/dispatcher.js';
import EnvHttpProxyAgent from 'undici/lib/dispatcher/env-http-proxy-agent.js';
import { createPinnedConnector } from './certificate-pin.ts';
import { CredentialError, describeCause } from './errors.ts';
import { readForeignFile } from './files.ts';
import { type Machine, readVariable } from './machine.ts';

/** Node's own list of certificates, or the system's store as well. */
export type Trust = 'bundled' | 'system';

/** A server that is reached past every proxy. */
export interface DirectConnection {
  /** PEM certificates that are trusted instead of the machine's. */
  readonly certificates?: string;
  /** The name that the server's certificate has, where it is not the URL's. */
  readonly serverName?: string;
  /** The SHA-1 of the one certificate that it may show, whoever issued that: 40 lower-case hexadecimal digits. */
  readonly certificateSha1?: string;
}

const LARGEST_CERTIFICATES_BYTES = 8 * 1024 * 1024;

// What undici's index would do; the proxy's dispatcher relies on `connect`.
Dispatcher.prototype.connect = connect;
Dispatcher.prototype.request = request;

/** @throws CONFIG_INVALID when a variable names what cannot be used. */
export function createDispatcher(
  machine: Machine,
  trust: Trust,
  connectTimeoutMs: number,
  direct?: DirectConnection,
): Dispatcher {
  if (direct?.certificateSha1 !== undefined) {
    return new Agent({ connect: createPinnedConnector(direct.certificateSha1, connectTimeoutMs) });
  }
  const certificates = direct?.certificates === undefined ? findCertificates(machine, trust) : [direct.certificates];
  const tls = {
    timeout: connectTimeoutMs,
    // Made once: each connection would parse the list again.
    ...(certificates === undefined ? {} : { secureContext: createSecureContext({ ca: certificates }) }),
  };
  if (direct !== undefined) {
    const { serverName } = direct;
    return new Agent({ connect: serverName === undefined ? tls : { ...tls, servername: serverName } });
  }
  const proxy = findProxy(machine);
  if (proxy === undefined) return new Agent({ connect: tls });
  return new EnvHttpProxyAgent({
    httpProxy: '', // only https is spoken, and HTTP_PROXY is not meant for it
    httpsProxy: proxy,
    noProxy: readVariable(machine, 'no_proxy') ?? readVariable(machine, 'NO_PROXY') ?? '',
    connect: tls,
    requestTls: tls,
    proxyTls: tls,
  });
}

function findProxy(machine: Machine): string | undefined {
  const names = ['https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY'];
  const name = names.find((candidate) => readVariable(machine, candidate) !== undefined);
  const proxy = name === undefined ? undefined : readVariable(machine, name);
  if (name === undefined || proxy === undefined) return undefined;
  // As curl does, a name without a scheme means http.
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(proxy) ? proxy : `http://${proxy}`);
  if (url !== null && ['http:', 'https:', 'socks5:', 'socks:'].includes(url.protocol) && url.hostname !== '')
    return url.href;
  throw new CredentialError('CONFIG_INVALID', `Cannot use ${name}: it is not the URL of a proxy`, {
    hint: `set ${name}=http://HOST:PORT, or unset it`,
  });
}

/** @returns `undefined` for Node's own list, which is loaded faster when it is not named. */
function findCertificates(machine: Machine, trust: Trust): string[] | undefined {
  const extra = readVariable(machine, 'NODE_EXTRA_CA_CERTS');
  const system = trust === 'system' ? getCACertificates('system') : [];
  if (extra === undefined && system.length === 0) return undefined;
  return [...rootCertificates, ...system, ...(extra === undefined ? [] : [readCertificates(extra)])];
}

function readCertificates(file: string): string {
  try {
    const text = readForeignFile(file, LARGEST_CERTIFICATES_BYTES);
    if (text?.includes('-----BEGIN CERTIFICATE-----') === true) return text;
    throw new Error(text === undefined ? 'there is no such file' : 'it holds no certificate');
  } catch (cause) {
    throw new CredentialError('CONFIG_INVALID', `Cannot use NODE_EXTRA_CA_CERTS ${file}: ${describeCause(cause)}`, {
      hint: 'set NODE_EXTRA_CA_CERTS to a PEM file, or unset it',
    });
  }
}
