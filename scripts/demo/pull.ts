/** A pull through the program: by the first of podman, skopeo and Docker that can be used here, else by Node itself. */
import { join } from 'node:path';
import { type Cloud, LOGIN_SERVER } from '../../test/e2e/world/cloud.ts';
import { startDockerEngine } from '../../test/e2e/world/docker-engine.ts';
import type { Machine, MachineRunOptions } from '../../test/e2e/world/machine.ts';
import { findPart } from '../../test/e2e/world/parts.ts';
import { prepareContainerStorage } from '../../test/e2e/world/podman.ts';
import { lastLines } from '../parts/command.ts';
import { type PullStep, pullWithNode } from './node-pull.ts';

export interface Pull {
  /** What a person would type, or what is done instead. */
  readonly command: string;
  /**
   * Pulls; an engine does not tell its steps.
   * @throws when nothing was pulled, with the reason
   */
  readonly run: (tell: (step: PullStep) => void) => Promise<void>;
}

const REPOSITORY = 'demo/hello';
const TAG = '1';
const IMAGE = `${LOGIN_SERVER}/${REPOSITORY}:${TAG}`;

/** Puts an image into the registry and prepares a client, which shares nothing with an engine that already runs here. */
export async function preparePull(cloud: Cloud, machine: Machine): Promise<Pull> {
  await cloud.seed(REPOSITORY, TAG);
  const runClient = async (program: string, args: readonly string[], options: MachineRunOptions = {}) => {
    const { exitCode, stderr } = await machine.run(program, args, options);
    if (exitCode !== 0) throw new Error(lastLines(stderr, 5));
  };
  const isRoot = process.getuid?.() === 0;
  const [podman, skopeo, docker] = ['podman', 'skopeo', 'docker'].map(findPart);
  if (podman !== undefined && isRoot) {
    const environment = prepareContainerStorage(machine);
    return { command: `podman pull ${IMAGE}`, run: () => runClient(podman, ['pull', IMAGE], { environment }) };
  }
  if (skopeo !== undefined) {
    const args = ['copy', `docker://${IMAGE}`, `dir:${join(machine.folder, 'image')}`];
    return { command: `skopeo copy docker://${IMAGE} dir:image`, run: () => runClient(skopeo, args) };
  }
  if (docker !== undefined && findPart('dockerd') !== undefined && isRoot) {
    const environment = { DOCKER_HOST: await startDockerEngine(machine) };
    return { command: `docker pull ${IMAGE}`, run: () => runClient(docker, ['pull', IMAGE], { environment }) };
  }
  const runHelper = async () => (await machine.helper('get', LOGIN_SERVER)).stdout;
  return {
    command: `a pull of ${IMAGE}, by Node as an engine does it, since none is here`,
    run: (tell) => pullWithNode(cloud.emulator, REPOSITORY, TAG, runHelper, tell),
  };
}
