/**
 * `npm run bench`: the speed goals, each as a ratio of medians of runs in turn, on this machine and without a network.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { arch, cpus, loadavg, platform, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { formatTable } from '../build/table.ts';
import { measureAzureCli } from './azure-cli.ts';
import { measureCrowds } from './crowds.ts';
import { measureKubelets } from './kubelets.ts';
import { measureNpmPackage } from './npm-package.ts';
import { canPlot, writePlot } from './plot.ts';
import { formatRow, type Row, type Skipped } from './row.ts';
import { measureSingleRuns } from './single-runs.ts';
import { formatSize, measureSizes } from './sizes.ts';
import { createWorld, type World } from './world.ts';

/** The requests of 64 cold runs are also judged by a test (test/e2e/crowd.test.ts). */
const GOALS: readonly number[] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
const MAX_CROWD_ROUNDS = 20;

const root = join(import.meta.dirname, '../..');

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { runs: { type: 'string', default: '40' }, only: { type: 'string', default: GOALS.join() } },
  });
  const rounds = Number(values.runs);
  const goals = new Set(values.only.split(',').map(Number));
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--runs takes a number of rounds');
  if (![...goals].every((goal) => GOALS.includes(goal))) throw new Error(`--only takes some of ${GOALS.join()}`);

  const machine = describeMachine();
  const world = await createWorld(root);
  try {
    await report(world, goals, rounds, machine);
  } finally {
    await world.stop();
  }
}

async function report(world: World, goals: ReadonlySet<number>, rounds: number, machine: string): Promise<void> {
  const rows: Row[] = [];
  const skipped: Skipped[] = [];
  const add = (measured: { rows: readonly Row[]; skipped: readonly Skipped[] }) => {
    rows.push(...measured.rows);
    skipped.push(...measured.skipped);
  };
  add(await measureSingleRuns(world, goals, rounds));
  add(await measureCrowds(world, goals, Math.min(rounds, MAX_CROWD_ROUNDS)));
  add(await measureKubelets(world, goals, Math.min(rounds, MAX_CROWD_ROUNDS)));
  add(await measureNpmPackage(world, goals, rounds));
  if (goals.has(10)) add(await measureAzureCli(world, rounds));
  const sizes = goals.has(11) ? measureSizes(world.programs) : [];

  rows.sort((one, other) => one.goal - other.goal);
  mkdirSync(join(root, 'dist'), { recursive: true });
  const result = { machine, rounds, rows, sizes, skipped };
  writeFileSync(join(root, 'dist/bench.json'), `${JSON.stringify(result, undefined, 2)}\n`);
  console.log(`${rounds} rounds in turn on ${machine}`);
  for (const table of [rows.map(formatRow), sizes.map(formatSize)]) {
    if (table.length > 0) console.log(`\n${formatTable(table)}`);
  }
  for (const { goal, reason } of skipped) console.log(`\nGoal ${goal} was not measured: ${reason}.`);
  if (canPlot(rows)) console.log(`\nThe plot of the README: ${writePlot(rows)}`);
}

/** Called before the bench starts, so that it measures the load of other programs. */
function describeMachine(): string {
  const processor = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`;
  const memory = `${Math.round(totalmem() / 2 ** 30)} GB`;
  const load = `load ${loadavg()[0]?.toFixed(1) ?? 'unknown'} before it began`;
  return `${processor}, ${memory}, ${platform()} ${release()} ${arch()}, ${load}`;
}

await main();
