/** The machine that a test runs the program on: nothing in its environment but what the test says. */
import type { Runtime } from '../../src/system/runtime.ts';

/** Milliseconds since the epoch on a test's clock. */
export const NOW_MS = Date.UTC(2026, 0, 2, 3, 4, 5);
export const NOW_SECONDS = NOW_MS / 1000;

export function makeRuntime(env: Runtime['env'] = {}, changes: Partial<Omit<Runtime, 'env'>> = {}): Runtime {
  return {
    env,
    platform: 'linux',
    programName: 'docker-credential-acr',
    now: () => NOW_MS,
    secrets: new Set(),
    ...changes,
  };
}
