/** Between the proxy and the pure handlers: reads requests, records them, applies faults and sends the answers. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { answerAcr } from './acr.ts';
import { registryHeaders } from './acr-error.ts';
import { answerMetadata } from './acr-metadata.ts';
import { answerArm } from './arm.ts';
import { answerEntra } from './entra.ts';
import { type Fault, type FaultList, formatFault } from './faults.ts';
import { parseAzureHost } from './hosts.ts';
import { type Answer, createRequest, type EmulatedRequest, type EmulatedResponse, jsonResponse } from './message.ts';

import { type ProxyHandlers, wait } from './proxy.ts';
import type { PendingRecord, Recorder } from './records.ts';
import { type Context, type EmulatorState, listSecrets } from './state.ts';
import type { Upstream } from './upstream.ts';

export interface ServerParts {
  readonly state: EmulatorState;
  readonly now: () => number;
  readonly faults: FaultList;
  readonly recorder: Recorder;
  readonly roundTripMs: number;
  readonly upstream: Upstream | undefined;
  readonly registryUrl: string | undefined;
}

export interface Server extends ProxyHandlers {
  /** Answers a request that came on no socket: the page that a person's browser opens. */
  visit(request: EmulatedRequest): EmulatedResponse;
}

/** Picks the service of a host and asks it; the proxy has already refused any host that is not Azure's. */
export function answerRequest(request: EmulatedRequest, context: Context): Answer {
  const host = parseAzureHost(request.host, context.state.extraHosts);
  switch (host?.kind) {
    case 'entra':
      return answerEntra(request, context);
    case 'arm':
      return answerArm(request, context);
    case 'acr':
    case 'acr-data':
      return answerAcr(host, request, context);
    case 'other':
      return host.answer(request, context);
    default:
      return { status: 421, headers: {}, body: '' };
  }
}

/** Answers the kinds of traffic that the proxy hands over. */
export function createServer(parts: ServerParts): Server {
  const { state, faults, recorder } = parts;
  return {
    visit: (request) => {
      const record = recorder.add('https', request);
      const answer = answerRequest(request, { state, now: parts.now(), requestId: randomUUID() });
      const page = typeof answer === 'string' ? { status: 404, headers: {}, body: '' } : answer;
      record.answered(page.status);
      record.ended();
      return page;
    },
    connect: async (target) => {
      recorder.addConnect(target);
      const [host = '', port = ''] = target.toLowerCase().split(':');
      const fault = faults.take('connect', { host, path: '', method: 'CONNECT' });
      await wait(fault?.delayMs ?? 0);
      if (fault?.reset === true) {
        return 'reset';
      }
      if (fault?.status !== undefined) {
        return { status: fault.status };
      }
      return port === '443' && isKnown(host, state) ? 'accept' : { status: 502 };
    },
    tunnelled: (message, response, expectsContinue) => serve(parts, message, response, expectsContinue),
    plain: async (message, response) => {
      const request = await readRequest(message, 'http', undefined);
      const record = recorder.add('http', request);
      record.answered(502);
      response.writeHead(502, { 'Content-Length': 0 }).end();
      record.ended();
    },
    own: (message, response) => answerOwn(parts, message, response),
  };
}

function isKnown(host: string, state: EmulatorState): boolean {
  const azure = parseAzureHost(host, state.extraHosts);
  return azure !== undefined && !('loginServer' in azure && state.missingRegistries.has(azure.loginServer));
}

async function serve(
  parts: ServerParts,
  message: IncomingMessage,
  response: ServerResponse,
  expectsContinue: boolean,
): Promise<void> {
  // Layers of an image are not held in memory; everything else is small.
  const isStream = (message.url ?? '').startsWith('/v2/');
  if (expectsContinue && !isStream) {
    response.writeContinue();
  }
  const request = await readRequest(message, 'https', isStream ? '' : undefined);
  const record = parts.recorder.add('https', request);
  response.on('close', () => record.ended());
  const context: Context = { state: parts.state, now: parts.now(), requestId: randomUUID() };
  const fault = parts.faults.take('request', request);
  await wait((fault?.delayMs ?? 0) + parts.roundTripMs);
  if (fault?.reset === true) {
    message.socket.destroy();
    return;
  }
  const answer = (fault === undefined ? undefined : formatFault(fault, request)) ?? answerRequest(request, context);
  if (answer === 'registry' && parts.upstream !== undefined) {
    if (expectsContinue) {
      response.writeContinue();
    }
    await parts.upstream.forward(message, response, request.host, context, record.answered);
    return;
  }
  // A client that was not told to go on may not send its body, so that nothing can follow on this connection.
  response.shouldKeepAlive &&= !(expectsContinue && isStream);
  send(await settle(answer, parts, request, context), { fault, record, message, response, context });
}

async function settle(
  answer: Answer,
  parts: ServerParts,
  request: EmulatedRequest,
  context: Context,
): Promise<EmulatedResponse> {
  switch (answer) {
    case 'metadata':
      return answerMetadata(parts.registryUrl, request, context);
    case 'registry':
      return request.path === '/v2/' || request.path === '/v2'
        ? jsonResponse(200, {}, registryHeaders(context))
        : jsonResponse(404, { errors: [{ code: 'NAME_UNKNOWN', message: 'unknown' }] }, registryHeaders(context));
    default:
      return answer;
  }
}

function send(
  answer: EmulatedResponse,
  to: {
    readonly fault: Fault | undefined;
    readonly record: PendingRecord;
    readonly message: IncomingMessage;
    readonly response: ServerResponse;
    readonly context: Context;
  },
): void {
  const { fault, message, response } = to;
  const { status, headers, body } = fault?.tamper?.(answer) ?? answer;
  const bytes = Buffer.from(body);
  const isChunked = Object.keys(headers).some((name) => name.toLowerCase() === 'transfer-encoding');
  response.writeHead(status, {
    // A client may compare this with its own clock.
    Date: new Date(to.context.now * 1000).toUTCString(),
    ...(isChunked && fault?.truncate === undefined ? {} : { 'Content-Length': `${bytes.length}` }),
    ...toMutable(headers, fault?.truncate !== undefined),
  });
  to.record.answered(status);
  if (fault?.truncate !== undefined) {
    response.write(bytes.subarray(0, fault.truncate), () => message.socket.destroy());
    return;
  }
  response.end(message.method === 'HEAD' ? undefined : bytes);
  // What is left of a refused upload is read and dropped, so that the client gets to the answer.
  message.resume();
}

function toMutable(headers: EmulatedResponse['headers'], withLength: boolean): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => !(withLength && name.toLowerCase() === 'transfer-encoding'))
      .map(([name, value]) => [name, typeof value === 'string' ? value : [...value]]),
  );
}

async function readRequest(
  message: IncomingMessage,
  scheme: 'https' | 'http',
  body: string | undefined,
): Promise<EmulatedRequest> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(message.headers)) {
    headers[name] = Array.isArray(value) ? value.join(', ') : (value ?? '');
  }
  const url = URL.parse(message.url ?? '/', `${scheme}://${headers['host'] ?? 'unknown'}`);
  return createRequest({
    method: message.method ?? 'GET',
    url: url?.href ?? `${scheme}://unknown/`,
    headers,
    body: body ?? (await text(message)),
  });
}

/** What another process may ask the emulator itself. */
function answerOwn(parts: ServerParts, message: IncomingMessage, response: ServerResponse): void {
  const route = `${message.method} ${message.url}`;
  const lists: Readonly<Record<string, () => readonly unknown[]>> = {
    'GET /_emulator/requests': parts.recorder.requests,
    'GET /_emulator/connects': parts.recorder.connects,
    'GET /_emulator/secrets': () => listSecrets(parts.state),
  };
  message.resume();
  if (route === 'DELETE /_emulator/requests') {
    parts.recorder.reset();
    response.writeHead(204).end();
    return;
  }
  const list = lists[route];
  if (list === undefined) {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(list()));
}
