/** The probe for a metadata service, sent to the loopback instead of Azure's own address, which no test contacts. */

import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Cache, findCache } from '../../src/cache/cache.ts';
import { readMarker, writeMarker } from '../../src/cache/markers.ts';
import type { TokenContext } from '../../src/identity/identity.ts';
import { requestImdsToken } from '../../src/identity/managed-identity/imds.ts';
import { createDirectConnections } from '../../src/network/direct-connections.ts';
import type { HttpClient } from '../../src/network/http.ts';
import { createHttpClient } from '../../src/network/http-client.ts';
import type { NotSetUp } from '../../src/not-set-up.ts';
import { readClockMs } from '../../src/system/clock.ts';
import type { Runtime } from '../../src/system/runtime.ts';
import { PATHS } from '../emulator/managed-identity.ts';
import { AUDIENCE, passing, TRAP, useManagedIdentityWorld } from './managed-identity-world.ts';

const NOT_THERE = { notSetUp: 'there is no metadata service (IMDS)' };
const MARKER = 'imds';

const host = useManagedIdentityWorld('probe');
let cache: Cache | undefined;
let opened: HttpClient[] = [];

beforeEach(async () => {
  cache = await findCache(createRuntime());
});
afterEach(() => {
  for (const http of opened) http.close();
  opened = [];
});

function createRuntime(): Runtime {
  const { world } = host();
  return {
    env: world.variables,
    platform: process.platform,
    programName: 'docker-credential-acr',
    now: () => Date.now() + world.aheadSeconds * 1000,
    secrets: new Set(),
    secretVariables: new Set(),
  };
}

/** Signs in as the chain does on a machine where no variable names a service. */
function request(isChosen = false, url = host().server.url): Promise<string | NotSetUp> {
  const runtime = createRuntime();
  const deadlineMs = readClockMs() + 10_000;
  const open = (direct: Parameters<TokenContext['openDirect']>[0]) => {
    const connections = createDirectConnections(runtime, direct);
    const http = createHttpClient(runtime, { connections, deadlineMs, log: undefined });
    opened.push(http);
    return http;
  };
  const context = { runtime, http: open({}), openDirect: open, cache, audience: AUDIENCE, deadlineMs };
  return requestImdsToken(
    { ...context, log: undefined },
    { endpoint: { url, variable: undefined }, selector: undefined, isChosen },
  );
}

const probes = () => host().server.requests.filter(({ headers }) => headers['metadata'] === undefined);

describe('a metadata service', () => {
  test('is probed without a query and without the header, and then asked for the token', async () => {
    expect(await request()).toMatch(/^eyJ/);
    expect(host().server.requests.map(({ path, query }) => ({ path, query }))).toEqual([
      { path: PATHS.imds, query: {} },
      { path: PATHS.imds, query: { 'api-version': '2018-02-01', resource: AUDIENCE } },
    ]);
    expect(probes()).toEqual([host().server.requests[0]]);
  });

  test.each([
    ['JSON', { status: 400, body: '{"error":"invalid_request"}' }],
    ['JSON while it updates itself', { status: 410, body: '{"error":"gone"}' }],
    ['a text that names the header', { status: 400, body: 'Required metadata header not specified' }],
  ])('is recognized by %s', async (_name, answer) => {
    host().server.answerNext(answer);
    expect(await request()).toMatch(/^eyJ/);
  });

  test('is retried while it is busy', async () => {
    host().server.answerNext({ status: 400, body: '{}' }, passing(429), passing(500));
    expect(await request()).toMatch(/^eyJ/);
    expect(host().server.requests.length).toBe(4);
  });

  test('gives no identity when the machine has none, which is not remembered', async () => {
    host().server.state.systemAssigned = undefined;
    expect(await request()).toEqual({ notSetUp: 'this machine has no managed identity' });
    expect(readMarker(cache, MARKER, Date.now() / 1000)).toBeUndefined();
  });

  test('is not probed when it was chosen', async () => {
    expect(await request(true)).toMatch(/^eyJ/);
    expect(probes()).toEqual([]);
  });
});

describe('a machine without a metadata service', () => {
  test.each([
    ['a gateway that refuses the address', TRAP],
    ['a proxy that says so in JSON', { status: 403, body: '{"message":"169.254.169.254 is unreachable"}' }],
    ['another cloud', { status: 401, body: '<?xml version="1.0"?><html><title>401 - Unauthorized</title></html>' }],
    ['another cloud that has no such page', { status: 404, body: 'Not Found' }],
    ['a web server', { status: 200, body: 'Welcome' }],
    ['a refusal by something else', { status: 400, body: 'Bad Request' }],
    ['a captive portal', { status: 302, headers: { Location: 'http://example.com/' } }],
    ['a failing server', { status: 503, headers: { 'Retry-After': '0' }, body: 'busy' }],
    ['an empty answer', { status: 200, body: '' }],
    ['a JSON list', { status: 200, body: '[]' }],
  ])('is recognized by %s, which is asked once and never for a token', async (_name, answer) => {
    host().server.answerAlways(answer);
    expect(await request()).toEqual(NOT_THERE);
    expect(host().server.requests.length).toBe(1);
    expect(probes().length).toBe(1);
  });

  test('is recognized when nobody listens', async () => {
    expect(await request(false, 'http://127.0.0.1:9')).toEqual(NOT_THERE);
  });

  test('is recognized in time when a listener stays silent', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const address = silent.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    try {
      expect(await request(false, `http://127.0.0.1:${port}`)).toEqual(NOT_THERE);
    } finally {
      silent.close();
    }
  });

  test('is remembered for a minute', async () => {
    host().server.answerAlways(TRAP);
    expect(await request()).toEqual(NOT_THERE);
    host().server.reset();
    host().world.aheadSeconds = 58;
    expect(await request()).toEqual(NOT_THERE);
    expect(host().server.requests).toEqual([]);
    host().world.aheadSeconds = 61;
    expect(await request()).toMatch(/^eyJ/);
  });

  test('is asked again when the metadata service was chosen', async () => {
    writeMarker(cache, MARKER, 'absent', Date.now() / 1000, 60);
    expect(await request()).toEqual(NOT_THERE);
    expect(await request(true)).toMatch(/^eyJ/);
  });

  test('is probed each time when nothing can be remembered', async () => {
    cache = undefined;
    host().server.answerAlways(TRAP);
    expect(await request()).toEqual(NOT_THERE);
    expect(await request()).toEqual(NOT_THERE);
    expect(host().server.requests.length).toBe(2);
  });
});

describe('the chain on a machine known to have no metadata service', () => {
  test('skips it last and without a probe, so that anonymous pull works', async () => {
    writeMarker(cache, MARKER, 'absent', Date.now() / 1000, 60);
    const stderr = await host().expectNotFound({});
    const sources = [...stderr.matchAll(/^ {2}([\w-]+): /gm)].map(([, source]) => source);
    expect(sources.filter((source) => source === 'managed-identity').length).toBe(2);
    expect(sources.at(-1)).toBe('managed-identity');
    expect(stderr).toContain(`  managed-identity: ${NOT_THERE.notSetUp}\n`);
  });
});
