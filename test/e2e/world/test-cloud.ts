/** What a test file opens for itself: a cloud, machines in it and a Docker engine, each of which ends in its time. */
import { afterAll, afterEach, beforeAll } from 'vitest';
import { type Cloud, startCloud } from './cloud.ts';
import { startDockerEngine } from './docker-engine.ts';
import { createMachine, type Machine, type MachineOptions } from './machine.ts';
import { canRunEngine } from './parts.ts';

/** A cloud that ends with the test file, and forgets the requests of a test with the test. */
export interface TestCloud extends Cloud {
  /** Creates a machine that ends with the test. */
  readonly addMachine: (options?: MachineOptions) => Machine;
}

/** To be called where a file begins: what a test undoes by itself comes before the end of its machines. */
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
 * Starts an engine for the tests of a file, where one can run, on a machine on which nobody is signed in; the image
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
