/** Debian's Chromium without a window, which a test leads through its debugging pipe. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { asJsonObject, asText, type JsonObject, parseJsonObject } from '../../../src/json.ts';
import type { Cloud } from './cloud.ts';
import { partOf } from './parts.ts';
import { createTemporaryFolder } from './temporary-folder.ts';

export interface Chromium {
  readonly open: (url: string) => Promise<void>;
  /** Evaluates an expression on the page until it is true. @throws when it takes too long. */
  readonly waitFor: (expression: string) => Promise<void>;
  /** The value of an expression, as a text. */
  readonly read: (expression: string) => Promise<string>;
  /** Lets pages see that the person prefers a dark or a light screen. */
  readonly prefer: (scheme: 'dark' | 'light') => Promise<void>;
  /** The URLs of all requests of the page so far. */
  readonly requests: () => readonly string[];
  readonly close: () => Promise<void>;
}

const TIMEOUT_MS = 20_000;
const POLL_MS = 25;

/** Starts a browser with a profile of its own, whose only network is the emulator. The test needs the part `chromium`. */
export async function startChromium({ emulator }: Cloud): Promise<Chromium> {
  const { path: folder, remove } = createTemporaryFolder('acr-chromium-');
  const child = spawn(
    partOf('chromium'),
    [
      '--headless',
      '--no-sandbox', // root
      '--remote-debugging-pipe',
      `--user-data-dir=${join(folder, 'profile')}`,
      `--proxy-server=${emulator.proxyUrl}`,
      '--proxy-bypass-list=localhost',
      '--ignore-certificate-errors', // those of the emulator
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      'about:blank',
    ],
    {
      env: { PATH: '/usr/bin:/bin', HOME: folder, TMPDIR: folder, LANG: 'C.UTF-8' },
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
      detached: true,
    },
  );
  const kill = () => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
      process.kill(-child.pid, 'SIGKILL');
  };
  process.on('exit', kill);
  const ended = once(child, 'exit');
  const [, , , input, output] = child.stdio;
  if (!isWritable(input) || !isReadable(output)) throw new Error('Chromium has no pipe');
  const requests: string[] = [];
  const waiting = new Map<number, (message: JsonObject) => void>();
  let rest = '';
  output.setEncoding('utf8').on('data', (text: string) => {
    const messages = `${rest}${text}`.split('\0');
    rest = messages.pop() ?? '';
    for (const message of messages.map((one) => parseJsonObject(one) ?? {})) {
      if (typeof message['id'] === 'number') waiting.get(message['id'])?.(message);
      const request = asJsonObject(asJsonObject(message['params'])?.['request']);
      if (message['method'] === 'Network.requestWillBeSent') requests.push(asText(request?.['url']) ?? '');
    }
  });
  let last = 0;
  let sessionId: string | undefined;
  const call = async (method: string, params: object = {}): Promise<JsonObject> => {
    last += 1;
    const id = last;
    const answer = new Promise<JsonObject>((resolve) => waiting.set(id, resolve));
    input.write(`${JSON.stringify({ id, method, params, ...(sessionId === undefined ? {} : { sessionId }) })}\0`);
    const message = await Promise.race([
      answer,
      ended.then(() => {
        throw new Error(`Chromium ended during ${method}`);
      }),
    ]);
    waiting.delete(id);
    if (message['error'] !== undefined) throw new Error(`${method}: ${JSON.stringify(message['error'])}`);
    return asJsonObject(message['result']) ?? {};
  };
  const { targetId } = await call('Target.createTarget', { url: 'about:blank' });
  sessionId = asText((await call('Target.attachToTarget', { targetId, flatten: true }))['sessionId']);
  await call('Network.enable');
  const read = async (expression: string) => {
    const { result } = await call('Runtime.evaluate', { expression: `String(${expression})` });
    return asText(asJsonObject(result)?.['value']) ?? '';
  };
  return {
    open: async (url) => void (await call('Page.navigate', { url })),
    read,
    waitFor: async (expression) => {
      const deadline = Date.now() + TIMEOUT_MS;
      // A page that is being left has no context for a moment.
      while ((await read(expression).catch(() => '')) !== 'true') {
        if (Date.now() > deadline) {
          throw new Error(`${expression} stays false on:\n${await read('document.documentElement.outerHTML')}`);
        }
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    },
    prefer: async (value) => {
      await call('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value }] });
    },
    requests: () => [...requests],
    close: async () => {
      kill();
      await ended;
      process.off('exit', kill);
      remove();
    },
  };
}

function isWritable(stream: unknown): stream is Writable {
  return typeof stream === 'object' && stream !== null && 'write' in stream;
}

function isReadable(stream: unknown): stream is Readable {
  return typeof stream === 'object' && stream !== null && 'read' in stream;
}
