/** The reference registry on a loopback port, with its storage in a folder of the tests. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LocalRegistry } from '../../emulator/memory-registry.ts';
import { findFreePort } from './free-port.ts';
import { type Server, startProcess, waitForServer } from './process.ts';

/** @param program The path of `docker-registry`. */
export async function startRegistryServer(program: string, folder: string): Promise<LocalRegistry> {
  const port = await findFreePort();
  const storage = join(folder, 'storage');
  mkdirSync(storage, { recursive: true });
  const configuration = join(folder, 'registry.yml');
  writeFileSync(
    configuration,
    [
      'version: 0.1',
      'log: { level: error, accesslog: { disabled: true } }',
      `storage: { filesystem: { rootdirectory: ${storage} }, delete: { enabled: true } }`,
      `http: { addr: '127.0.0.1:${port}', secret: throw-away }`,
      '',
    ].join('\n'),
  );
  const server: Server = startProcess(program, ['serve', configuration], {
    environment: { PATH: '/usr/bin:/bin', HOME: folder, OTEL_TRACES_EXPORTER: 'none' },
    folder,
  });
  const url = `http://127.0.0.1:${port}`;
  await waitForServer(server, () => answersOk(`${url}/v2/`));
  return { url, close: server.stop };
}

async function answersOk(url: string): Promise<boolean> {
  return fetch(url).then(
    ({ ok }) => ok,
    () => false,
  );
}
