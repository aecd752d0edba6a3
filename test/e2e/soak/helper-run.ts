/** Runs the built program as a client does, and may kill it at any moment. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Machine } from '../world/machine.ts';

export interface HelperRun {
  readonly verb: string;
  readonly server: string;
  /** `undefined` when it was killed. */
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  readonly startedMs: number;
  readonly endedMs: number;
}

export interface HelperRequest {
  readonly verb: string;
  /** The server that stdin names. */
  readonly server: string;
  readonly input?: string;
  readonly environment: Readonly<Record<string, string>>;
  /** When to kill it, if it is still running. */
  readonly killAfterMs?: number | undefined;
}

/** Longer than any answer may take. */
const GIVE_UP_MS = 40_000;

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Runs one verb to its end. */
export async function runHelper(machine: Machine, request: HelperRequest): Promise<HelperRun> {
  const { verb, server, input = server, environment, killAfterMs } = request;
  const startedMs = Date.now();
  const child = spawn(join(machine.folder, 'bin', 'docker-credential-acr'), [verb], {
    env: { ...machine.environment, ...environment },
    cwd: join(machine.folder, 'home'),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  running.add(child);
  const streams = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    streams.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    streams.stderr += text;
  });
  child.stdin.on('error', () => undefined).end(input);
  const timer = setTimeout(() => child.kill('SIGKILL'), killAfterMs ?? GIVE_UP_MS);
  let endedMs = 0;
  child.once('exit', () => {
    endedMs = Date.now();
  });
  const [exitCode] = await once(child, 'close');
  clearTimeout(timer);
  running.delete(child);
  return {
    verb,
    server,
    exitCode: typeof exitCode === 'number' ? exitCode : undefined,
    ...streams,
    startedMs,
    endedMs,
  };
}
