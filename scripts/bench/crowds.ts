/** Goals 5, 6 and 9: many programs at once, on the processors of this machine. */

import { join } from 'node:path';
import { gather, writeInputs } from './crowd.ts';
import { makeRow, type Row, type Skipped, samplesOf } from './row.ts';
import { type Measure, measureInTurn, measureTime, type Samples, type Subject } from './subject.ts';
import { REGISTRY, type World } from './world.ts';

/** A crowd of ours, against the same number of empty programs. */
interface Crowd {
  readonly goal: number;
  readonly ours: Subject;
  readonly empty: Subject;
  /** What the limit includes in addition: the one sign-in for which the other processes wait. */
  readonly cold?: Subject;
  readonly wanted: number;
  /** The number of requests of each round, as text. */
  readonly requests: Set<string>;
}

const PROCESSES = 64;
const REGISTRIES = 20;
const GOALS = [5, 6, 9];

export async function measureCrowds(world: World, goals: ReadonlySet<number>, rounds: number) {
  const rows: Row[] = [];
  const skipped: Skipped[] = [];
  const wanted = GOALS.filter((goal) => goals.has(goal));
  if (process.platform === 'win32') skipped.push(...wanted.map((goal) => ({ goal, reason: 'there is no shell here' })));
  else if (wanted.length > 0) rows.push(...(await measure(world, goals, rounds)));
  return { rows, skipped };
}

async function measure(world: World, goals: ReadonlySet<number>, rounds: number): Promise<readonly Row[]> {
  const crowds = createCrowds(world).filter(({ goal }) => goals.has(goal));
  const peer = goals.has(5) ? createPeerCrowd(world) : undefined;
  const emulator = world.emulatorOf(25);
  const measureAndCount: Measure = async (subject, environment) => {
    const crowd = crowds.find(({ ours, cold }) => ours === subject && cold !== undefined);
    if (crowd === undefined) return measureTime(subject, environment);
    await emulator.forget();
    const tookMs = measureTime(subject, environment);
    crowd.requests.add(countRequests(await emulator.listRequests()));
    return tookMs;
  };
  const subjects = crowds.flatMap(({ ours, empty, cold }) => [ours, empty, ...(cold === undefined ? [] : [cold])]);
  const unique = new Map([...subjects, ...(peer === undefined ? [] : [peer])].map((one) => [one.name, one]));
  const samples = await measureInTurn([...unique.values()], rounds, measureAndCount);
  const rows = crowds.map((crowd) => compare(crowd, samples));
  const [first] = crowds;
  if (peer === undefined || first === undefined) return rows;
  const [ours, against] = [first.ours.name, peer.name].map((name) => samplesOf(samples, name));
  return [
    ...rows,
    makeRow({
      goal: 5,
      what: `${first.ours.name} ÷ ${peer.name}`,
      unit: 'ms',
      ours: ours ?? [],
      against: against ?? [],
    }),
  ];
}

function createCrowds({ scratch, hot, empty, coldOf }: World): readonly Crowd[] {
  const cold = coldOf(25);
  const same = writeInputs(join(scratch, 'same'), Array(PROCESSES).fill(REGISTRY));
  const hosts = Array.from({ length: REGISTRIES }, (_, index) => `registry${index}.azurecr.io`);
  const different = writeInputs(join(scratch, 'different'), hosts);
  const empties = gather(empty, `${PROCESSES} empty programs at once`, same);
  const create = (crowd: Omit<Crowd, 'requests'>): Crowd => ({ ...crowd, requests: new Set() });
  return [
    create({ goal: 5, ours: gather(cold, `${PROCESSES} cold gets at once`, same), empty: empties, cold, wanted: 1.15 }),
    create({ goal: 6, ours: gather(hot, `${PROCESSES} hot gets at once`, same), empty: empties, wanted: 1.15 }),
    create({
      goal: 9,
      ours: gather(cold, `cold gets of ${REGISTRIES} registries at once`, different),
      empty: gather(empty, `${REGISTRIES} empty programs at once`, different),
      ...{ cold, wanted: 1.3 },
    }),
  ];
}

/** The peer has no cache: each of its processes signs in. */
function createPeerCrowd({ scratch, programs, coldOf, environmentOf }: World): Subject | undefined {
  if (programs.peer === undefined) return undefined;
  const single = { ...coldOf(25), file: programs.peer, environment: environmentOf(25, 'SSL_CERT_FILE') };
  const inputs = writeInputs(join(scratch, 'peer'), Array(PROCESSES).fill(REGISTRY));
  return gather(single, `${PROCESSES} docker-credential-acr-env at once`, inputs);
}

function compare({ goal, ours, empty, cold, wanted, requests }: Crowd, samples: Samples): Row {
  const single = cold === undefined ? undefined : samplesOf(samples, cold.name);
  return makeRow({
    goal,
    what: `${ours.name} ÷ ${cold === undefined ? empty.name : `(${empty.name} + one ${cold.name})`}`,
    unit: 'ms',
    ours: samplesOf(samples, ours.name),
    against: samplesOf(samples, empty.name).map(
      (ms, round) => ms + (single === undefined ? 0 : (single[round] ?? Number.NaN)),
    ),
    wanted,
    ...(requests.size === 0 ? {} : { note: `requests: ${[...requests].sort().join('; ')}` }),
  });
}

function countRequests(requests: readonly string[]): string {
  const signIns = requests.filter((request) => request.startsWith('login.')).length;
  const exchanges = requests.filter((request) => request.endsWith('/oauth2/exchange')).length;
  return `${signIns} Entra, ${exchanges} exchange`;
}
