/**
 * `node scripts/bench/cold-start.ts` measures the first start after a boot: what an executable reads while none of it is in
 * the page cache. Other executables can be named; all get a registry that is not Azure's. For Linux, with GNU time.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { formatTable } from '../build/table.ts';
import { dropFromPageCache } from './programs.ts';
import { summarize } from './statistics.ts';

const root = join(import.meta.dirname, '../..');
const GNU_TIME = '/usr/bin/time';
const REGISTRY = 'ghcr.io';

/** One start. */
interface Start {
  readonly tookMs: number;
  /** How often the program waited until a page was read. */
  readonly majorFaults: number;
}

function main(): void {
  const { values, positionals } = parseArgs({
    options: { runs: { type: 'string', default: '10' } },
    allowPositionals: true,
  });
  const runs = Number(values.runs);
  if (!Number.isInteger(runs) || runs < 1) throw new Error('--runs takes a number of runs');
  if (process.platform !== 'linux' || !existsSync(GNU_TIME)) throw new Error(`It needs Linux, and ${GNU_TIME}`);
  const named = positionals.length > 0 ? positionals : listPrograms();
  const rows = named.map((program) => measureProgram(program, runs));
  console.log(`${runs} first starts, with the read-ahead of this disk; medians\n`);
  console.log(formatTable(rows));
}

/** Ours, and the peer when it is there. */
function listPrograms(): readonly string[] {
  return [join(root, 'dist/docker-credential-acr'), join(root, '.parts/bin/docker-credential-acr-env')].filter(
    existsSync,
  );
}

function measureProgram(program: string, runs: number): Record<string, string> {
  const cold: Start[] = [];
  let readBytes = 0;
  for (let run = 0; run < runs; run += 1) {
    dropFromPageCache(program);
    // Someone may be running it.
    const leftBytes = countResidentBytes(program);
    if (leftBytes > 1e6) throw new Error(`${leftBytes} bytes of ${program} stay in the page cache`);
    cold.push(startProgram(program));
    readBytes = countResidentBytes(program);
  }
  const hot = Array.from({ length: runs }, () => startProgram(program).tookMs);
  return {
    program: basename(program),
    'first start': `${summarize(cold.map(({ tookMs }) => tookMs)).median.toFixed(0)} ms`,
    later: `${summarize(hot).median.toFixed(0)} ms`,
    'major faults': summarize(cold.map(({ majorFaults }) => majorFaults)).median.toFixed(0),
    'read, of the file': `${(readBytes / 1e6).toFixed(1)} of ${(statSync(program).size / 1e6).toFixed(1)} MB`,
    'read-ahead': findReadAhead(program),
  };
}

/** Its own exit code does not matter: each helper says in its way that it has nothing for the registry. */
function startProgram(program: string): Start {
  const startMs = performance.now();
  const { stderr } = spawnSync(GNU_TIME, ['--format', 'faults: %F', program, 'get'], {
    input: REGISTRY,
    env: { PATH: '/usr/bin:/bin', HOME: '/nonexistent' },
    encoding: 'utf8',
  });
  const tookMs = performance.now() - startMs;
  const majorFaults = /faults: (\d+)\n$/.exec(stderr)?.[1];
  if (majorFaults === undefined) throw new Error(`${program} cannot be started: ${stderr}`);
  return { tookMs, majorFaults: Number(majorFaults) };
}

function countResidentBytes(program: string): number {
  const { stdout } = spawnSync('fincore', ['--bytes', '--noheadings', '--output', 'RES', program], {
    encoding: 'utf8',
  });
  return Number(stdout);
}

/** How much the kernel reads around a page that is missing. */
function findReadAhead(program: string): string {
  // The number of the device, as `makedev` composes it.
  const { dev } = statSync(program);
  const device = `${(dev >> 8) & 0xfff}:${(dev & 0xff) | ((dev >> 12) & 0xfff00)}`;
  const places = [`/sys/dev/block/${device}/queue`, `/sys/dev/block/${device}/../queue`];
  const place = places.map((folder) => join(folder, 'read_ahead_kb')).find(existsSync);
  return place === undefined ? 'unknown' : `${readFileSync(place, 'utf8').trim()} KB`;
}

main();
