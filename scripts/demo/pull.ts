/** A real client that pulls through the program: the first of podman, skopeo and Docker that can be used here. */
import { join } from 'node:path';
import { type Cloud, LOGIN_SERVER } from '../../test/e2e/world/cloud.ts';
import { startDockerEngine } from '../../test/e2e/world/docker-engine.ts';
import type { Machine } from '../../test/e2e/world/machine.ts';
import { findPart } from '../../test/e2e/world/parts.ts';
import { prepareContainerStorage } from '../../test/e2e/world/podman.ts';

export interface Pull {
  /** What a person would type. */
  readonly command: string;
  readonly run: () => Promise<{ readonly exitCode: number; readonly stdout: string; readonly stderr: string }>;
}

const REPOSITORY = 'demo/hello';
const IMAGE = `${LOGIN_SERVER}/${REPOSITORY}:1`;

/**
 * Puts an image into the registry and prepares a client, which shares nothing with an engine that already runs here.
 * @returns `undefined` where there is no registry or no client
 */
export async function preparePull(cloud: Cloud, machine: Machine): Promise<Pull | undefined> {
  if (findPart('docker-registry') === undefined) return undefined;
  await cloud.seed(REPOSITORY, '1');
  const isRoot = process.getuid?.() === 0;
  const [podman, skopeo, docker] = ['podman', 'skopeo', 'docker'].map(findPart);
  if (podman !== undefined && isRoot) {
    const environment = prepareContainerStorage(machine);
    return { command: `podman pull ${IMAGE}`, run: () => machine.run(podman, ['pull', IMAGE], { environment }) };
  }
  if (skopeo !== undefined) {
    const args = ['copy', `docker://${IMAGE}`, `dir:${join(machine.folder, 'image')}`];
    return { command: `skopeo copy docker://${IMAGE} dir:image`, run: () => machine.run(skopeo, args) };
  }
  if (docker !== undefined && findPart('dockerd') !== undefined && isRoot) {
    const environment = { DOCKER_HOST: await startDockerEngine(machine) };
    return { command: `docker pull ${IMAGE}`, run: () => machine.run(docker, ['pull', IMAGE], { environment }) };
  }
  return undefined;
}
