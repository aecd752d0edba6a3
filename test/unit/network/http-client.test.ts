/** HTTP requests: what is sent, what is retried, and what the error says when a request fails. */

import { writeFileSync } from 'node:fs';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { LogStep } from '../../../src/log.ts';
import { Connections } from '../../../src/network/connections.ts';
import { createDirectConnections } from '../../../src/network/direct-connections.ts';
import type { HttpClient, HttpRequest } from '../../../src/network/http.ts';
import { createHttpClient } from '../../../src/network/http-client.ts';
import { readClockMs } from '../../../src/system/clock.ts';
import { catchFailure } from '../failure.ts';
import { type Answer, startProxy, startServer, type TestServer } from '../https-server.ts';
import { makeRuntime, NOW_MS } from '../runtime.ts';
import { useTemporaryFolder } from '../temporary-folder.ts';

// Processes and sockets are slow on a machine that is busy with other suites.
vi.setConfig({ testTimeout: 20_000 });

const folder = useTemporaryFolder();
const toClose: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of toClose.splice(0)) await close();
});

interface Setting {
  readonly env?: Readonly<Record<string, string>>;
  /** How long the whole program may take. */
  readonly budgetMs?: number;
  readonly log?: (step: LogStep) => void;
}

/** A client that trusts the server. */
function clientFor(server: TestServer, { env = {}, budgetMs = 10_000, log }: Setting = {}): HttpClient {
  writeFileSync(folder.path('ca.pem'), server.authorityPem);
  const runtime = makeRuntime({ NODE_EXTRA_CA_CERTS: folder.path('ca.pem'), ...env });
  const connections = new Connections(runtime);
  const http = createHttpClient(runtime, { connections, deadlineMs: readClockMs() + budgetMs, log });
  toClose.push(() => http.close());
  return http;
}

async function serve(answer: Answer): Promise<TestServer> {
  const server = await startServer(answer);
  toClose.push(server.close);
  return server;
}

const get = (server: TestServer, path = '/', changes: Partial<HttpRequest> = {}): HttpRequest => ({
  method: 'GET',
  url: `${server.origin}${path}`,
  ...changes,
});

const ok: Answer = (response) => void response.end('{"a":1}');
/** Answers the first `times` requests with this status, and later ones with 200. */
const passing =
  (status: number, times: number, headers: Record<string, string> = { 'retry-after': '0' }): Answer =>
  (response, attempt) =>
    void response.writeHead(attempt > times ? 200 : status, headers).end(`attempt ${attempt}`);

describe('a request', () => {
  test('carries its method, its headers and its form, and returns the response as it is', async () => {
    const server = await serve((response) => void response.writeHead(201, { 'X-Ms-Request-Id': 'the-id' }).end('é'));
    const response = await clientFor(server).send({
      ...get(server, '/path?x=1'),
      method: 'POST',
      headers: { 'client-request-id': 'mine' },
      form: [
        ['scope', 'repository:a:pull'],
        ['scope', 'b+c&d=e é'],
      ],
    });
    expect({ status: response.status, body: response.body }).toEqual({ status: 201, body: 'é' });
    expect(response.header('x-ms-request-id')).toBe('the-id');
    expect(response.header('none')).toBeUndefined();
    expect(server.requests).toMatchObject([
      {
        method: 'POST',
        url: '/path?x=1',
        body: 'scope=repository%3Aa%3Apull&scope=b%2Bc%26d%3De+%C3%A9',
        headers: {
          accept: 'application/json',
          'client-request-id': 'mine',
          'content-type': 'application/x-www-form-urlencoded',
        },
      },
    ]);
  });

  test('without a form has no body', async () => {
    const server = await serve(ok);
    expect((await clientFor(server).send(get(server))).body).toBe('{"a":1}');
    expect(server.requests[0]).toMatchObject({ method: 'GET', body: '' });
    expect(server.requests[0]?.headers['content-type']).toBeUndefined();
  });

  test('is logged with its host, path and status but without its query', async () => {
    const steps: LogStep[] = [];
    const server = await serve(
      (response) => void response.writeHead(200, { 'x-ms-correlation-request-id': 'c' }).end(),
    );
    await clientFor(server, { log: (step) => steps.push(step) }).send(get(server, '/path?hidden'));
    expect(steps).toMatchObject([
      {
        step: 'request',
        outcome: 'answered',
        host: `localhost:${server.port}`,
        path: '/path',
        status: 200,
        correlationId: 'c',
      },
    ]);
    expect(JSON.stringify(steps)).not.toContain('hidden');
  });
});

describe('a final response', () => {
  for (const status of [200, 201, 204, 400, 401, 403, 404, 405, 409, 501, 505]) {
    test(`with status ${status} is returned after one request`, async () => {
      const server = await serve((response) => void response.writeHead(status).end());
      expect((await clientFor(server).send(get(server))).status).toBe(status);
      expect(server.requests).toHaveLength(1);
    });
  }
});

describe('a temporary failure', () => {
  for (const status of [408, 429, 500, 502, 503, 504]) {
    test(`with status ${status} makes the client try again`, async () => {
      const server = await serve(passing(status, 1));
      expect((await clientFor(server).send(get(server))).body).toBe('attempt 2');
      expect(server.requests).toHaveLength(2);
    });
  }

  test('is returned after three requests', async () => {
    const server = await serve(passing(503, 9));
    const { status, body } = await clientFor(server).send(get(server));
    expect({ status, body }).toEqual({ status: 503, body: 'attempt 3' });
    expect(server.requests).toHaveLength(3);
  });

  test('is retried up to the limit of the request, and for the statuses that the request adds', async () => {
    const server = await serve(passing(404, 9));
    const response = await clientFor(server).send(get(server, '/', { maxAttempts: 2, retriedStatuses: [404] }));
    expect(response.body).toBe('attempt 2');
  });

  test.each([
    ['without a Retry-After header after a pause, and again after a longer one', {}, [200, 450]],
    ['after the pause that a Retry-After header asks for', { 'retry-after': '0.5' }, [400, 400]],
  ])('is retried %s', async (_name, headers: Record<string, string>, leastPausesMs) => {
    const timesMs: number[] = [];
    const answer = passing(500, 2, headers);
    const server = await serve((response, attempt, request) => {
      timesMs.push(readClockMs());
      answer(response, attempt, request);
    });
    expect((await clientFor(server).send(get(server))).body).toBe('attempt 3');
    expect(timesMs).toHaveLength(3);
    for (const [index, leastMs] of leastPausesMs.entries()) {
      expect((timesMs[index + 1] ?? 0) - (timesMs[index] ?? 0)).toBeGreaterThan(leastMs);
    }
  });

  test('is retried with the same body', async () => {
    const server = await serve(passing(500, 1));
    await clientFor(server).send({ ...get(server), method: 'POST', form: [['a', 'b']] });
    expect(server.requests.map(({ body }) => body)).toEqual(['a=b', 'a=b']);
  });
});

describe('a Retry-After header', () => {
  const rows: readonly (readonly [retryAfter: string, requests: number])[] = [
    ['0', 2],
    ['0.1', 2],
    [new Date(NOW_MS).toUTCString(), 2],
    [new Date(NOW_MS - 86_400_000).toUTCString(), 2],
    ['11', 1],
    ['99999999999999999999', 1],
    [new Date(NOW_MS + 3_600_000).toUTCString(), 1],
    [new Date(NOW_MS + 11_000).toUTCString(), 1],
  ];
  for (const [retryAfter, requests] of rows) {
    test(`of ${retryAfter} ${requests === 1 ? 'ends the attempts' : 'makes the client try again'}`, async () => {
      const server = await serve(passing(429, 1, { 'retry-after': retryAfter }));
      await clientFor(server, { budgetMs: 60_000 }).send(get(server));
      expect(server.requests).toHaveLength(requests);
    });
  }

  test('that leads past the deadline ends the attempts', async () => {
    const server = await serve(passing(429, 1, { 'retry-after': '9' }));
    expect((await clientFor(server, { budgetMs: 5_000 }).send(get(server))).status).toBe(429);
    expect(server.requests).toHaveLength(1);
  });
});

describe('a redirect', () => {
  const rows: readonly (readonly [status: number, location: string | undefined, target: string])[] = [
    [301, 'https://evil.example.com/path?hidden=1', 'evil.example.com'],
    [302, 'https://user:hidden@evil.example.com:8443/', 'evil.example.com:8443'],
    [303, '//evil.example.com', 'evil.example.com'],
    [307, 'http://evil.example.com', 'evil.example.com'],
    [308, 'https://evil.example.com', 'evil.example.com'],
    [302, 'https://exa mple', 'nowhere'],
    [300, undefined, 'localhost:'],
  ];
  for (const [status, location, target] of rows) {
    test(`with status ${status} to ${location ?? 'nowhere'} is refused, and the error names the target`, async () => {
      const server = await serve(
        (response) => void response.writeHead(status, location === undefined ? {} : { location }).end(),
      );
      const failure = await catchFailure(() => clientFor(server).send(get(server)));
      expect(failure.code).toBe('ANSWER_INVALID');
      expect(failure.message).toMatch(/^localhost:\d+ redirects to /);
      expect(failure.message).toContain(`redirects to ${target}`);
      expect(failure.causes).toEqual([`HTTP ${status}`]);
      expect(JSON.stringify([failure.message, failure.causes, failure.hint])).not.toContain('hidden');
      expect(server.requests).toHaveLength(1);
    });
  }
});

describe('a body', () => {
  const LARGEST = 256 * 1024;

  test('is read to its end up to 256 KiB', async () => {
    const server = await serve((response) => void response.end('x'.repeat(LARGEST)));
    expect((await clientFor(server).send(get(server))).body).toHaveLength(LARGEST);
  });

  test('that does not end is cut off, and the request is not retried', async () => {
    const server = await serve((response) => {
      const timer = setInterval(() => response.write('x'.repeat(LARGEST)), 1);
      response.on('close', () => clearInterval(timer));
    });
    const failure = await catchFailure(() => clientFor(server).send(get(server)));
    expect(failure.code).toBe('ANSWER_INVALID');
    expect(failure.message).toBe(`localhost:${server.port} sent a response that is too large`);
    expect(failure.hint).toContain('HTTPS_PROXY');
    expect(server.requests).toHaveLength(1);
  });
});

describe('the error of a direct connection', () => {
  const rows: readonly (readonly [what: string, answer: Answer, message: string])[] = [
    [
      'a redirect',
      (response) => void response.writeHead(302, { location: 'https://evil.example' }).end(),
      'redirects to',
    ],
    [
      'a body that is too large',
      (response) => void response.end('x'.repeat(300 * 1024)),
      'sent a response that is too large',
    ],
    ['no answer', (response) => void response.destroy(), 'cannot be reached (ECONNRESET)'],
  ];
  for (const [what, answer, message] of rows) {
    test(`does not blame a proxy for ${what}`, async () => {
      const server = await serve(answer);
      const runtime = makeRuntime({ HTTPS_PROXY: 'http://127.0.0.1:9' });
      const connections = createDirectConnections(makeRuntime(), { certificates: server.authorityPem });
      const http = createHttpClient(runtime, { connections, deadlineMs: readClockMs() + 10_000, log: undefined });
      toClose.push(() => http.close());
      const failure = await catchFailure(() => http.send({ ...get(server), maxAttempts: 1 }));
      expect(failure.message).toContain(message);
      expect(failure.hint).toContain('no proxy is used for it');
    });
  }
});

describe('a server that does not answer', () => {
  test('fails the request when the budget is used up, without another attempt', async () => {
    const server = await serve(() => undefined);
    const failure = await catchFailure(() => clientFor(server, { budgetMs: 300 }).send(get(server)));
    expect(failure.code).toBe('NETWORK_FAILED');
    expect(failure.message).toContain(`localhost:${server.port} did not respond in time`);
    expect(failure.hint).toContain('firewall');
    expect(server.requests).toHaveLength(1);
  });

  test('fails the request after the timeout of the request, without another attempt', async () => {
    const server = await serve(() => undefined);
    const failure = await catchFailure(() => clientFor(server).send(get(server, '/', { timeoutMs: 600 })));
    expect(failure.message).toContain('did not respond in time');
    expect(server.requests).toHaveLength(1);
  });

  test('fails the request when it stops in the middle of the body', async () => {
    const server = await serve((response) => void response.write('{"a":'));
    const failure = await catchFailure(() => clientFor(server, { budgetMs: 300 }).send(get(server)));
    expect(failure.message).toContain('did not respond in time');
  });

  test('gets the request again when it hangs up', async () => {
    const server = await serve(
      (response, attempt) => void (attempt === 1 ? response.destroy() : response.end('again')),
    );
    expect((await clientFor(server).send(get(server))).body).toBe('again');
    expect(server.requests).toHaveLength(2);
  });

  test('fails the request after two attempts when it refuses connections', async () => {
    const server = await serve(ok);
    await server.close();
    const failure = await catchFailure(() => clientFor(server, { budgetMs: 700 }).send(get(server)));
    expect(failure.code).toBe('NETWORK_FAILED');
    expect(failure.message).toMatch(/localhost:\d+ cannot be reached \(ECONNREFUSED\)$/);
    expect(failure.causes[0]).toContain('(2 attempts)');
  });
});

describe('close', () => {
  test('rejects a request that waits for its response, which is not sent again', async () => {
    const server = await serve(() => undefined);
    const http = clientFor(server);
    const failure = catchFailure(() => http.send(get(server)));
    await vi.waitFor(() => expect(server.requests).toHaveLength(1));
    http.close();
    expect((await failure).causes).toEqual(['ERR_CLOSED: the connections are closed']);
    expect(server.requests).toHaveLength(1);
  });

  test('rejects a request that waits for its next attempt', async () => {
    const server = await serve(passing(503, 9, {}));
    const http = clientFor(server);
    const failure = catchFailure(() => http.send(get(server)));
    await vi.waitFor(() => expect(server.requests).toHaveLength(1));
    await new Promise((resolve) => setTimeout(resolve, 100));
    http.close();
    expect((await failure).causes).toEqual(['ERR_CLOSED: the connections are closed (2 attempts)']);
    expect(server.requests).toHaveLength(1);
  });
});

test('a direct connection ignores HTTPS_PROXY, and its error says so', async () => {
  for (const HTTPS_PROXY of ['http://127.0.0.1:9', 'ftp://proxy']) {
    const runtime = makeRuntime({ HTTPS_PROXY });
    const connections = createDirectConnections(makeRuntime(), {});
    const http = createHttpClient(runtime, { connections, deadlineMs: readClockMs() + 5_000, log: undefined });
    toClose.push(() => http.close());
    const failure = await catchFailure(() => http.send({ method: 'GET', url: 'http://127.0.0.1:9/', maxAttempts: 1 }));
    expect(failure.message).toBe('127.0.0.1:9 cannot be reached (ECONNREFUSED)');
    expect(failure.hint).toBe('check the settings for 127.0.0.1:9 and its certificate; no proxy is used for it');
  }
});

describe('a proxy', () => {
  const proxied = async (env: (url: string) => Record<string, string>) => {
    const server = await serve(ok);
    const proxy = await startProxy();
    toClose.push(proxy.close);
    await clientFor(server, { env: env(proxy.url) }).send(get(server));
    expect(server.requests).toHaveLength(1);
    const target = `localhost:${server.port}`;
    // Extra certificates in the test runner's own environment may cost a second connection.
    return [...new Set(proxy.targets)].map((one) => (one === target ? 'the server' : one));
  };

  for (const name of ['HTTPS_PROXY', 'https_proxy', 'ALL_PROXY', 'all_proxy']) {
    test(`in ${name} is used`, async () => {
      expect(await proxied((url) => ({ [name]: url }))).toEqual(['the server']);
    });
  }

  test('is used when its URL has no scheme', async () => {
    expect(await proxied((url) => ({ HTTPS_PROXY: url.slice('http://'.length) }))).toEqual(['the server']);
  });

  test('in HTTP_PROXY is not used for https', async () => {
    expect(await proxied((url) => ({ HTTP_PROXY: url, http_proxy: url }))).toEqual([]);
  });

  test('in an empty variable does not count', async () => {
    expect(await proxied((url) => ({ HTTPS_PROXY: '', https_proxy: '', ALL_PROXY: url }))).toEqual(['the server']);
    expect(await proxied(() => ({ HTTPS_PROXY: '' }))).toEqual([]);
  });

  const exceptions: readonly (readonly [noProxy: string, isPassed: boolean])[] = [
    ['localhost', true],
    ['LOCALHOST', true],
    ['other.example.com,localhost', true],
    ['other.example.com, localhost', true],
    ['*', true],
    ['', false],
    ['other.example.com', false],
    ['localhost.example.com', false],
    ['host', false],
    ['localhost:1', false],
  ];
  for (const [noProxy, isPassed] of exceptions) {
    test(`is ${isPassed ? 'skipped' : 'used'} with NO_PROXY ${JSON.stringify(noProxy)}`, async () => {
      for (const name of ['NO_PROXY', 'no_proxy']) {
        expect(await proxied((url) => ({ HTTPS_PROXY: url, [name]: noProxy }))).toEqual(isPassed ? [] : ['the server']);
      }
    });
  }

  test('gets its user name and password, which the server does not', async () => {
    const server = await serve(ok);
    const proxy = await startProxy();
    toClose.push(proxy.close);
    const env = { HTTPS_PROXY: proxy.url.replace('//', '//user:pass%20word@') };
    await clientFor(server, { env }).send(get(server));
    expect([...new Set(proxy.credentials)]).toEqual([`Basic ${Buffer.from('user:pass word').toString('base64')}`]);
    expect(server.requests[0]?.headers['proxy-authorization']).toBeUndefined();
  });

  for (const status of [403, 407, 502]) {
    test(`that refuses with ${status} fails the request after one attempt`, async () => {
      const server = await serve(ok);
      const proxy = await startProxy(status);
      toClose.push(proxy.close);
      const failure = await catchFailure(() =>
        clientFor(server, { env: { HTTPS_PROXY: proxy.url } }).send(get(server)),
      );
      expect(failure.message).toContain(`the proxy responded with status ${status} for localhost:${server.port}`);
      expect(failure.hint).toContain('HTTPS_PROXY');
      expect(proxy.targets).toHaveLength(1);
      expect(server.requests).toHaveLength(0);
    });
  }

  for (const name of ['HTTPS_PROXY', 'https_proxy', 'ALL_PROXY']) {
    for (const value of [
      'ftp://proxy',
      'http://',
      'file:///etc/passwd',
      'http://hidden:hidden@',
      '://',
      'javascript:x',
    ]) {
      test(`in ${name}=${value} is refused, and the error does not quote the value`, async () => {
        const server = await serve(ok);
        const failure = await catchFailure(() => clientFor(server, { env: { [name]: value } }).send(get(server)));
        expect(failure.code).toBe('CONFIG_INVALID');
        expect(failure.message.startsWith(`Cannot use ${name}: it is not the URL of a`)).toBe(true);
        expect(`${failure.message}${failure.hint}`).not.toContain('hidden');
        expect(server.requests).toHaveLength(0);
      });
    }
  }
});

describe('NODE_EXTRA_CA_CERTS', () => {
  const rows: readonly (readonly [name: string, make: (file: string) => void, message: string])[] = [
    ['a missing file', () => undefined, 'there is no such file'],
    ['a file without a certificate', (file) => writeFileSync(file, 'hidden'), 'it contains no certificate'],
    ['an empty file', (file) => writeFileSync(file, ''), 'it contains no certificate'],
  ];
  for (const [name, make, message] of rows) {
    test(`with ${name} fails the request before it is sent, and the error says why`, async () => {
      const server = await serve(ok);
      make(folder.path('broken.pem'));
      const env = { NODE_EXTRA_CA_CERTS: folder.path('broken.pem') };
      const failure = await catchFailure(() => clientFor(server, { env }).send(get(server)));
      expect(failure.code).toBe('CONFIG_INVALID');
      expect(failure.message).toBe(`Cannot use NODE_EXTRA_CA_CERTS ${folder.path('broken.pem')}: ${message}`);
      expect(server.requests).toHaveLength(0);
    });
  }
});
