/** What every measurement needs: the programs, the emulators, and environments without the person's own settings. */

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunningEmulator, startEmulator } from './emulator.ts';
import { type Programs, preparePrograms } from './programs.ts';
import { CACHE_VARIABLE, isCredential, isSilent, measureTime, type Subject } from './subject.ts';

export const REGISTRY = 'myregistry.azurecr.io';
/** The round trips to a nearby registry, and to one on another continent. */
export const ROUND_TRIPS_MS = [25, 80] as const;
export type RoundTripMs = (typeof ROUND_TRIPS_MS)[number];

/** The variables that name the emulator's certificate. Each program gets the one that it reads, and no other. */
type CertificateVariable = 'NODE_EXTRA_CA_CERTS' | 'SSL_CERT_FILE' | 'REQUESTS_CA_BUNDLE';

export interface World {
  readonly root: string;
  readonly scratch: string;
  readonly programs: Programs;
  readonly emulatorOf: (roundTripMs: RoundTripMs) => RunningEmulator;
  readonly environmentOf: (roundTripMs: RoundTripMs, variable: CertificateVariable) => NodeJS.ProcessEnv;
  /** A cache hit, without any server to ask. */
  readonly hot: Subject;
  readonly empty: Subject;
  readonly coldOf: (roundTripMs: RoundTripMs) => Subject;
  readonly stop: () => Promise<void>;
}

export async function createWorld(root: string): Promise<World> {
  const scratch = mkdtempSync(join(tmpdir(), 'acr-bench-'));
  const emulators = new Map<RoundTripMs, RunningEmulator>();
  const stop = async () => {
    for (const emulator of emulators.values()) await emulator.stop();
    rmSync(scratch, { recursive: true, force: true });
  };
  try {
    const programs = await preparePrograms(root);
    for (const roundTripMs of ROUND_TRIPS_MS) emulators.set(roundTripMs, await startEmulator(root, roundTripMs));
    const emulatorOf = (roundTripMs: RoundTripMs) => {
      const emulator = emulators.get(roundTripMs);
      if (emulator === undefined) throw new Error(`There is no emulator with ${roundTripMs} ms a round trip`);
      return emulator;
    };
    const environmentOf = (roundTripMs: RoundTripMs, variable: CertificateVariable) => {
      const { environment, caFile } = emulatorOf(roundTripMs);
      return { PATH: process.env['PATH'], HOME: scratch, USERPROFILE: scratch, ...environment, [variable]: caFile };
    };
    const coldOf = (roundTripMs: RoundTripMs): Subject => ({
      name: `cold get, ${roundTripMs} ms a round trip`,
      file: programs.ours,
      args: ['get'],
      input: `${REGISTRY}\n`,
      environment: environmentOf(roundTripMs, 'NODE_EXTRA_CA_CERTS'),
      isExpected: isCredential,
      isCold: true,
    });
    const hot = warm(coldOf(25), join(scratch, 'cache'));
    const empty = { ...hot, name: 'empty program', file: programs.empty, args: [], isExpected: isSilent };
    return { root, scratch, programs, emulatorOf, environmentOf, hot, empty, coldOf, stop };
  } catch (cause) {
    await stop();
    throw cause;
  }
}

/** Fills a cache with a cold `get`, and makes the cache the only source of the token. */
export function warm(cold: Subject, folder: string): Subject {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const environment = { ...cold.environment, [CACHE_VARIABLE]: folder };
  measureTime(cold, environment);
  // Nothing listens there, so a request to Azure would fail.
  const nowhere = 'http://127.0.0.1:1';
  const offline = { ...environment, HTTPS_PROXY: nowhere, https_proxy: nowhere };
  return { ...cold, name: 'hot get', environment: offline, isCold: false };
}
