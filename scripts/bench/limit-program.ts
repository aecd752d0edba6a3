/**
 * The least that a program on this Node must do for a cold `get`: open two TLS connections side by side through the
 * proxy, send one request to Entra and one to the registry. It has no checks, no cache, no lock, no HTTP client and no
 * error messages. The additional time of our program is what we could still save.
 */

import { once } from 'node:events';
import { readFileSync, writeSync } from 'node:fs';
import { connect as connectTcp, isIP } from 'node:net';
import type { TLSSocket } from 'node:tls';

const ENTRA = 'login.microsoftonline.com';
const { HTTPS_PROXY = '', AZURE_TENANT_ID = '', AZURE_CLIENT_ID = '', AZURE_CLIENT_SECRET = '' } = process.env;

async function openTls(host: string): Promise<TLSSocket> {
  const { hostname, port } = new URL(HTTPS_PROXY);
  const tcp = connectTcp({ host: hostname, port: Number(port), noDelay: true });
  const opened = once(tcp, 'data');
  tcp.write(`CONNECT ${host}:443 HTTP/1.1\r\nHost: ${host}:443\r\n\r\n`, prepareTls);
  await opened;
  const { connect } = await import('node:tls');
  const tls = connect({ socket: tcp, servername: host, ALPNProtocols: ['http/1.1'] });
  await once(tls, 'secureConnect');
  return tls;
}

/** Loads TLS, parses the certificate list and makes Node compile its address pattern while the proxy is responding. */
function prepareTls(): void {
  isIP('name');
  void import('node:tls').then(({ createSecureContext }) => createSecureContext());
}

/** @returns the value of `field` in the response. */
function post(tls: TLSSocket, host: string, path: string, fields: Record<string, string>, field: string) {
  const body = Object.entries(fields)
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join('&');
  const head = `POST ${path} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/x-www-form-urlencoded\r\n`;
  tls.write(`${head}Content-Length: ${body.length}\r\n\r\n${body}`);
  return new Promise<string>((resolve) => {
    let answer = '';
    tls.on('data', (chunk: Buffer) => {
      answer += chunk.toString('latin1');
      const value = new RegExp(`"${field}":"([^"]+)"`).exec(answer)?.[1];
      if (value !== undefined) resolve(value);
    });
  });
}

async function main(): Promise<void> {
  const host = readFileSync(0, 'utf8').trim();
  const entra = openTls(ENTRA);
  const registry = openTls(host);
  const client = { client_id: AZURE_CLIENT_ID, client_secret: AZURE_CLIENT_SECRET, grant_type: 'client_credentials' };
  const access_token = await post(
    await entra,
    ENTRA,
    `/${AZURE_TENANT_ID}/oauth2/v2.0/token`,
    { ...client, scope: 'https://containerregistry.azure.net/.default' },
    'access_token',
  );
  const exchange = { grant_type: 'access_token', service: host, access_token };
  const token = await post(await registry, host, '/oauth2/exchange', exchange, 'refresh_token');
  writeSync(1, `{"ServerURL":"${host}","Username":"00000000-0000-0000-0000-000000000000","Secret":"${token}"}\n`);
  process.exit(0);
}

void main();
