/** A command to measure. All subjects run repeatedly, in turn. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Subject {
  /** Its name, which is unique in a measurement. */
  readonly name: string;
  readonly file: string;
  readonly args: readonly string[];
  readonly input: string;
  readonly environment: NodeJS.ProcessEnv;
  /** Whether a run has ended as expected; otherwise the measurement fails. */
  readonly isExpected: (run: FinishedRun) => boolean;
  /** Whether each run gets its own empty cache folder, as if it were the first. */
  readonly isCold: boolean;
}

export interface FinishedRun {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The values of each subject, one per round, by the subject's name. */
export type Samples = ReadonlyMap<string, readonly number[]>;

export type Measure = (subject: Subject, environment: NodeJS.ProcessEnv) => number | Promise<number>;

export const CACHE_VARIABLE = 'DOCKER_CREDENTIAL_ACR_CACHE_DIR';
const TIMEOUT_MS = 60_000;
const WARM_UP_ROUNDS = 2;

/**
 * Measures the subjects in turn, forwards and backwards, so that a slow moment of the machine hits all of them.
 *
 * @throws when a run does not end as its subject expects.
 */
export async function measureInTurn(subjects: readonly Subject[], rounds: number, measure: Measure): Promise<Samples> {
  const samples = new Map(subjects.map(({ name }): [string, number[]] => [name, []]));
  for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
    for (const subject of round % 2 === 0 ? subjects : subjects.toReversed()) {
      const value = await withCacheFolder(subject, (environment) => measure(subject, environment));
      if (round >= 0) samples.get(subject.name)?.push(value);
    }
  }
  return samples;
}

/** @returns the milliseconds from before the process is created until it has ended and its output has been read. */
export function measureTime(subject: Subject, environment: NodeJS.ProcessEnv): number {
  const startMs = performance.now();
  const run = runOnce(subject.file, subject.args, subject.input, environment);
  const tookMs = performance.now() - startMs;
  assertExpected(subject, run);
  return tookMs;
}

/** @returns the largest resident memory of the process in megabytes, as GNU `time` reports it. */
export function measureMemory(subject: Subject, environment: NodeJS.ProcessEnv): number {
  const folder = mkdtempSync(join(tmpdir(), 'acr-bench-'));
  try {
    const report = join(folder, 'kilobytes');
    const args = ['-f', '%M', '-o', report, '--', subject.file, ...subject.args];
    assertExpected(subject, runOnce('/usr/bin/time', args, subject.input, environment));
    return Number(readFileSync(report, 'utf8').trim().split('\n').at(-1)) / 1024;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function withCacheFolder(
  subject: Subject,
  measure: (environment: NodeJS.ProcessEnv) => number | Promise<number>,
) {
  if (!subject.isCold) return await measure(subject.environment);
  const folder = mkdtempSync(join(tmpdir(), 'acr-bench-'));
  try {
    return await measure({ ...subject.environment, [CACHE_VARIABLE]: folder });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function runOnce(file: string, args: readonly string[], input: string, env: NodeJS.ProcessEnv): FinishedRun {
  const { status, stdout, stderr, error } = spawnSync(file, args, {
    input,
    env,
    encoding: 'utf8',
    timeout: TIMEOUT_MS,
  });
  if (error) throw error;
  return { exitCode: status, stdout, stderr };
}

function assertExpected(subject: Subject, run: FinishedRun): void {
  if (subject.isExpected(run)) return;
  throw new Error(`${subject.name} did not answer as it should: exit code ${run.exitCode}, stderr: ${run.stderr}`);
}

export function isCredential({ exitCode, stdout, stderr }: FinishedRun): boolean {
  return exitCode === 0 && stderr === '' && /"Username":"[^"]+"/.test(stdout) && /"Secret":"[^"]+"/.test(stdout);
}

export function isNotFound({ exitCode, stdout, stderr }: FinishedRun): boolean {
  return exitCode === 1 && stderr === '' && stdout === 'credentials not found in native keychain\n';
}

export function isSilent({ exitCode, stdout, stderr }: FinishedRun): boolean {
  return exitCode === 0 && stdout === '' && stderr === '';
}
