/** Goals 1 to 4, 7 and 8: one run of a program after the other. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { findCache, writeCache } from '../../src/cache/cache.ts';
import { makeRow, type Row, type Skipped, samplesOf } from './row.ts';
import { isNotFound, measureInTurn, measureMemory, measureTime, type Samples, type Subject } from './subject.ts';
import { ROUND_TRIPS_MS, type World, warm } from './world.ts';

interface Pair {
  readonly goal: number;
  readonly ours: Subject;
  readonly against: Subject;
  readonly wanted: number;
  /** Milliseconds to add to the time of `against`. */
  readonly allowanceMs?: number;
  readonly what?: string;
}

const OTHER_REGISTRIES = 10_000;
const MEMORY_ROUNDS = 12;
/** TCP (here `CONNECT`), TLS, Entra, exchange. */
const MIN_ROUND_TRIPS = 4;

/** Measures the goals about time in one interleaved run, and the goals about memory in a second one. */
export async function measureSingleRuns(world: World, goals: ReadonlySet<number>, rounds: number) {
  const skipped: Skipped[] = [];
  const pairs: Pair[] = [];
  const { hot, empty } = world;
  if (goals.has(1)) pairs.push({ goal: 1, ours: hot, against: empty, wanted: 1.08 });
  if (goals.has(2)) {
    const foreign = { ...hot, name: 'get of a foreign host', input: 'ghcr.io\n', isExpected: isNotFound };
    pairs.push({ goal: 2, ours: foreign, against: empty, wanted: 1.05 });
  }
  if (goals.has(3)) pairs.push(...comparePeer(world, skipped));
  if (goals.has(4)) pairs.push(...compareLimits(world));
  if (goals.has(7)) {
    const crowded = await warmAmongMany(world);
    pairs.push({ goal: 7, ours: crowded, against: hot, wanted: 1.03 });
  }
  const subjects = new Map(pairs.flatMap(({ ours, against }) => [ours, against]).map((one) => [one.name, one]));
  const samples = await measureInTurn([...subjects.values()], rounds, measureTime);
  const rows = pairs.map((pair) => rowOf(pair, samples));
  if (goals.has(8)) {
    if (existsSync('/usr/bin/time')) rows.push(await compareMemory(world));
    else skipped.push({ goal: 8, reason: 'there is no GNU time here' });
  }
  return { rows, skipped };
}

function rowOf({ goal, ours, against, wanted, allowanceMs = 0, what }: Pair, samples: Samples): Row {
  return makeRow({
    goal,
    what: what ?? `${ours.name} ÷ ${against.name}`,
    unit: 'ms',
    ours: samplesOf(samples, ours.name),
    against: samplesOf(samples, against.name).map((ms) => ms + allowanceMs),
    wanted,
  });
}

function comparePeer({ programs, coldOf, environmentOf }: World, skipped: Skipped[]): readonly Pair[] {
  const { peer } = programs;
  if (peer === undefined) {
    skipped.push({ goal: 3, reason: 'the peer could not be installed with Go' });
    return [];
  }
  return ROUND_TRIPS_MS.map((roundTripMs) => {
    const ours = coldOf(roundTripMs);
    const name = `docker-credential-acr-env, ${roundTripMs} ms`;
    const environment = environmentOf(roundTripMs, 'SSL_CERT_FILE');
    return {
      goal: 3,
      ours,
      against: { ...ours, name, file: peer, environment },
      what: `${ours.name} ÷ docker-credential-acr-env`,
      wanted: roundTripMs === 25 ? 0.7 : 0.62,
    };
  });
}

/** Compares a cold run with a program that does only what is necessary, and with a calculated time. */
function compareLimits({ programs, coldOf, empty }: World): readonly Pair[] {
  const ours = coldOf(25);
  const minimal = { ...ours, name: 'the minimal program', file: programs.limit, args: [] };
  const computed = `empty program + ${MIN_ROUND_TRIPS} round trips`;
  const allowanceMs = MIN_ROUND_TRIPS * 25;
  return [
    { goal: 4, ours, against: minimal, wanted: 1.15 },
    { goal: 4, ours, against: empty, wanted: 1.15, allowanceMs, what: `${ours.name} ÷ (${computed})` },
  ];
}

/** A hot `get` with a cache that also contains the tokens of many other registries. */
async function warmAmongMany({ scratch, coldOf }: World): Promise<Subject> {
  const folder = join(scratch, 'crowded-cache');
  const hot = warm(coldOf(25), folder);
  const runtime = {
    env: hot.environment,
    platform: process.platform,
    programName: 'docker-credential-acr',
    now: Date.now,
    secrets: new Set<string>(),
    secretVariables: new Set<string>(),
  };
  const cache = await findCache(runtime);
  if (cache === undefined) throw new Error('There is no cache folder');
  const savedAtSeconds = Math.floor(Date.now() / 1000);
  const entry = { token: 'x'.repeat(1_200), expiresAtSeconds: savedAtSeconds + 10_800, savedAtSeconds };
  for (let index = 0; index < OTHER_REGISTRIES; index++) {
    const key = { service: `registry${index}.azurecr.io`, identity: 'client-secret of another', kind: 'refresh-token' };
    writeCache(cache, key, entry);
  }
  return { ...hot, name: 'hot get with 10,000 cached registries' };
}

async function compareMemory({ hot, empty }: World): Promise<Row> {
  const samples = await measureInTurn([hot, empty], MEMORY_ROUNDS, measureMemory);
  return makeRow({
    goal: 8,
    what: 'resident memory, hot get ÷ empty program',
    unit: 'MB',
    ours: samplesOf(samples, hot.name),
    against: samplesOf(samples, empty.name),
    wanted: 1.05,
  });
}
