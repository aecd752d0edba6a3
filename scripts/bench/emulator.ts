/** Starts the emulator of Azure as a separate process, so that it does not share a thread with the bench. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export interface RunningEmulator {
  /** The environment variables to sign in at the emulator, except the variable for its certificate. */
  readonly environment: Readonly<Record<string, string>>;
  /** The certificate of the emulator's authority. */
  readonly caFile: string;
  /** The token of a service account that the application of the environment trusts. */
  readonly serviceAccountToken: string;
  /** The requests since `forget`, as `host/path`. */
  readonly listRequests: () => Promise<readonly string[]>;
  readonly forget: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

interface Introduction {
  readonly environment: Readonly<Record<string, string>>;
  readonly caFile: string;
  readonly proxyUrl: string;
  readonly serviceAccountToken: string;
}

/** Each program gets only the variable that it reads, so that no program does additional work. */
const CERTIFICATE_VARIABLES: ReadonlySet<string> = new Set([
  'NODE_EXTRA_CA_CERTS',
  'SSL_CERT_FILE',
  'REQUESTS_CA_BUNDLE',
  'CURL_CA_BUNDLE',
]);

/** @param roundTripMs the simulated time for a message to the emulator and its response. */
export async function startEmulator(root: string, roundTripMs: number): Promise<RunningEmulator> {
  const script = join(root, 'test/emulator/process.ts');
  const options = ['--round-trip-ms', String(roundTripMs), '--service-account'];
  const child = spawn(process.execPath, [script, ...options], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const stop = async () => {
    child.stdin.end();
    await ended;
  };
  const lines = createInterface({ input: child.stdout });
  const started = once(lines, 'line').then(([line]) => parseIntroduction(String(line)));
  const introduction = await Promise.race([started, ended.then(() => undefined)]);
  if (introduction === undefined) {
    await stop();
    throw new Error('The emulator did not say how to reach it');
  }
  const { environment, caFile, proxyUrl, serviceAccountToken } = introduction;
  const requestsUrl = new URL('/_emulator/requests', proxyUrl);
  return {
    environment,
    caFile,
    serviceAccountToken,
    listRequests: async () => parseRequests(await (await fetch(requestsUrl)).json()),
    forget: async () => {
      await fetch(requestsUrl, { method: 'DELETE' });
    },
    stop,
  };
}

/** @returns `undefined` when the line lacks a value. */
function parseIntroduction(line: string): Introduction | undefined {
  const said: unknown = JSON.parse(line);
  if (!isRecord(said) || !isRecord(said['environment'])) return undefined;
  const { caFile, proxyUrl, serviceAccountToken } = said;
  const network = Object.entries(said['environment']).filter(([name]) => !CERTIFICATE_VARIABLES.has(name));
  const environment: Record<string, unknown> = {
    ...Object.fromEntries(network),
    AZURE_TENANT_ID: said['tenantId'],
    AZURE_CLIENT_ID: said['clientId'],
    AZURE_CLIENT_SECRET: said['clientSecret'],
  };
  if (!isRecordOfStrings(environment) || typeof caFile !== 'string' || typeof proxyUrl !== 'string') return undefined;
  if (typeof serviceAccountToken !== 'string') return undefined;
  return { environment, caFile, proxyUrl, serviceAccountToken };
}

function parseRequests(said: unknown): readonly string[] {
  if (!Array.isArray(said)) throw new Error('The emulator did not say what it was asked');
  return said.map((entry: unknown) => (isRecord(entry) ? `${entry['host']}${entry['path']}` : ''));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isRecordOfStrings(value: Record<string, unknown>): value is Record<string, string> {
  return Object.values(value).every((entry) => typeof entry === 'string');
}
