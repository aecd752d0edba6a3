/** Runs real programs with their own environment and collects both of their streams. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

export interface RunOptions {
  readonly environment: Readonly<Record<string, string>>;
  /** The stdin of the program; empty by default. */
  readonly input?: string;
  readonly folder?: string;
  readonly timeoutMs?: number;
  /** What {@link Server.stop} sends to the program; `SIGTERM` by default. */
  readonly stopSignal?: NodeJS.Signals;
}

export interface RunResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program that runs until it is stopped. */
export interface Server {
  readonly hasEnded: () => boolean;
  /** Both streams so far, in the order of arrival. */
  readonly output: () => string;
  /** Ends it, kills it after a while, and waits until it has ended. */
  readonly stop: () => Promise<void>;
}

// The children have their own process groups, so Ctrl-C and the end of this process have to be passed on.
const live = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of live) signalGroup(child, 'SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(130));

/** Runs a program to its end; one that takes too long is killed together with its children. */
export async function runProcess(command: string, args: readonly string[], options: RunOptions): Promise<RunResult> {
  const child = spawnGroup(command, args, options);
  const streams = { stdout: '', stderr: '' };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    streams.stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    streams.stderr += text;
  });
  // A program may ignore its input without failing the test.
  child.stdin?.on('error', () => undefined).end(options.input ?? '');
  const timeoutMs = options.timeoutMs ?? 120_000;
  const timer = setTimeout(() => signalGroup(child, 'SIGKILL'), timeoutMs);
  try {
    const [exitCode, signal] = await once(child, 'close');
    if (typeof exitCode === 'number') return { exitCode, ...streams };
    throw new Error(`${command} ended by ${signal} (limit ${timeoutMs} ms)\n${streams.stdout}\n${streams.stderr}`);
  } finally {
    clearTimeout(timer);
    live.delete(child);
  }
}

/** Starts a program that runs beside the tests. */
export function startProcess(command: string, args: readonly string[], options: RunOptions): Server {
  const child = spawnGroup(command, args, options);
  let output = '';
  const collect = (text: string) => {
    output += text;
  };
  child.stdout?.setEncoding('utf8').on('data', collect);
  child.stderr?.setEncoding('utf8').on('data', collect);
  child.stdin?.end();
  child.on('error', (error) => collect(`${error.message}\n`));
  let ended = false;
  const closed = new Promise<void>((resolve) => {
    child.on('close', () => {
      ended = true;
      live.delete(child);
      resolve();
    });
  });
  const stop = async () => {
    if (!ended) child.kill(options.stopSignal ?? 'SIGTERM');
    const timer = setTimeout(() => signalGroup(child, 'SIGKILL'), 15_000);
    await closed;
    clearTimeout(timer);
  };
  return { hasEnded: () => ended, output: () => output, stop };
}

/** Waits until `isReady` returns true; throws with the server's output when it ends or takes too long. */
export async function waitForServer(server: Server, isReady: () => Promise<boolean>, limitMs = 60_000): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!(await isReady())) {
    if (server.hasEnded() || Date.now() > deadline) throw new Error(`The server did not start:\n${server.output()}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Each program leads a process group of its own, so that its children end with it. */
function spawnGroup(command: string, args: readonly string[], options: RunOptions): ChildProcess {
  const child = spawn(command, args, {
    env: options.environment,
    cwd: options.folder,
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  live.add(child);
  return child;
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // It has ended already.
  }
}
