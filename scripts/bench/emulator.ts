/** Starts the emulator of Azure as a process of its own, so that it does not share a thread with the bench. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export interface RunningEmulator {
  /** What a program needs in its environment to sign in against the emulator. */
  readonly environment: Readonly<Record<string, string>>;
  readonly stop: () => Promise<void>;
}

/** @param roundTripMs how long a message to the emulator and its answer travel together. */
export async function startEmulator(root: string, roundTripMs: number): Promise<RunningEmulator> {
  const script = join(root, 'test/emulator/process.ts');
  const child = spawn(process.execPath, [script, '--round-trip-ms', String(roundTripMs)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const stop = async () => {
    child.stdin.end();
    await ended;
  };
  const lines = createInterface({ input: child.stdout });
  const started = once(lines, 'line').then(([line]) => parseEnvironment(String(line)));
  const environment = await Promise.race([started, ended.then(() => undefined)]);
  if (environment) return { environment, stop };
  await stop();
  throw new Error('The emulator did not say how to reach it');
}

/** @returns `undefined` when the line does not say what is needed. */
function parseEnvironment(line: string): Record<string, string> | undefined {
  const said: unknown = JSON.parse(line);
  if (!isRecord(said) || !isRecord(said['environment'])) return undefined;
  const wanted: Record<string, unknown> = {
    ...said['environment'],
    AZURE_TENANT_ID: said['tenantId'],
    AZURE_CLIENT_ID: said['clientId'],
    AZURE_CLIENT_SECRET: said['clientSecret'],
  };
  return isRecordOfStrings(wanted) ? wanted : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isRecordOfStrings(value: Record<string, unknown>): value is Record<string, string> {
  return Object.values(value).every((entry) => typeof entry === 'string');
}
