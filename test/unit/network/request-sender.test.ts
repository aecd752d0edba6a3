/** One request and its answer, with a server that speaks by the byte. */
import { createServer, type Server, Socket } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  AnswerTimeoutError,
  type Message,
  RequestSender,
  ResponseTooLargeError,
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

/** Answers the nth request of a connection with the nth text, and hangs up behind the last if it is told to. */
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
  sender = new RequestSender({ open, close: () => {} }, running.origin);
  return sender;
}

function ask(over: Partial<Message> = {}): Message {
  const url = new URL('/oauth2/token?x=1', running?.origin);
  return { method: 'GET', url, headers: {}, body: undefined, timeoutMs: 5_000, maxBodyBytes: 1_000, ...over };
}

const HELLO = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-One: a\r\nSet-Cookie: b\r\n\r\nhello';

describe('an answer', () => {
  test('is its status, its headers by lower-case names, and its body', async () => {
    const { status, headers, body } = await (await serve([HELLO])).send(ask());
    expect([status, headers['x-one'], body]).toEqual([200, 'a', 'hello']);
  });

  test('may come in chunks, and behind one that only says to go on', async () => {
    const chunked = 'HTTP/1.1 400 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n';
    const { status, body } = await (await serve([`HTTP/1.1 103 Early\r\nX: y\r\n\r\n${chunked}`])).send(ask());
    expect([status, body]).toEqual([400, 'abcde']);
  });

  test('may end with the connection', async () => {
    const { body } = await (await serve(['HTTP/1.1 200 OK\r\n\r\nall of it'], true)).send(ask());
    expect(body).toBe('all of it');
  });

  test('leaves the connection to the next request', async () => {
    const http = await serve([HELLO, HELLO]);
    await http.send(ask());
    expect((await http.send(ask())).body).toBe('hello');
    expect(running?.received).toHaveLength(1);
  });

  test('that ends the connection leaves the next request to a new one', async () => {
    const http = await serve([HELLO.replace('X-One: a', 'Connection: close')], true);
    await http.send(ask());
    expect((await http.send(ask())).body).toBe('hello');
    expect(running?.received).toHaveLength(2);
  });
});

describe('a kept connection', () => {
  test('on which an answer came that nobody asked for is not used again', async () => {
    const http = await serve([HELLO]);
    await http.send(ask());
    // Before the event loop looks at the connection again: as when the program was busy in between.
    for (const socket of running?.sockets ?? []) socket.write(HELLO.replace('hello', 'other'));
    expect((await http.send(ask())).body).toBe('hello');
    expect(running?.received).toHaveLength(2);
  });

  test('that was closed in between is not used again', async () => {
    const http = await serve([HELLO]);
    await http.send(ask());
    for (const socket of running?.sockets ?? []) socket.destroy();
    expect((await http.send(ask())).body).toBe('hello');
    expect(running?.received).toHaveLength(2);
  });

  test("with two answers in one is not used again, and the second is nobody's", async () => {
    const http = await serve([`${HELLO}${HELLO.replace('hello', 'other')}`]);
    expect([(await http.send(ask())).body, (await http.send(ask())).body]).toEqual(['hello', 'hello']);
    expect(running?.received).toHaveLength(2);
  });

  test('carries many requests, one after the other', async () => {
    const http = await serve(Array.from({ length: 30 }, () => HELLO));
    for (let sent = 0; sent < 30; sent += 1) await http.send(ask());
    expect(running?.received).toHaveLength(1);
  });
});

test("requests at the same time do not wait for one another's connection", async () => {
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
  sender = new RequestSender({ open, close: () => {} }, running?.origin ?? '');
  const first = expect(sender.send(ask())).rejects.toMatchObject({ code: 'ECONNRESET' });
  await vi.waitFor(() => expect(running?.received[0]).toContain('\r\n\r\n'));
  const others = [1, 2].map(() => expect(sender?.send(ask())).rejects.toBe(cause));
  for (const socket of running?.sockets ?? []) socket.destroy();
  await Promise.all([first, ...others]);
});

test('a request has a host, a length and nothing that names this program', async () => {
  await (await serve([HELLO])).send(ask({ method: 'POST', body: 'a=ü', headers: { 'x-two': 'c' } }));
  const text = running?.received[0] ?? '';
  const [head = '', body] = text.split('\r\n\r\n');
  const host = new URL(running?.origin ?? '').host;
  expect(head.split('\r\n').sort()).toEqual(
    [
      'POST /oauth2/token?x=1 HTTP/1.1',
      `host: ${host}`,
      'x-two: c',
      'content-length: 4',
      'Connection: keep-alive',
    ].sort(),
  );
  expect(Buffer.from(body ?? '', 'latin1').toString('utf8')).toBe('a=ü');
});

describe('a failure', () => {
  const rows: readonly (readonly [what: string, answer: string, code: string])[] = [
    ['nothing', '', 'ECONNRESET'],
    ['half a head', 'HTTP/1.1 200 OK\r\nContent-Len', 'ECONNRESET'],
    ['half a body', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel', 'ECONNRESET'],
    ['half a chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel', 'ECONNRESET'],
    ['another protocol', 'HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n', 'ECONNRESET'],
    ['no HTTP', 'SSH-2.0-OpenSSH\r\n', 'HPE_INVALID_CONSTANT'],
    [
      'two lengths',
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na',
      'HPE_UNEXPECTED_CONTENT_LENGTH',
    ],
    ['a head without end', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 'HPE_HEADER_OVERFLOW'],
  ];
  for (const [what, answer, code] of rows) {
    test(`${what} is ${code}`, async () => {
      const http = await serve([answer], true);
      await expect(http.send(ask())).rejects.toMatchObject({ code });
    });
  }

  for (const [what, answer] of [
    ['nothing', ''],
    ['half a body', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel'],
  ] as const) {
    test(`${what}, and then silence, is waited for no longer than it may take`, async () => {
      const http = await serve([answer]);
      await expect(http.send(ask({ timeoutMs: 100 }))).rejects.toBeInstanceOf(AnswerTimeoutError);
    });
  }

  test('a body beyond the limit is not read to its end', async () => {
    const http = await serve([`HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(1_001)}`]);
    await expect(http.send(ask())).rejects.toBeInstanceOf(ResponseTooLargeError);
  });

  test('a connection that cannot be had is told as it is', async () => {
    await serve([]);
    const cause = Object.assign(new Error('no such host'), { code: 'ENOTFOUND' });
    sender = new RequestSender({ open: () => Promise.reject(cause), close: () => {} }, 'http://nowhere');
    await expect(sender.send(ask())).rejects.toBe(cause);
  });

  test('a header that cannot be sent is refused without its value', async () => {
    const http = await serve([HELLO]);
    const failure = await http.send(ask({ headers: { authorization: 'Bearer se\ncret' } })).catch(String);
    expect(failure).toContain('authorization');
    expect(failure).not.toContain('cret');
    expect(running?.received ?? []).toEqual([]);
  });
});
