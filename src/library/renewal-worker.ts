/**
 * Renews a token in a thread of the calling process. The thread does not keep the process alive, whatever it waits for;
 * a renewal that ends with the process is begun anew by a later one.
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Worker, workerData } from 'node:worker_threads';
import { asJsonObject, asText, type JsonObject } from '../json.ts';
import { renewInBackground } from '../renew.ts';
import type { Runtime } from '../system/runtime.ts';

/** Which token to renew, and what it was found with. */
export interface RenewalRequest {
  readonly server: string;
  readonly env: Runtime['env'];
  readonly config: JsonObject | undefined;
}

/** The folder of this code in the package. There is none where somebody has bundled the library as an ES module. */
declare const __dirname: string | undefined;

/** The script of the thread, beside this code. */
const SCRIPT = 'renewal-worker.js';

/**
 * Starts the thread.
 * @returns whether it was started: not where somebody has bundled the library without this file.
 */
export function startRenewalWorker(request: RenewalRequest): boolean {
  const script = typeof __dirname === 'string' ? join(__dirname, SCRIPT) : undefined;
  if (script === undefined || !existsSync(script)) return false;
  // Nothing that the process loads beside its own program: an `--import` of a test runner, for example.
  const worker = new Worker(script, { workerData: request, env: {}, execArgv: [], stdin: false });
  worker.on('error', () => {}); // the next `get` signs in
  worker.unref();
  return true;
}

/** What the thread does. */
export async function runRenewalWorker(): Promise<void> {
  const { server, env, config } = asJsonObject(workerData) ?? {};
  const given = asJsonObject(config);
  const runtime: Runtime = {
    env: readVariables(env),
    platform: process.platform,
    programName: 'docker-credential-acr',
    now: Date.now,
    secrets: new Set(),
    secretVariables: new Set(),
    ...(given === undefined ? {} : { config: given }),
  };
  await renewInBackground(runtime, asText(server) ?? '', undefined);
}

function readVariables(env: unknown): Runtime['env'] {
  const texts = Object.entries(asJsonObject(env) ?? {}).map(([name, value]) => [name, asText(value)] as const);
  return Object.fromEntries(texts);
}
