/** How long the client waits before it asks again: never beyond its deadline, whatever `Retry-After` says. */
import { createServer, type Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CredentialError } from '../../src/errors.ts';
import { createHttpClient } from '../../src/network/http-client.ts';
import { readClockMs } from '../../src/system/clock.ts';
import { makeRuntime } from '../unit/runtime.ts';
import { mutated } from './mutate.ts';
import { RUN_OPTIONS } from './runs.ts';

const BUDGET_MS = 40;
/** What a busy machine adds. */
const SLACK_MS = 900;
const MAX_ATTEMPTS = 3;
/** The pause without a header is longer than the whole budget of these tests. */
const LONGEST_WAIT_MS = 10_000;

let retryAfter = '';
let runs = 0;
let requests = 0;
let server: Server;
let port = 0;

beforeAll(async () => {
  server = createServer(({ url }, response) => {
    // On a busy machine a request of an earlier run may come late.
    if (url === `/${runs}`) requests += 1;
    response.writeHead(429, { 'Retry-After': retryAfter, 'Content-Length': 0 }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  port = typeof address === 'object' && address !== null ? address.port : 0;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

/** Sends one request with a small budget. */
async function send(header: string): Promise<{ attempts: number; durationMs: number }> {
  [retryAfter, requests] = [header, 0];
  runs += 1;
  const startedMs = readClockMs();
  const sockets: Socket[] = [];
  const connections = {
    isDirect: false,
    open: () =>
      new Promise<Socket>((resolve, reject) => {
        const socket = connect(port, '127.0.0.1', () => resolve(socket)).on('error', reject);
        sockets.push(socket);
      }),
    close: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
  const runtime = makeRuntime({}, { now: Date.now });
  const client = createHttpClient(runtime, { connections, deadlineMs: startedMs + BUDGET_MS, log: undefined });
  try {
    const { status } = await client.send({ method: 'GET', url: `http://127.0.0.1:${port}/${runs}` });
    expect(status).toBe(429);
  } catch (cause) {
    // On a busy machine the budget may end before the answer.
    if (!(cause instanceof CredentialError) || cause.code !== 'NETWORK_FAILED') throw cause;
  }
  client.close();
  return { attempts: requests, durationMs: readClockMs() - startedMs };
}

/** A header that Node's server can send. */
const isSendable = (text: string) => /^[\x21-\x7E](?:[\x20-\x7E]*[\x21-\x7E])?$/.test(text);
const now = Date.now();
const HEADERS = mutated(
  fc.oneof(
    fc.constantFrom(
      '0',
      '0.001',
      '0.01',
      '1',
      '9',
      '11',
      '120',
      '-1',
      '-0',
      'NaN',
      'Infinity',
      '1e3',
      '0x10',
      '+1',
      '',
      '9'.repeat(400),
    ),
    fc.constantFrom('.5', '5.', '1,2', '1 2', '٣', 'soon', 'null'),
    fc.integer({ min: -100_000, max: 100_000 }).map((ms) => new Date(now + ms).toUTCString()),
    fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
  ),
  ['0', '-', '.', 'e', ' GMT', '+', ':', ','],
  1,
).filter(isSendable);

describe('Retry-After', () => {
  it('never keeps the client beyond its deadline, nor makes it ask more than three times', async () => {
    await fc.assert(
      fc.asyncProperty(HEADERS, async (header) => {
        const { attempts, durationMs } = await send(header);
        expect(attempts).toBeLessThanOrEqual(MAX_ATTEMPTS);
        expect(durationMs).toBeLessThan(BUDGET_MS + SLACK_MS);
      }),
      RUN_OPTIONS,
    );
  });

  it('of seconds that end after the deadline ends the attempts, and of no time does not', async () => {
    const seconds = fc.oneof(fc.integer({ min: 1, max: LONGEST_WAIT_MS * 2 }), fc.constant(0));
    await fc.assert(
      fc.asyncProperty(seconds, async (wanted) => {
        const { attempts } = await send(String(wanted));
        if (wanted > 0) expect(attempts).toBeLessThanOrEqual(1);
      }),
      RUN_OPTIONS,
    );
    let attempts = 0;
    for (let tries = 0; tries < 20 && attempts < MAX_ATTEMPTS; tries += 1) ({ attempts } = await send('0'));
    expect(attempts).toBe(MAX_ATTEMPTS);
  });
});
