/** Runs the official SDKs in a process that knows nothing but the emulator and what it is given. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Emulator } from './emulator.ts';
import { type JsonRecord, parseJsonRecord } from './json.ts';
import { CLIENT_ID, TENANT_ID } from './state.ts';
import { LOGIN_SERVER } from './test-client.ts';

/** Runs one case of `sdk-client.ts`, with a home of its own that goes with the process. */
export async function runSdk(
  emulator: Emulator,
  name: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<JsonRecord> {
  const home = await mkdtemp(join(tmpdir(), 'azure-sdk-'));
  try {
    const script = join(import.meta.dirname, 'sdk-client.ts');
    const { stdout } = await promisify(execFile)(process.execPath, [script, name], {
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: home,
        ...emulator.environment(),
        AZURE_TENANT_ID: TENANT_ID,
        AZURE_CLIENT_ID: CLIENT_ID,
        TEST_ENDPOINT: `https://${LOGIN_SERVER}`,
        ...environment,
      },
    });
    return parseJsonRecord(stdout) ?? {};
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}
