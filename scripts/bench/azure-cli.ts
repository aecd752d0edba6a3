/** Goal 10: the real Azure CLI, with which people get a registry's token by hand. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runProgram } from '../build/run.ts';
import { isExecutable } from '../parts/command.ts';
import { makeRow, type Row, type Skipped, samplesOf } from './row.ts';
import { type FinishedRun, measureInTurn, measureTime, type Subject } from './subject.ts';
import { REGISTRY, type World } from './world.ts';

/** A run of the CLI takes a second: ten times as long as anything else here. */
const MAX_ROUNDS = 12;
const ROUND_TRIP_MS = 25;

export async function measureAzureCli(world: World, rounds: number) {
  const rows: Row[] = [];
  const skipped: Skipped[] = [];
  const file = join(world.root, '.parts', 'azure-cli', 'bin', 'az');
  if (isExecutable(file)) rows.push(...(await measure(world, file, Math.min(rounds, MAX_ROUNDS))));
  else skipped.push({ goal: 10, reason: 'the Azure CLI is not installed; `npm test` installs it' });
  return { rows, skipped };
}

async function measure(world: World, file: string, rounds: number): Promise<readonly Row[]> {
  const cold = world.coldOf(ROUND_TRIP_MS);
  const az = await signIn(world, file, cold);
  const samples = await measureInTurn([az, world.hot, cold], rounds, measureTime);
  return [world.hot, cold].map((ours) =>
    makeRow({
      goal: 10,
      what: `az acr login --expose-token, signed in ÷ ${ours.name}`,
      unit: 'ms',
      ours: samplesOf(samples, az.name),
      against: samplesOf(samples, ours.name),
    }),
  );
}

/** Signs the CLI in once. It stores its sign-in, as on a person's machine. */
async function signIn({ scratch, environmentOf }: World, file: string, cold: Subject): Promise<Subject> {
  const folder = join(scratch, 'azure');
  mkdirSync(folder);
  const {
    AZURE_CLIENT_ID = '',
    AZURE_CLIENT_SECRET = '',
    AZURE_TENANT_ID = '',
    ...rest
  } = environmentOf(ROUND_TRIP_MS, 'REQUESTS_CA_BUNDLE');
  const environment = {
    ...rest,
    AZURE_CONFIG_DIR: folder,
    AZURE_CORE_COLLECT_TELEMETRY: 'no',
    AZURE_CORE_ONLY_SHOW_ERRORS: 'yes',
  };
  // The CLI reads the secret from a file, so that it is not on a command line.
  const secret = join(scratch, 'secret');
  writeFileSync(secret, AZURE_CLIENT_SECRET, { mode: 0o600 });
  const who = ['-u', AZURE_CLIENT_ID, '-p', `@${secret}`, '--tenant', AZURE_TENANT_ID];
  await runProgram(file, ['login', '--service-principal', ...who, '--output', 'none'], { env: environment });
  const [name = ''] = REGISTRY.split('.');
  return {
    ...cold,
    name: 'az',
    file,
    args: ['acr', 'login', '--name', name, '--expose-token', '--output', 'json'],
    input: '',
    environment,
    isExpected: isExposedToken,
    isCold: false,
  };
}

function isExposedToken({ exitCode, stdout }: FinishedRun): boolean {
  return exitCode === 0 && /"accessToken": "[^"]+"/.test(stdout) && stdout.includes(`"loginServer": "${REGISTRY}"`);
}
