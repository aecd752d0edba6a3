import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, test } from 'vitest';
import { type JsonRecord, parseJsonRecord, parseRecord } from './json.ts';
import { createProxiedClient, TOKEN_URL } from './proxied-client.ts';
import { CLIENT_ID, CLIENT_SECRET, TENANT_ID } from './state.ts';
import { secretForm } from './test-client.ts';
import { decodeToken } from './tokens.ts';

let child: ChildProcess | undefined;

afterEach(() => {
  child?.kill('SIGKILL');
});

async function start(
  ...options: readonly string[]
): Promise<{ readonly process: ChildProcess; readonly line: JsonRecord }> {
  const started = spawn(process.execPath, [join(import.meta.dirname, 'process.ts'), ...options], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child = started;
  const [line] = await once(createInterface({ input: started.stdout }), 'line');
  return { process: started, line: parseJsonRecord(String(line)) ?? {} };
}

describe('the emulator as a process', () => {
  test.each(['the end of stdin', 'SIGTERM'])(
    'prints how to reach it, answers requests and exits on %s',
    async (end) => {
      const { process: started, line } = await start();
      expect(line).toMatchObject({ tenantId: TENANT_ID, clientId: CLIENT_ID, clientSecret: CLIENT_SECRET });
      expect(parseRecord(line['environment'])).toMatchObject({
        HTTPS_PROXY: line['proxyUrl'],
        NODE_EXTRA_CA_CERTS: line['caFile'],
      });
      expect(await (await fetch(`${line['proxyUrl']}/_emulator/secrets`)).json()).toEqual([CLIENT_SECRET]);
      expect(existsSync(String(line['caFile']))).toBe(true);

      const ended = once(started, 'exit');
      if (end === 'the end of stdin') {
        started.stdin?.end();
      } else {
        started.kill('SIGTERM');
      }
      expect((await ended)[0]).toBe(0);
      expect(existsSync(String(line['caFile']))).toBe(false);
    },
  );

  test('prints the token of a service account on request, which Entra takes', async () => {
    const { line } = await start('--service-account');
    const token = String(line['serviceAccountToken']);
    expect(decodeToken(token)?.claims).toMatchObject({ sub: 'system:serviceaccount:default:puller' });
    const answer = await fetch(`${line['proxyUrl']}/_emulator/secrets`);
    expect(await answer.json()).toContain(token);
    const client = await createProxiedClient({ caFile: String(line['caFile']), proxyUrl: String(line['proxyUrl']) });
    try {
      const { client_secret: _secret, ...form } = secretForm({
        client_assertion: token,
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      });
      expect((await client.post(TOKEN_URL, form)).status).toBe(200);
    } finally {
      await client.close();
    }
  });
});
