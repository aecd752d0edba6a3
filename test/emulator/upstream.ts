/** Streams requests through to a real `docker-registry`, and makes its links look like those of the emulated host. */
import {
  Agent,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import { pipeline } from 'node:stream';
import { registryHeaders } from './acr-error.ts';
import type { Context } from './state.ts';

const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authorization',
  'te',
  'trailer',
  'upgrade',
  'expect',
  // The registry behind knows nothing of ACR's tokens.
  'authorization',
]);

export interface Upstream {
  /** @returns when the answer is through; its status, 502 when there was none, is told before it is sent. */
  forward(
    request: IncomingMessage,
    response: ServerResponse,
    host: string,
    context: Context,
    answered: (status: number) => void,
  ): Promise<void>;
  close(): void;
}

export function createUpstream(registryUrl: string): Upstream {
  const agent = new Agent({ keepAlive: true });
  return {
    forward: (request, response, host, context, answered) =>
      new Promise((resolve) => {
        const asked = URL.parse(request.url ?? '/', registryUrl);
        // Only path and query are the client's to choose.
        const target = new URL(registryUrl);
        target.pathname = asked?.pathname ?? '/';
        target.search = asked?.search ?? '';
        const outgoing = httpRequest(target, {
          method: request.method ?? 'GET',
          agent,
          headers: { ...withoutHopByHop(request.headers), host, 'x-forwarded-proto': 'https' },
        });
        outgoing.on('response', (incoming) => {
          const status = incoming.statusCode ?? 502;
          answered(status);
          const location = incoming.headers.location;
          response.writeHead(status, {
            ...registryHeaders(context),
            ...withoutHopByHop(incoming.headers),
            ...(location === undefined ? {} : { location: rewriteLocation(location, host) }),
          });
          // A client that hangs up ends the pipeline with an error, which is its own business.
          pipeline(incoming, response, () => resolve());
        });
        outgoing.on('error', () => {
          if (response.headersSent) {
            response.destroy();
          } else {
            answered(502);
            response.writeHead(502).end();
          }
          resolve();
        });
        response.on('close', () => outgoing.destroy());
        pipeline(request, outgoing, () => undefined);
      }),
    close: () => agent.destroy(),
  };
}

function rewriteLocation(location: string, host: string): string {
  const url = URL.parse(location, `https://${host}`);
  return url === null ? location : `https://${host}${url.pathname}${url.search}`;
}

function withoutHopByHop(headers: IncomingHttpHeaders): Record<string, string | string[]> {
  const kept: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !HOP_BY_HOP.has(name)) {
      kept[name] = value;
    }
  }
  return kept;
}
