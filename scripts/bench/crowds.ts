/** Goals 6 and 9: many programs at once, on the processors that this machine has. */

import { join } from 'node:path';
import { gather, writeInputs } from './crowd.ts';
import { makeRow, type Row, type Skipped, samplesOf } from './row.ts';
import { type Measure, measureInTurn, measureTime, type Subject } from './subject.ts';
import { REGISTRY, type World } from './world.ts';

const HOT_PROCESSES = 64;
const REGISTRIES = 20;

export async function measureCrowds(world: World, goals: ReadonlySet<number>, rounds: number) {
  const rows: Row[] = [];
  const skipped: Skipped[] = [];
  const wanted = [6, 9].filter((goal) => goals.has(goal));
  if (process.platform === 'win32') skipped.push(...wanted.map((goal) => ({ goal, reason: 'there is no shell here' })));
  else if (wanted.length > 0) rows.push(...(await measure(world, goals, rounds)));
  return { rows, skipped };
}

async function measure({ scratch, hot, empty, coldOf, emulatorOf }: World, goals: ReadonlySet<number>, rounds: number) {
  const same = writeInputs(join(scratch, 'same'), Array(HOT_PROCESSES).fill(REGISTRY));
  const hotCrowd = gather(hot, `${HOT_PROCESSES} hot gets at once`, same);
  const emptyCrowd = gather(empty, `${HOT_PROCESSES} empty programs at once`, same);

  const hosts = Array.from({ length: REGISTRIES }, (_, index) => `registry${index}.azurecr.io`);
  const different = writeInputs(join(scratch, 'different'), hosts);
  const cold = coldOf(25);
  const burst = gather(cold, `cold gets of ${REGISTRIES} registries at once`, different);
  const emptyBurst = gather(empty, `${REGISTRIES} empty programs at once`, different);

  const emulator = emulatorOf(25);
  const counts: string[] = [];
  const measureAndCount: Measure = async (subject, environment) => {
    if (subject !== burst) return measureTime(subject, environment);
    await emulator.forget();
    const tookMs = measureTime(subject, environment);
    counts.push(countRequests(await emulator.listRequests()));
    return tookMs;
  };
  const subjects: readonly Subject[] = [
    ...(goals.has(6) ? [hotCrowd, emptyCrowd] : []),
    ...(goals.has(9) ? [burst, emptyBurst, cold] : []),
  ];
  const samples = await measureInTurn(subjects, rounds, measureAndCount);
  const rows: Row[] = [];
  if (goals.has(6)) {
    rows.push(
      makeRow({
        goal: 6,
        what: `${hotCrowd.name} ÷ ${emptyCrowd.name}`,
        unit: 'ms',
        ours: samplesOf(samples, hotCrowd.name),
        against: samplesOf(samples, emptyCrowd.name),
        wanted: 1.15,
      }),
    );
  }
  if (goals.has(9)) {
    const single = samplesOf(samples, cold.name);
    const starts = samplesOf(samples, emptyBurst.name);
    rows.push(
      makeRow({
        goal: 9,
        what: `${burst.name}, 25 ms ÷ (${emptyBurst.name} + one ${cold.name})`,
        unit: 'ms',
        ours: samplesOf(samples, burst.name),
        against: starts.map((ms, round) => ms + (single[round] ?? Number.NaN)),
        wanted: 1.3,
        note: `requests: ${[...new Set(counts)].sort().join('; ')}`,
      }),
    );
  }
  return rows;
}

function countRequests(requests: readonly string[]): string {
  const signIns = requests.filter((request) => request.startsWith('login.')).length;
  const exchanges = requests.filter((request) => request.endsWith('/oauth2/exchange')).length;
  return `${signIns} Entra, ${exchanges} exchange`;
}
