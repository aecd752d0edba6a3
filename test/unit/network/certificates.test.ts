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
async function send(env: Record<string, string>, connections = 'new Connections(machine)') {
  const script = `
    import { Connections } from ${sourceFile('network/connections.ts')};
    import { createDirectConnections } from ${sourceFile('network/direct-connections.ts')};
    import { createHttpClient } from ${sourceFile('network/http-client.ts')};
    import { readClockMs } from ${sourceFile('system/clock.ts')};
    const machine = { env: process.env, platform: process.platform, programName: 'x', now: Date.now, secrets: new Set(), secretVariables: new Set() };
    const connections = ${connections};
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
  const args = ['--no-warnings', '--input-type=module', '--eval', script];
  const { stdout } = await runNode(args, { env, cwd: folder.path() });
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

describe('a server whose issuer is in the working directory receives no request', () => {
  const rows: readonly (readonly [environment: string, env: Record<string, string>])[] = [
    ['NODE_EXTRA_CA_CERTS', { NODE_EXTRA_CA_CERTS: 'ca.pem' }],
    ['NODE_EXTRA_CA_CERTS', { NODE_EXTRA_CA_CERTS: './ca.pem' }],
    ['SSL_CERT_FILE', { SSL_CERT_FILE: './ca.pem' }],
    ['SSL_CERT_FILE', { SSL_CERT_FILE: 'ca.pem', NODE_USE_SYSTEM_CA: '1' }],
    ['SSL_CERT_DIR', { SSL_CERT_DIR: '.' }],
    ['SSL_CERT_DIR', { SSL_CERT_DIR: '.', NODE_USE_SYSTEM_CA: '1' }],
  ];
  for (const [name, env] of rows) {
    for (const [way, connections] of [
      ['through the proxies', 'new Connections(machine)'],
      ['directly', 'createDirectConnections(machine, {})'],
      [
        'directly with a pinned certificate',
        `createDirectConnections(machine, { certificateSha1: '${'0'.repeat(40)}' })`,
      ],
    ] as const) {
      test(`with ${JSON.stringify(env)}, ${way}`, async () => {
        expect(await send(env, connections)).toEqual({
          code: 'CONFIG_INVALID',
          message: `Cannot use ${name}: it is not an absolute path`,
          hint: `set ${name} to an absolute path, or unset it`,
        });
        expect(server.requests).toHaveLength(0);
      });
    }
  }
});
