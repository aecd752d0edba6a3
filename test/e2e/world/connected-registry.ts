/** A registry of the tests that knows one user by his password, over plain http, as a connected registry may. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Machine } from './machine.ts';
import { partOf } from './parts.ts';
import { waitForServer } from './process.ts';

export const EDGE_USER = 'edge-client';
export const EDGE_PASSWORD = 'edge client&pw';
/** bcrypt of the password above. */
const PASSWORD_HASH = '$2b$04$z0W2F4DziD4J9szd8HF8J.gm947BdLsg9SF0Xl4G9psBg1ATmtZyS';

/**
 * Starts it; it ends with the machine.
 * @returns its `host:port`
 */
export async function startConnectedRegistry(machine: Machine): Promise<string> {
  const host = `127.0.0.1:${await findFreePort()}`;
  const folder = join(machine.folder, 'connected-registry');
  mkdirSync(folder);
  const users = join(folder, 'users');
  writeFileSync(users, `${EDGE_USER}:${PASSWORD_HASH}\n`);
  const configuration = join(folder, 'registry.yml');
  writeFileSync(
    configuration,
    [
      'version: 0.1',
      'log: { level: error, accesslog: { disabled: true } }',
      `storage: { filesystem: { rootdirectory: ${folder} } }`,
      `auth: { htpasswd: { realm: edge, path: ${users} } }`,
      `http: { addr: '${host}', secret: throw-away }`,
      '',
    ].join('\n'),
  );
  const environment = { OTEL_TRACES_EXPORTER: 'none' };
  const server = machine.start(partOf('docker-registry'), ['serve', configuration], { environment, folder });
  await waitForServer(server, () =>
    fetch(`http://${host}/v2/`).then(
      ({ status }) => status === 401,
      () => false,
    ),
  );
  return host;
}

function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      probe.close(() => resolve(port));
    });
  });
}
