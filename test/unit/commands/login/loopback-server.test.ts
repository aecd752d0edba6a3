import { once } from 'node:events';
import { request as sendRequest } from 'node:http';
import { connect, createServer } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import {
  type LoopbackServer,
  parseAnswer,
  type Received,
  startLoopbackServer,
} from '../../../../src/commands/login/loopback-server.ts';
import { signedInPage } from '../../../../src/commands/login/pages.ts';

const STATE = 'a-state-that-nobody-can-guess-12345678901234';
const FORM = { 'Content-Type': 'application/x-www-form-urlencoded' };
const GOOD = new URLSearchParams({ code: 'the-code', state: STATE, session_state: 'x' }).toString();

const open: LoopbackServer[] = [];
afterEach(() => {
  for (const server of open.splice(0)) server.close();
});

interface Reply {
  readonly status: number;
  readonly text: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

async function start(): Promise<{ readonly server: LoopbackServer; readonly port: number }> {
  const server = await startLoopbackServer(STATE);
  open.push(server);
  return { server, port: Number(new URL(server.redirectUri).port) };
}

interface SendOptions {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly host?: string;
}

/** Sends a request as nobody's browser would. */
async function send(port: number, options: SendOptions = {}): Promise<Reply> {
  const { path = '/', method = 'POST', headers = FORM, body = '', host = '127.0.0.1' } = options;
  const request = sendRequest({ host, port, path, method, headers: { Host: `localhost:${port}`, ...headers } });
  request.end(body);
  const [response] = await once(request, 'response');
  let text = '';
  for await (const chunk of response) text += chunk;
  return { status: response.statusCode, text, headers: response.headers };
}

/** What was received within a moment. */
async function peek(server: LoopbackServer): Promise<Received | undefined> {
  return await Promise.race([
    server.received,
    new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), 20)),
  ]);
}

test('takes the answer, and the browser gets the page once it is known', async () => {
  const { server, port } = await start();
  expect(server.redirectUri).toBe(`http://localhost:${port}`);
  const reply = send(port, { body: GOOD });
  const received = await server.received;
  expect(received.answer).toEqual({ code: 'the-code' });
  await received.reply(signedInPage('ada@contoso.com'));
  const { status, text, headers } = await reply;
  expect(status).toBe(200);
  expect(text).toContain('<h1>You are signed in</h1>');
  expect(headers['content-security-policy']).toContain("default-src 'none'");
  expect(headers['connection']).toBe('close');
});

test('takes the answer of a browser that reaches localhost by IPv6', async (context) => {
  const { server, port } = await start();
  const reply = send(port, { body: GOOD, host: '::1' }).catch((cause: NodeJS.ErrnoException) => cause);
  const received = await Promise.race([server.received, reply]);
  if (received instanceof Error) {
    context.skip('this machine has no IPv6');
    return;
  }
  expect(received).toMatchObject({ answer: { code: 'the-code' } });
});

describe('refuses, and goes on waiting after,', () => {
  const form = (fields: string) => ({ body: fields });
  test.each<readonly [string, SendOptions, number]>([
    ['a code in the query', { method: 'GET', path: `/?${GOOD}` }, 405],
    ['a code in the query of a form', { path: `/?${GOOD}`, body: GOOD }, 404],
    ['a request for the page', { method: 'GET' }, 405],
    ['a HEAD', { method: 'HEAD' }, 405],
    ['a PUT', { method: 'PUT', body: GOOD }, 405],
    ['a preflight', { method: 'OPTIONS', headers: { Origin: 'https://evil.example' } }, 405],
    ['the icon', { method: 'GET', path: '/favicon.ico' }, 404],
    ['another path', { path: '/callback', body: GOOD }, 404],
    ['a path that means the root', { path: '//', body: GOOD }, 404],
    [
      'JSON',
      { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ code: 'c', state: STATE }) },
      415,
    ],
    ['no content type', { headers: {}, body: GOOD }, 415],
    [
      'a content type that only begins alike',
      { headers: { 'Content-Type': `${FORM['Content-Type']}2` }, body: GOOD },
      415,
    ],
    ['no state', form('code=x'), 400],
    ['another state', form('code=x&state=other'), 400],
    ['the beginning of the state', form(`code=x&state=${STATE.slice(0, -1)}`), 400],
    ['two states', form(`code=x&state=${STATE}&state=${STATE}`), 400],
    ['two states, one of which is wrong', form(`code=x&state=other&state=${STATE}`), 400],
    ['two codes', form(`code=x&code=y&state=${STATE}`), 400],
    ['a code and an error', form(`code=x&error=y&state=${STATE}`), 400],
    ['an empty code', form(`code=&state=${STATE}`), 400],
    ['neither code nor error', form(`state=${STATE}`), 400],
    ['no form at all', form(''), 400],
    ['another host', { headers: { ...FORM, Host: 'evil.example' }, body: GOOD }, 421],
    ['a host that only begins alike', { headers: { ...FORM, Host: 'localhost:1.evil.example' }, body: GOOD }, 421],
    ['the address instead of the name', { headers: { ...FORM, Host: '127.0.0.1' }, body: GOOD }, 421],
    ['another port', { headers: { ...FORM, Host: 'localhost:1' }, body: GOOD }, 421],
    ['a large body', form(`${GOOD}&x=${'y'.repeat(70_000)}`), 413],
  ])('%s', async (_what, options, status) => {
    const { server, port } = await start();
    const reply = await send(port, options);
    expect(reply.status).toBe(status);
    expect(reply.headers['cache-control']).toBe('no-store');
    expect(reply.headers['allow']).toBe(status === 405 ? 'POST' : undefined);
    expect(reply.headers).not.toHaveProperty('access-control-allow-origin');
    expect(reply.text).not.toContain(STATE);
    if (options.method !== 'HEAD') expect(reply.text).toContain('<h1>');
    expect(await peek(server)).toBeUndefined();
    void send(port, { body: GOOD }).catch(() => undefined);
    expect((await server.received).answer).toEqual({ code: 'the-code' });
  });

  test('a large body that names no length', async () => {
    const { server, port } = await start();
    const headers = { ...FORM, 'Transfer-Encoding': 'chunked' };
    expect((await send(port, { headers, body: `${GOOD}&x=${'y'.repeat(70_000)}` })).status).toBe(413);
    expect(await peek(server)).toBeUndefined();
  });

  test('a large body that is only announced, at once', async () => {
    const { port } = await start();
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    const head = `POST / HTTP/1.1\r\nHost: localhost:${port}\r\nContent-Type: ${FORM['Content-Type']}\r\n`;
    socket.write(`${head}Content-Length: 100000000\r\n\r\n`);
    await once(socket, 'end');
    socket.destroy();
    expect(text).toMatch(/^HTTP\/1\.1 413 /);
  });

  test('two hosts', async () => {
    const { port } = await start();
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    socket.write(`POST / HTTP/1.1\r\nHost: localhost:${port}\r\nHost: evil.example\r\nContent-Length: 0\r\n\r\n`);
    await once(socket, 'close');
    expect(text).toMatch(/^HTTP\/1\.1 4\d\d /);
  });
});

test('takes one answer only, and says so to the next', async () => {
  const { server, port } = await start();
  const first = send(port, { body: GOOD });
  const received = await server.received;
  const second = await send(port, { body: GOOD.replace('the-code', 'another') });
  expect(second.status).toBe(410);
  expect(second.text).toContain('It was answered already.');
  await received.reply(signedInPage('ada'));
  expect((await first).status).toBe(200);
  expect((await server.received).answer).toEqual({ code: 'the-code' });
});

test('answers while others hold their connections, and closes those in the end', async () => {
  const { server, port } = await start();
  const slow = Array.from({ length: 20 }, () => connect(port, '127.0.0.1'));
  await Promise.all(slow.map((socket) => once(socket, 'connect')));
  for (const socket of slow) socket.write(`POST / HTTP/1.1\r\nHost: localhost:${port}\r\nX: `);
  const reply = send(port, { body: GOOD });
  await (await server.received).reply(signedInPage('ada'));
  expect((await reply).status).toBe(200);
  const closed = slow.map((socket) =>
    once(
      socket.on('error', () => undefined),
      'close',
    ),
  );
  server.close();
  await Promise.all(closed);
  await expect(send(port)).rejects.toThrow();
});

test('does not wait for a browser that is gone', async () => {
  const { server, port } = await start();
  const socket = connect(port, '127.0.0.1');
  socket.write(
    `POST / HTTP/1.1\r\nHost: localhost:${port}\r\nContent-Type: ${FORM['Content-Type']}\r\nContent-Length: ${GOOD.length}\r\n\r\n${GOOD}`,
  );
  const received = await server.received;
  socket.destroy();
  await once(socket, 'close');
  await received.reply(signedInPage('ada'));
});

test('listens on the loopback only', async () => {
  const { port } = await start();
  const others = Object.values(process.getBuiltinModule('node:os').networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter(({ internal, family }) => !internal && family === 'IPv4');
  for (const { address } of others) await expect(send(port, { host: address })).rejects.toThrow();
});

test('shares its port with nobody', async () => {
  const { port } = await start();
  for (const host of ['127.0.0.1', '::1']) {
    const stranger = createServer().listen(port, host);
    const [cause] = await Promise.race([once(stranger, 'error'), once(stranger, 'listening')]);
    stranger.close();
    if (cause?.code !== 'EADDRNOTAVAIL') expect(cause?.code).toBe('EADDRINUSE');
  }
});

test.each([
  ['code=a%2Bb+c&state=s', { code: 'a+b c' }],
  ['error=access_denied&error_description=no%21&state=s', { error: 'access_denied', description: 'no!' }],
  ['error=access_denied&state=s', { error: 'access_denied', description: undefined }],
  ['error=&state=s', undefined],
  ['code=x&state=S', undefined],
  ['%&state=s', undefined],
])('reads %j', (body, answer) => {
  expect(parseAnswer(body, 's')).toEqual(answer);
});
