/** One request and its response, with a server that chooses every byte of it. */
import { createServer, type Server, Socket } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  RequestSender,
  ResponseTimeoutError,
  ResponseTooLargeError,
  type SingleRequest,
} from '../../../src/network/request-sender.ts';

interface RawServer {
  readonly server: Server;
  readonly origin: string;
  /** What each connection received. */
  readonly received: string[];
  readonly sockets: Set<Socket>;
}

let running: RawServer | undefined;
let sender: RequestSender | undefined;

afterEach(async () => {
  for (const socket of running?.sockets ?? []) socket.destroy();
  await new Promise((resolve) => running?.server.close(resolve) ?? resolve(undefined));
  running = undefined;
});

/** Answers the nth request of a connection with the nth text; with `hangsUp`, closes the connection after the last. */
async function serve(answers: readonly string[], hangsUp = false): Promise<RequestSender> {
  const received: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    const connection = received.push('') - 1;
    let next = 0;
    sockets.add(socket.on('error', () => {}));
    socket.on('data', (chunk) => {
      received[connection] += chunk.toString('latin1');
      const answer = answers[next];
      next += 1;
      if (answer !== undefined) socket.write(answer, 'latin1');
      if (hangsUp && next >= answers.length) socket.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  running = { server, origin: `http://127.0.0.1:${port}`, received, sockets };
  const open = () =>
    new Promise<Socket>((resolve, reject) => {
      const socket = new Socket();
      socket.once('error', reject).connect(Number(port), '127.0.0.1', () => resolve(socket));
    });
  sender = new RequestSender({ open, isDirect: true, close: () => {} }, running.origin);
  return sender;
}

function ask(over: Partial<SingleRequest> = {}): SingleRequest {
  return { method: 'GET', url: `${running?.origin}/oauth2/token?x=1`, timeoutMs: 5_000, ...over };
}

const MAX_BODY_BYTES = 256 * 1024;
const HELLO = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-One: a\r\nSet-Cookie: b\r\n\r\nhello';

describe('a response', () => {
  test('has a status, headers by their lower-case names, and a body', async () => {
    const { status, header, body } = await (await serve([HELLO])).send(ask());
    expect([status, header('x-one'), body]).toEqual([200, 'a', 'hello']);
    expect([header('X-One'), header('x-two')]).toEqual([undefined, undefined]);
  });

  test('has the first value of a header that comes more than once', async () => {
    const cookies = HELLO.replace('Set-Cookie: b', 'Set-Cookie: b\r\nSet-Cookie: c');
    expect((await (await serve([cookies])).send(ask())).header('set-cookie')).toBe('b');
  });

  test('may have no body', async () => {
    const { status, body } = await (await serve(['HTTP/1.1 204 No Content\r\n\r\n'])).send(ask());
    expect([status, body]).toEqual([204, '']);
  });

  test('may come in chunks and after a response with status 103', async () => {
    const chunked = 'HTTP/1.1 400 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n';
    const { status, body } = await (await serve([`HTTP/1.1 103 Early\r\nX: y\r\n\r\n${chunked}`])).send(ask());
    expect([status, body]).toEqual([400, 'abcde']);
  });

  test('without a length ends with the connection', async () => {
    const { body } = await (await serve(['HTTP/1.1 200 OK\r\n\r\nall of it'], true)).send(ask());
    expect(body).toBe('all of it');
  });

  test('may have a body of 256 KiB', async () => {
    const http = await serve([`HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(MAX_BODY_BYTES)}`], true);
    expect((await http.send(ask())).body).toHaveLength(MAX_BODY_BYTES);
  });

  test('leaves its connection open for the next request', async () => {
    const http = await serve([HELLO, HELLO]);
    await http.send(ask());
    expect((await http.send(ask())).body).toBe('hello');
    expect(running?.received).toHaveLength(1);
  });

  test('that closes its connection makes the next request open a new one', async () => {
    const http = await serve([HELLO.replace('X-One: a', 'Connection: close')], true);
    await http.send(ask());
    expect((await http.send(ask())).body).toBe('hello');
    expect(running?.received).toHaveLength(2);
  });
});

describe('a kept connection', () => {
  test('is not used again after an unrequested response came on it', async () => {
    const http = await serve([HELLO]);
    await http.send(ask());
    // Before the event loop looks at the connection again, as when the program was busy in between.
    for (const socket of running?.sockets ?? []) socket.write(HELLO.replace('hello', 'other'));
    expect((await http.send(ask())).body).toBe('hello');
    expect(running?.received).toHaveLength(2);
  });

  test('is not used again after the server closed it', async () => {
    const http = await serve([HELLO]);
    await http.send(ask());
    for (const socket of running?.sockets ?? []) socket.destroy();
    expect((await http.send(ask())).body).toBe('hello');
    expect(running?.received).toHaveLength(2);
  });

  test('is not used again after two responses came at once, of which the second is dropped', async () => {
    const http = await serve([`${HELLO}${HELLO.replace('hello', 'other')}`]);
    expect([(await http.send(ask())).body, (await http.send(ask())).body]).toEqual(['hello', 'hello']);
    expect(running?.received).toHaveLength(2);
  });

  test('carries thirty requests, one after the other', async () => {
    const http = await serve(Array.from({ length: 30 }, () => HELLO));
    for (let sent = 0; sent < 30; sent += 1) await http.send(ask());
    expect(running?.received).toHaveLength(1);
  });
});

test('a request opens its own connection while another request waits for its response', async () => {
  await serve([]);
  const cause = Object.assign(new Error('no such host'), { code: 'ENOTFOUND' });
  let opened = 0;
  const open = async () => {
    opened += 1;
    if (opened > 1) throw cause;
    return await new Promise<Socket>((resolve) => {
      const socket = new Socket();
      socket.connect(Number(new URL(running?.origin ?? '').port), '127.0.0.1', () => resolve(socket));
    });
  };
  sender = new RequestSender({ open, isDirect: true, close: () => {} }, running?.origin ?? '');
  const first = expect(sender.send(ask())).rejects.toMatchObject({ code: 'ECONNRESET' });
  await vi.waitFor(() => expect(running?.received[0]).toContain('\r\n\r\n'));
  const others = [1, 2].map(() => expect(sender?.send(ask())).rejects.toBe(cause));
  for (const socket of running?.sockets ?? []) socket.destroy();
  await Promise.all([first, ...others]);
});

test('a request has a host, what it accepts, its form and its length, and no header that names this program', async () => {
  const form = [
    ['a', 'ü b'],
    ['a', '&='],
  ] as const;
  await (await serve([HELLO])).send(ask({ method: 'POST', form, headers: { 'x-two': 'c' } }));
  const text = running?.received[0] ?? '';
  const [head = '', body] = text.split('\r\n\r\n');
  const host = new URL(running?.origin ?? '').host;
  expect(head.split('\r\n').sort()).toEqual(
    [
      'POST /oauth2/token?x=1 HTTP/1.1',
      `host: ${host}`,
      'accept: application/json',
      'x-two: c',
      'content-type: application/x-www-form-urlencoded',
      'content-length: 19',
      'Connection: keep-alive',
    ].sort(),
  );
  expect(body).toBe('a=%C3%BC+b&a=%26%3D');
});

test('a request without a form has no body and no length, and its own headers win', async () => {
  await (await serve([HELLO])).send(ask({ headers: { accept: 'text/plain' } }));
  const [head = '', body] = (running?.received[0] ?? '').split('\r\n\r\n');
  expect(head.split('\r\n').filter((line) => /^(?:GET|accept|content)/i.test(line))).toEqual([
    'GET /oauth2/token?x=1 HTTP/1.1',
    'accept: text/plain',
  ]);
  expect(body).toBe('');
});

describe('send', () => {
  const rows: readonly (readonly [what: string, answer: string, code: string])[] = [
    ['no response', '', 'ECONNRESET'],
    ['half a head', 'HTTP/1.1 200 OK\r\nContent-Len', 'ECONNRESET'],
    ['half a body', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel', 'ECONNRESET'],
    ['half a chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel', 'ECONNRESET'],
    ['another protocol', 'HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n', 'ECONNRESET'],
    ['a response that is not HTTP', 'SSH-2.0-OpenSSH\r\n', 'HPE_INVALID_CONSTANT'],
    [
      'two lengths',
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na',
      'HPE_UNEXPECTED_CONTENT_LENGTH',
    ],
    ['an oversized head', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 'HPE_HEADER_OVERFLOW'],
  ];
  for (const [what, answer, code] of rows) {
    test(`fails with ${code} for ${what}`, async () => {
      const http = await serve([answer], true);
      await expect(http.send(ask())).rejects.toMatchObject({ code });
    });
  }

  for (const [what, answer] of [
    ['no byte', ''],
    ['half a body', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel'],
  ] as const) {
    test(`fails after its timeout when the server goes silent after ${what}`, async () => {
      const http = await serve([answer]);
      await expect(http.send(ask({ timeoutMs: 100 }))).rejects.toBeInstanceOf(ResponseTimeoutError);
    });
  }

  test('fails for a body of more than 256 KiB', async () => {
    const http = await serve([`HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(MAX_BODY_BYTES + 1)}`]);
    await expect(http.send(ask())).rejects.toBeInstanceOf(ResponseTooLargeError);
  });

  test('fails with the error of the connection source when no connection opens', async () => {
    await serve([]);
    const cause = Object.assign(new Error('no such host'), { code: 'ENOTFOUND' });
    sender = new RequestSender(
      { open: () => Promise.reject(cause), isDirect: true, close: () => {} },
      'http://nowhere',
    );
    await expect(sender.send(ask())).rejects.toBe(cause);
  });

  test('sends JSON with its length in bytes', async () => {
    const http = await serve([HELLO]);
    await http.send(ask({ method: 'POST', json: { query: 'ä', list: [1] } }));
    const [head = '', body] = (running?.received[0] ?? '').split('\r\n\r\n');
    expect(head).toContain('content-type: application/json\r\n');
    expect(head).toContain('content-length: 25');
    expect(Buffer.from(body ?? '', 'latin1').toString()).toBe('{"query":"ä","list":[1]}');
  });

  test('refuses a header with a line break, sends nothing, and does not quote the value', async () => {
    const http = await serve([HELLO]);
    const failure = await http.send(ask({ headers: { authorization: 'Bearer se\ncret' } })).catch(String);
    expect(failure).toContain('authorization');
    expect(failure).not.toContain('cret');
    expect(running?.received ?? []).toEqual([]);
  });
});
