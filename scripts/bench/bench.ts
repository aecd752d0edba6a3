/** `npm run bench`: how long our program takes next to an empty one and next to a peer, as ratios of medians of one run. */

import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { arch, cpus, platform, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { formatTable } from '../build/table.ts';
import { type RunningEmulator, startEmulator } from './emulator.ts';
import { preparePrograms } from './programs.ts';
import { compareMedians, isTooNoisy, type Ratio, type Summary, summarize } from './statistics.ts';
import { type FinishedRun, measureInTurn, measureMemory, measureTime, type Subject } from './subject.ts';

const REGISTRY = 'myregistry.azurecr.io';
const SLOW_ROUND_TRIP_MS = 25;
const MEMORY_ROUNDS = 10;

interface Row {
  readonly what: string;
  readonly unit: 'ms' | 'MB';
  readonly ours: Summary;
  readonly theirs: Summary;
  readonly ratio: Ratio;
  readonly isTooNoisy: boolean;
}

const root = join(import.meta.dirname, '../..');
const scratch = mkdtempSync(join(tmpdir(), 'acr-bench-'));
const emulators: RunningEmulator[] = [];

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { runs: { type: 'string', default: '40' } } });
  const rounds = Number(values.runs);
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--runs takes a number of rounds');

  const { ours, empty, peer } = await preparePrograms(root);
  const near = await emulate(0);
  const far = await emulate(SLOW_ROUND_TRIP_MS);

  const get = { file: ours, args: ['get'], input: `${REGISTRY}\n`, isExpected: isCredential };
  const cached = { ...near, DOCKER_CREDENTIAL_ACR_CACHE_DIR: join(scratch, 'cache') };
  mkdirSync(cached.DOCKER_CREDENTIAL_ACR_CACHE_DIR, { mode: 0o700 });
  // Fills the cache, through the emulator.
  measureTime({ ...get, name: 'first get', environment: cached, isCold: false }, cached);
  // Nothing listens there: an answer is one from the cache, or this fails.
  const offline = { ...cached, HTTPS_PROXY: 'http://127.0.0.1:1', https_proxy: 'http://127.0.0.1:1' };

  const hot: Subject = { ...get, name: 'hot get', environment: offline, isCold: false };
  const foreign: Subject = { ...hot, name: 'get of a foreign host', input: 'ghcr.io\n', isExpected: isNotFound };
  const nothing: Subject = { ...hot, name: 'empty program', file: empty, args: [], isExpected: isSilent };
  const cold = [
    { roundTripMs: 0, environment: near },
    { roundTripMs: SLOW_ROUND_TRIP_MS, environment: far },
  ].map(({ roundTripMs, environment }) => {
    const name = `cold get, ${roundTripMs} ms a round trip`;
    const subject: Subject = { ...get, name, environment, isCold: true };
    return { ours: subject, theirs: peer ? { ...subject, name: `peer, ${roundTripMs} ms`, file: peer } : undefined };
  });
  const compared = cold.flatMap((pair) => (pair.theirs ? [pair.ours, pair.theirs] : []));

  const times = measureInTurn([hot, nothing, foreign, ...compared], rounds, measureTime);
  const rows = [
    makeRow(times, hot, nothing, 'ms'),
    makeRow(times, foreign, nothing, 'ms'),
    ...cold.flatMap(({ ours, theirs }) => (theirs ? [makeRow(times, ours, theirs, 'ms')] : [])),
  ];
  if (existsSync('/usr/bin/time')) {
    rows.push(makeRow(measureInTurn([hot, nothing], MEMORY_ROUNDS, measureMemory), hot, nothing, 'MB'));
  } else {
    console.log('Memory is not measured: there is no GNU time here.');
  }
  if (!peer) console.log('The peer is not measured: it could not be installed with Go.');

  const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, ${platform()} ${release()} ${arch()}`;
  mkdirSync(join(root, 'dist'), { recursive: true });
  writeFileSync(join(root, 'dist/bench.json'), `${JSON.stringify({ machine, rounds, rows }, undefined, 2)}\n`);
  console.log(`${rounds} rounds in turn on ${machine}\n\n${formatTable(rows.map(formatRow))}`);
}

/** Nothing of the person's own environment or home takes part. */
async function emulate(roundTripMs: number): Promise<NodeJS.ProcessEnv> {
  const emulator = await startEmulator(root, roundTripMs);
  emulators.push(emulator);
  return { PATH: process.env['PATH'], HOME: scratch, USERPROFILE: scratch, ...emulator.environment };
}

function isCredential({ exitCode, stdout, stderr }: FinishedRun): boolean {
  return exitCode === 0 && stderr === '' && /"Username":"[^"]+"/.test(stdout) && /"Secret":"[^"]+"/.test(stdout);
}

function isNotFound({ exitCode, stdout, stderr }: FinishedRun): boolean {
  return exitCode === 1 && stderr === '' && stdout === 'credentials not found in native keychain\n';
}

function isSilent({ exitCode, stdout, stderr }: FinishedRun): boolean {
  return exitCode === 0 && stdout === '' && stderr === '';
}

function makeRow(
  samples: ReadonlyMap<string, readonly number[]>,
  { name }: Subject,
  against: Subject,
  unit: Row['unit'],
): Row {
  const scale = unit === 'MB' ? 1024 : 1;
  const [ours, theirs] = [name, against.name].map((key) => (samples.get(key) ?? []).map((value) => value / scale));
  if (!ours || !theirs) throw new Error(`${name} was not measured`);
  const ratio = compareMedians(ours, theirs);
  return {
    what: `${name} ÷ ${against.name}`,
    unit,
    ours: summarize(ours),
    theirs: summarize(theirs),
    ratio,
    isTooNoisy: isTooNoisy(ratio),
  };
}

function formatRow({ what, unit, ours, theirs, ratio, isTooNoisy }: Row): Record<string, string> {
  const format = ({ median, p10, p90 }: Summary) =>
    `${median.toFixed(1)} ${unit} (${p10.toFixed(1)} to ${p90.toFixed(1)})`;
  return {
    what: unit === 'MB' ? `memory, ${what}` : what,
    'median (p10 to p90)': format(ours),
    against: format(theirs),
    ratio: isTooNoisy ? 'too noisy' : ratio.value.toFixed(2),
    '95 % interval': `${ratio.low.toFixed(2)} to ${ratio.high.toFixed(2)}`,
  };
}

try {
  await main();
} finally {
  for (const emulator of emulators) await emulator.stop();
  rmSync(scratch, { recursive: true, force: true });
}
