/** `node scripts/bench/trace.ts` shows from the program's own log where a cold `get` spends its time. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { formatTable } from '../build/table.ts';
import { summarize } from './statistics.ts';
import { CACHE_VARIABLE, measureTime } from './subject.ts';
import { createWorld, type World } from './world.ts';

interface Moment {
  readonly what: string;
  /** Milliseconds since just before the process was created. */
  readonly atMs: number;
}

const ROUND_TRIP_MS = 25;

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { runs: { type: 'string', default: '40' } } });
  const runs = Number(values.runs);
  if (!Number.isInteger(runs) || runs < 1) throw new Error('--runs takes a number of runs');
  const world = await createWorld(join(import.meta.dirname, '../..'));
  try {
    traceOnce(world); // not counted, since the page cache is still empty
    const traces = Array.from({ length: runs }, () => traceOnce(world));
    console.log(`${runs} cold gets with the log on, ${ROUND_TRIP_MS} ms a round trip; medians in milliseconds\n`);
    console.log(formatTable(formatTrace(traces)));
  } finally {
    await world.stop();
  }
}

function traceOnce({ scratch, coldOf }: World): readonly Moment[] {
  const folder = mkdtempSync(join(scratch, 'trace-'));
  try {
    const cold = coldOf(ROUND_TRIP_MS);
    const log = join(folder, 'log');
    // The log contains the time of day.
    const startMs = performance.timeOrigin + performance.now();
    const tookMs = measureTime(cold, { ...cold.environment, [CACHE_VARIABLE]: folder, DOCKER_CREDENTIAL_ACR_LOG: log });
    const lines = readFileSync(log, 'utf8').trim().split('\n');
    return [...lines.map((line) => parseMoment(line, startMs)), { what: 'the process has ended', atMs: tookMs }];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** @throws when the line is not one of the program's log. */
function parseMoment(line: string, startMs: number): Moment {
  const entry: unknown = JSON.parse(line);
  if (typeof entry !== 'object' || entry === null) throw new Error(`Not a line of the log: ${line}`);
  const fields = new Map<string, unknown>(Object.entries(entry));
  const atMs = Date.parse(String(fields.get('time'))) - startMs;
  const words = ['step', 'outcome', 'host', 'path'].map((name) => fields.get(name));
  return { what: words.filter((word) => typeof word === 'string').join(' '), atMs };
}

/** @throws when the runs did not have the same steps. */
function formatTrace(traces: readonly (readonly Moment[])[]): readonly Record<string, string>[] {
  const [first = []] = traces;
  let before = 0;
  return first.map(({ what }, index) => {
    const moments = traces.map((trace) => trace[index]);
    const times = moments.flatMap((moment) => (moment?.what === what ? [moment.atMs] : []));
    if (times.length < traces.length) throw new Error(`Not every run came to "${what}" as its step ${index + 1}`);
    const { median } = summarize(times);
    const row = { step: what, 'at, ms': median.toFixed(0), 'since the last, ms': (median - before).toFixed(0) };
    before = median;
    return row;
  });
}

await main();
