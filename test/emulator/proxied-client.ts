/** A client of the emulator that goes through its proxy and trusts its authority, for the tests of the adapters. */
import { readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { type Dispatcher, ProxyAgent, request } from 'undici';
import type { Emulator } from './emulator.ts';
import { parseJsonRecord, parseString } from './json.ts';
import { TENANT_ID } from './state.ts';
import { LOGIN_SERVER, secretForm } from './test-client.ts';

export const V2_URL = `https://${LOGIN_SERVER}/v2/`;
export const TOKEN_URL = `https://login.microsoftonline.com/${TENANT_ID}/oauth2/v2.0/token`;

export interface Reply {
  readonly status: number;
  readonly headers: Dispatcher.ResponseData['headers'];
  readonly body: Buffer;
}

export interface Asking {
  readonly method?: Dispatcher.HttpMethod;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer | Readable;
}

export interface ProxiedClient {
  ask(url: string, asking?: Asking): Promise<Reply>;
  post(url: string, form: Record<string, string>): Promise<Reply>;
  /** Exchanges the client secret for an access token and returns its `Authorization` header. */
  bearerFor(scope: string): Promise<string>;
  close(): Promise<void>;
}

export async function createProxiedClient(emulator: Pick<Emulator, 'caFile' | 'proxyUrl'>): Promise<ProxiedClient> {
  const ca = await readFile(emulator.caFile, 'utf8');
  const dispatcher = new ProxyAgent({ uri: emulator.proxyUrl, requestTls: { ca }, connections: 1 });

  const ask = async (url: string, asking: Asking = {}): Promise<Reply> => {
    const { statusCode, headers, body } = await request(url, { dispatcher, ...asking });
    return { status: statusCode, headers, body: Buffer.from(await body.arrayBuffer()) };
  };
  const post = (url: string, form: Record<string, string>): Promise<Reply> =>
    ask(url, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(form).toString(),
    });
  const registryForm = { service: LOGIN_SERVER };
  return {
    ask,
    post,
    bearerFor: async (scope) => {
      const entra = member(await post(TOKEN_URL, secretForm()), 'access_token');
      const exchanged = await post(`https://${LOGIN_SERVER}/oauth2/exchange`, {
        ...registryForm,
        grant_type: 'access_token',
        access_token: entra,
      });
      const redeemed = await post(`https://${LOGIN_SERVER}/oauth2/token`, {
        ...registryForm,
        grant_type: 'refresh_token',
        scope,
        refresh_token: member(exchanged, 'refresh_token'),
      });
      return `Bearer ${member(redeemed, 'access_token')}`;
    },
    close: () => dispatcher.destroy(),
  };
}

/** A text member of a JSON answer. */
export function member(reply: Reply, name: string): string {
  return parseString(parseJsonRecord(reply.body.toString())?.[name]) ?? '';
}

/** A plain connection to the proxy. */
export function connectToProxy(emulator: Emulator): Socket {
  return connect(Number(new URL(emulator.proxyUrl).port), '127.0.0.1');
}

/** A TLS connection through the proxy, for details that a client library hides. */
export async function openTunnel(emulator: Emulator, host: string, protocols: string[] = []): Promise<TLSSocket> {
  const socket = connectToProxy(emulator);
  socket.write(`CONNECT ${host}:443 HTTP/1.1\r\n\r\n`);
  await new Promise((resolve) => socket.once('data', resolve));
  const ca = await readFile(emulator.caFile, 'utf8');
  const secured = connectTls({
    socket,
    servername: host,
    ca,
    ...(protocols.length === 0 ? {} : { ALPNProtocols: protocols }),
  });
  await new Promise((resolve) => secured.once('secureConnect', resolve));
  return secured;
}
