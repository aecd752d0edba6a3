/** Starts the real `docker-registry` on the loopback, with a folder of its own. */
import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { LocalRegistry } from './memory-registry.ts';

/** @returns where the program is, or `undefined` when it is not installed. */
export function findDockerRegistry(path = process.env['PATH'] ?? ''): string | undefined {
  return path
    .split(delimiter)
    .map((folder) => join(folder, 'docker-registry'))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** @throws when the program does not answer within ten seconds. */
export async function startDockerRegistry(program: string): Promise<LocalRegistry> {
  const folder = await mkdtemp(join(tmpdir(), 'docker-registry-'));
  const port = await findFreePort();
  const settings = {
    version: 0.1,
    log: { level: 'error', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(folder, 'data') }, delete: { enabled: true } },
    http: { addr: `127.0.0.1:${port}` },
  };
  const file = join(folder, 'registry.yml');
  // JSON is YAML.
  await writeFile(file, JSON.stringify(settings));
  const child = spawn(program, ['serve', file], { stdio: 'ignore' });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve()).once('error', () => resolve());
  });
  const url = `http://127.0.0.1:${port}`;
  const close = async () => {
    child.kill();
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  for (let tries = 0; tries < 200 && child.exitCode === null; tries += 1) {
    const answer = await fetch(`${url}/v2/`).catch(() => undefined);
    if (answer?.status === 200) {
      return { url, close };
    }
    await delay(50);
  }
  await close();
  throw new Error('Cannot start docker-registry: it does not answer');
}

async function findFreePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return typeof address === 'object' ? (address?.port ?? 0) : 0;
}
