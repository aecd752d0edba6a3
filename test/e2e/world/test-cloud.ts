/** Opens a cloud, machines and a Docker engine for a test file, and closes each of them in time. */
import { afterAll, afterEach, beforeAll } from 'vitest';
import { type Cloud, startCloud } from './cloud.ts';
import { startDockerEngine } from './docker-engine.ts';
import { createMachine, type Machine, type MachineOptions } from './machine.ts';
import { canRunEngine } from './parts.ts';

/** A cloud that closes after the test file and forgets its requests after each test. */
export interface TestCloud extends Cloud {
  /** Creates a machine that closes after the test. */
  readonly addMachine: (options?: MachineOptions) => Machine;
}

/** Opens a cloud; call it first in a file, so that the file's own cleanup runs before the machines close. */
export async function openCloud(): Promise<TestCloud> {
  const cloud = await startCloud();
  const machines: Machine[] = [];
  afterEach(async () => {
    await Promise.all(machines.splice(0).map((machine) => machine.close()));
    cloud.forget();
  });
  afterAll(() => cloud.close());
  return {
    ...cloud,
    addMachine: (options) => {
      const machine = createMachine(cloud, options);
      machines.push(machine);
      return machine;
    },
  };
}

/**
 * Starts an engine for the tests of a file, if one can run, on a machine on which nobody is signed in; the image
 * `team/app:1` is in the registry.
 * @returns the value of `DOCKER_HOST` for its clients, once the tests run
 */
export function openDockerEngine(cloud: Cloud): () => string {
  const machine = createMachine(cloud, { identity: 'nobody' });
  let dockerHost = '';
  beforeAll(async () => {
    if (!canRunEngine()) return;
    dockerHost = await startDockerEngine(machine);
    await cloud.seed('team/app', '1');
  });
  afterAll(() => machine.close());
  return () => dockerHost;
}
