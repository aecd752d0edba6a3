/** The runtime that a test gives the program: its environment holds only what the test says. */
import type { Runtime } from '../../src/system/runtime.ts';

/** The time on a test's clock, in milliseconds since the epoch. */
export const NOW_MS = Date.UTC(2026, 0, 2, 3, 4, 5);
export const NOW_SECONDS = NOW_MS / 1000;

export function makeRuntime(env: Runtime['env'] = {}, changes: Partial<Omit<Runtime, 'env'>> = {}): Runtime {
  return {
    env,
    platform: 'linux',
    programName: 'docker-credential-acr',
    now: () => NOW_MS,
    secrets: new Set(),
    secretVariables: new Set(),
    ...changes,
  };
}
