/**
 * Opens a tunnel through an HTTP proxy.
 *
 * Written by hand, without Node's HTTP client: that loads while the proxy is responding, which saves time.
 * @see https://www.rfc-editor.org/rfc/rfc9110#CONNECT
 */

import type { Socket } from 'node:net';
import { decodeLogin } from './proxy.ts';
import { HangUpError, TimeoutError } from './sockets.ts';

/** The proxy refused to open the tunnel. */
export class ProxyRefusal extends Error {
  override readonly name = 'ProxyRefusal';
  readonly status: number;

  constructor(status: number) {
    super(`the proxy responded with status ${status}`);
    this.status = status;
  }
}

const MAX_RESPONSE_BYTES = 16 * 1024;
const END_OF_HEAD = '\r\n\r\n';

/**
 * Asks the proxy for a tunnel to a target.
 * @param socket connected to the proxy.
 * @param target `host:port`.
 * @returns the same socket, now connected to the target.
 * @throws ProxyRefusal, TimeoutError, HangUpError, or the system's error.
 */
export function openTunnel(socket: Socket, proxy: URL, target: string, timeoutMs: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    let head = '';
    const end = (outcome: () => void) => {
      clearTimeout(timer);
      socket.off('data', read).off('error', fail).off('close', close).pause();
      outcome();
    };
    const fail = (cause: Error) => {
      end(() => reject(cause));
      socket.destroy();
    };
    const close = () => fail(new HangUpError('the proxy'));
    const read = (chunk: Buffer) => {
      head += chunk.toString('latin1');
      const length = head.indexOf(END_OF_HEAD);
      if (length < 0) {
        if (head.length > MAX_RESPONSE_BYTES) fail(new Error('the response of the proxy is too large'));
        return;
      }
      const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1] ?? 0);
      if (status < 200 || status > 299) return fail(new ProxyRefusal(status));
      // A TLS server waits for the client to speak first, so these bytes cannot come from the target.
      if (head.length > length + END_OF_HEAD.length) return fail(new Error('the proxy sent unexpected data'));
      end(() => resolve(socket));
    };
    const timer = setTimeout(() => fail(new TimeoutError()), timeoutMs);
    socket.on('data', read).once('error', fail).once('close', close);
    socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${formatLogin(proxy)}\r\n`);
  });
}

/** @see https://www.rfc-editor.org/rfc/rfc7617 */
function formatLogin({ username, password }: URL): string {
  if (username === '') return '';
  const login = Buffer.from(`${decodeLogin(username)}:${decodeLogin(password)}`).toString('base64');
  return `Proxy-Authorization: Basic ${login}\r\n`;
}
