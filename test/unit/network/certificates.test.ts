/** Which certificates are trusted. A process reads the system's once, so each test starts a process of its own. */
import { writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { parseJsonObject } from '../../../src/json.ts';
import { runNode } from '../child.ts';
import { startServer, type TestServer } from '../https-server.ts';
import { useTemporaryFolder } from '../temporary-folder.ts';

// Processes and sockets are slow on a machine that is busy with other suites.
vi.setConfig({ testTimeout: 20_000 });

const folder = useTemporaryFolder();
let server: TestServer;
let stranger: TestServer;

beforeEach(async () => {
  server = await startServer((response) => void response.end('answered'));
  stranger = await startServer((response) => void response.end('answered'));
  writeFileSync(folder.path('ca.pem'), server.authorityPem);
  writeFileSync(folder.path('stranger.pem'), stranger.authorityPem);
});

afterEach(async () => {
  await server.close();
  await stranger.close();
});

/** Sends a request from a process with this environment. */
async function send(env: Record<string, string>) {
  const script = `
    import { Connections } from ${sourceFile('network/connections.ts')};
    import { createHttpClient } from ${sourceFile('network/http-client.ts')};
    import { readClockMs } from ${sourceFile('system/clock.ts')};
    const machine = { env: process.env, platform: process.platform, programName: 'x', now: Date.now, secrets: new Set(), secretVariables: new Set() };
    const connections = new Connections(machine);
    const http = createHttpClient(machine, { connections, deadlineMs: readClockMs() + 10_000, log: undefined });
    const request = { method: 'GET', url: '${server.origin}/' };
    let told;
    try {
      told = { body: (await http.send(request)).body };
    } catch ({ code, message, hint }) {
      told = { code, message, hint };
    }
    http.close();
    console.log(JSON.stringify(told));
  `;
  const { stdout } = await runNode(['--no-warnings', '--input-type=module', '--eval', script], { env });
  return parseJsonObject(stdout);
}

/** A file of the program, as the text of an import. */
function sourceFile(path: string): string {
  return JSON.stringify(`${import.meta.dirname}/../../../src/${path}`);
}

describe('a server whose issuer is in the certificates', () => {
  const rows: readonly (readonly [name: string, env: () => Record<string, string>])[] = [
    ['of NODE_EXTRA_CA_CERTS', () => ({ NODE_EXTRA_CA_CERTS: folder.path('ca.pem') })],
    ['of SSL_CERT_FILE', () => ({ SSL_CERT_FILE: folder.path('ca.pem') })],
    [
      'of SSL_CERT_FILE, beside another NODE_EXTRA_CA_CERTS,',
      () => ({ NODE_EXTRA_CA_CERTS: folder.path('stranger.pem'), SSL_CERT_FILE: folder.path('ca.pem') }),
    ],
    [
      'of NODE_EXTRA_CA_CERTS, beside another SSL_CERT_FILE,',
      () => ({ NODE_EXTRA_CA_CERTS: folder.path('ca.pem'), SSL_CERT_FILE: folder.path('stranger.pem') }),
    ],
  ];
  for (const [name, env] of rows) {
    test(`${name} receives the request`, async () => {
      expect(await send(env())).toEqual({ body: 'answered' });
      expect(server.requests).toHaveLength(1);
    });
  }
});

describe('a server with a certificate', () => {
  const rows: readonly (readonly [name: string, env: () => Record<string, string>])[] = [
    ['of an unknown issuer', () => ({})],
    ['of an issuer not in NODE_EXTRA_CA_CERTS', () => ({ NODE_EXTRA_CA_CERTS: folder.path('stranger.pem') })],
  ];
  for (const [name, env] of rows) {
    test(`${name} receives no request, and the error says that it is not trusted`, async () => {
      const told = await send(env());
      expect(told).toMatchObject({ code: 'NETWORK_FAILED' });
      expect(told?.['message']).toMatch(RegExp(`^the certificate of localhost:${server.port} is not trusted`));
      expect(told?.['hint']).toContain('NODE_EXTRA_CA_CERTS');
      expect(server.requests).toHaveLength(0);
    });
  }
});
