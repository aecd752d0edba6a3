/** A Docker engine for the tests, which shares nothing with an engine of the real machine. */
import { mkdirSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import type { Machine } from './machine.ts';
import { findParts, partOf } from './parts.ts';
import { runProcess, waitForServer } from './process.ts';

export interface DockerClient {
  readonly path: string;
  readonly version: string;
}

/** Every Docker client of this machine, of whatever age. */
export async function listDockerClients(): Promise<readonly DockerClient[]> {
  const clients = findParts('docker').map(async (path) => {
    const { stdout } = await runProcess(path, ['--version'], { environment: { PATH: '/usr/bin:/bin', HOME: '/' } });
    return { path, version: /version ([\d.]+\d)/.exec(stdout)?.[1] ?? 'unknown' };
  });
  return Promise.all(clients);
}

/** The first client that can build with BuildKit: until version 23 by itself, since then with the buildx plug-in. */
export async function findBuildKitClient(clients: readonly DockerClient[]): Promise<DockerClient | undefined> {
  for (const client of clients) {
    if (Number.parseInt(client.version, 10) < 23) return client;
    const options = { environment: { PATH: '/usr/bin:/bin', HOME: '/' } };
    if ((await runProcess(client.path, ['buildx', 'version'], options)).exitCode === 0) return client;
  }
  return undefined;
}

/**
 * Starts an engine, which stops with the machine.
 * @returns the value of `DOCKER_HOST` for its clients
 */
export async function startDockerEngine(machine: Machine): Promise<string> {
  const folder = join(machine.folder, 'engine');
  mkdirSync(folder);
  const socket = join(folder, 'docker.sock');
  const engine = machine.start(
    partOf('dockerd'),
    [
      ...['--host', `unix://${socket}`, '--pidfile', join(folder, 'docker.pid'), '--group', 'root'],
      ...['--data-root', join(folder, 'data'), '--exec-root', join(folder, 'exec')],
      ...['--iptables=false', '--ip6tables=false', '--bridge=none', '--storage-driver=vfs', '--log-level=warn'],
    ],
    // The engine has no identity: only what its client sends may open the registry.
    { environment: { AZURE_TENANT_ID: undefined, AZURE_CLIENT_ID: undefined, AZURE_CLIENT_SECRET: undefined } },
  );
  await waitForServer(engine, () => answersPing(socket));
  return `unix://${socket}`;
}

function answersPing(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const ping = request({ socketPath, path: '/_ping' }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    ping.on('error', () => resolve(false));
    ping.end();
  });
}
