/** A machine with Windows, as far as Wine is one: a prefix of its own, Windows' Node, and a client that starts programs. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { WINDOWS_NODE, WINE, WINE_SERVER, WINE_TEMPLATE, wineEnvironment } from '../../../scripts/parts/wine.ts';
import { asText, type JsonObject, parseJsonObject } from '../../../src/json.ts';

type Variables = Readonly<Record<string, string | undefined>>;

export const SYSTEM_FOLDER = 'C:\\windows';
export const NODE = 'C:\\Program Files\\nodejs\\node.exe';
const CLIENT = fileURLToPath(new URL('windows-client.ts', import.meta.url));
const START_MS = 60_000;

export interface WindowsResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface WindowsRun {
  readonly args: readonly string[];
  readonly input?: string;
  /** The whole environment of the program, except for what Windows adds. */
  readonly environment?: Variables;
  /** The working directory. */
  readonly folder?: string;
  /** Whether the arguments are already quoted. */
  readonly isVerbatim?: boolean;
}

/** A program that may be killed before it ends. */
export interface WindowsProcess {
  readonly ended: Promise<WindowsResult>;
  readonly kill: () => Promise<void>;
}

export interface Windows {
  /** Starts a program by its path on Windows. */
  readonly start: (file: string, run: WindowsRun) => WindowsProcess;
  /**
   * Opens a file as another program does: so that others can read and change it, but not replace it, or not at all.
   * @returns a function that closes it.
   */
  readonly hold: (path: string, isShared: boolean) => Promise<() => Promise<void>>;
  /** Where Linux has a file or a folder of `C:` or `Z:`. */
  readonly findHere: (path: string) => string;
  readonly write: (path: string, text: string) => void;
  /** @returns the text of a file; `undefined` when there is none. */
  readonly read: (path: string) => string | undefined;
  readonly close: () => Promise<void>;
}

/** Whether everything that it needs is installed. */
export function hasWine(): boolean {
  return [WINE, WINDOWS_NODE, WINE_TEMPLATE].every((path) => existsSync(path));
}

/** The path by which Windows knows a file of Linux. */
export function toWindowsPath(path: string): string {
  return `Z:${path.replaceAll('/', '\\')}`;
}

/** Starts Windows. It takes a second or two. @throws when Wine is not installed or does not start. */
export async function startWindows(): Promise<Windows> {
  if (!hasWine()) throw new Error('Wine is not installed: `npm test -- release` says why');
  const prefix = mkdtempSync(join(tmpdir(), 'acr-windows-'));
  preparePrefix(prefix);
  const environment = wineEnvironment(prefix);
  const endWine = () => {
    spawnSync(WINE_SERVER, ['--kill'], { env: environment });
    // It writes the registry before it ends.
    spawnSync(WINE_SERVER, ['--wait'], { env: environment, timeout: 10_000 });
    rmSync(prefix, { recursive: true, force: true, maxRetries: 10 });
  };
  process.on('exit', endWine);
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const options = ['--disable-warning=ExperimentalWarning', toWindowsPath(CLIENT), String(port)];
  // Into a file: Windows' Node waits for ever with a socket of Linux as its output.
  const logFile = join(prefix, 'client.log');
  const log = openSync(logFile, 'w');
  const client = spawn(WINE, [NODE, ...options], { env: environment, stdio: ['ignore', log, log] });
  closeSync(log);
  const requests = sendRequests(await waitForClient(server, client, logFile));
  const findHere = (path: string) => {
    const names = path.replaceAll('\\', '/');
    if (/^z:/i.test(names)) return names.slice(2);
    if (/^c:/i.test(names)) return join(prefix, 'drive_c', names.slice(2));
    throw new Error(`${path} is neither on C: nor on Z:`);
  };
  return {
    start: (file, { environment: variables, ...run }) => {
      const request = { action: 'run', file, environment: variables, ...run };
      const { id, answer } = requests.send(request);
      const ended = answer.then(({ exitCode, stdout, stderr }) => ({
        exitCode: typeof exitCode === 'number' ? exitCode : -1,
        stdout: asText(stdout) ?? '',
        stderr: asText(stderr) ?? '',
      }));
      return { ended, kill: async () => void (await requests.send({ action: 'kill', target: id }).answer) };
    },
    hold: async (file, isShared) => {
      const { error } = await requests.send({ action: 'hold', file, isShared }).answer;
      if (error !== undefined) throw new Error(`Cannot hold ${file}: ${String(error)}`);
      return async () => void (await requests.send({ action: 'release', file }).answer);
    },
    findHere,
    write: (path, text) => {
      mkdirSync(dirname(findHere(path)), { recursive: true });
      writeFileSync(findHere(path), text);
    },
    read: (path) => (existsSync(findHere(path)) ? readFileSync(findHere(path), 'utf8') : undefined),
    close: async () => {
      requests.close();
      server.close();
      process.off('exit', endWine);
      endWine();
    },
  };
}

/** Copies the registry and links to what no program changes, since a whole prefix has 700 MB. */
function preparePrefix(prefix: string): void {
  for (const name of ['system.reg', 'user.reg', 'userdef.reg', '.update-timestamp']) {
    cpSync(join(WINE_TEMPLATE, name), join(prefix, name));
  }
  const drive = join(prefix, 'drive_c');
  for (const name of ['users', 'ProgramData', 'Program Files/nodejs', 'Program Files (x86)']) {
    mkdirSync(join(drive, name), { recursive: true });
  }
  symlinkSync(join(WINE_TEMPLATE, 'drive_c', 'windows'), join(drive, 'windows'));
  symlinkSync(WINDOWS_NODE, join(drive, 'Program Files', 'nodejs', 'node.exe'));
  mkdirSync(join(prefix, 'dosdevices'));
  symlinkSync('../drive_c', join(prefix, 'dosdevices', 'c:'));
  symlinkSync('/', join(prefix, 'dosdevices', 'z:'));
}

async function waitForClient(server: Server, client: ChildProcess, logFile: string): Promise<Socket> {
  const ready = new AbortController();
  const { signal } = ready;
  const timer = setTimeout(() => client.kill('SIGKILL'), START_MS);
  try {
    const [socket] = await Promise.race([
      once(server, 'connection', { signal }),
      once(client, 'exit', { signal }).then(() => {
        throw new Error(`Windows' Node ended:\n${readFileSync(logFile, 'utf8')}`);
      }),
    ]);
    return socket;
  } finally {
    clearTimeout(timer);
    ready.abort();
  }
}

interface Requests {
  readonly send: (request: object) => { readonly id: number; readonly answer: Promise<JsonObject> };
  readonly close: () => void;
}

function sendRequests(socket: Socket): Requests {
  const waiting = new Map<number, { resolve: (answer: JsonObject) => void; reject: (cause: Error) => void }>();
  let sent = 0;
  createInterface({ input: socket }).on('line', (line) => {
    const answer = parseJsonObject(line) ?? {};
    if (typeof answer['id'] !== 'number') return;
    waiting.get(answer['id'])?.resolve(answer);
    waiting.delete(answer['id']);
  });
  socket.on('error', () => undefined); // it closes
  socket.on('close', () => {
    for (const { reject } of waiting.values()) reject(new Error('The client on Windows has ended'));
  });
  return {
    send: (request) => {
      sent += 1;
      const id = sent;
      socket.write(`${JSON.stringify({ ...request, id })}\n`);
      return { id, answer: new Promise((resolve, reject) => waiting.set(id, { resolve, reject })) };
    },
    close: () => socket.destroy(),
  };
}
