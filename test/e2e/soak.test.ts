/**
 * A long day in a short time: crowds of helpers over registries, identities and verbs, while Azure fails at random,
 * tokens live for seconds, processes are killed and folders vanish. `SOAK_SECONDS` makes it longer, and `SOAK_SEED`
 * repeats the choices.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readTextFile } from '../../scripts/parts/command.ts';
import { CLIENT_SECRET } from '../emulator/state.ts';
import { type Actors, CALM_SERVER, createActors } from './soak/actors.ts';
import { type CrowdRecord, MAX_PROCESSES, runCrowd } from './soak/crowd.ts';
import { runHelper } from './soak/helper-run.ts';
import { createRandom } from './soak/random.ts';
import { ageFiles, countConnections, listDeadFiles, listFiles, waitForProcesses } from './soak/remains.ts';
import { makeWeather, type Weather } from './soak/weather.ts';
import { findLeak } from './world/leak.ts';
import { createMachine, type Machine } from './world/machine.ts';
import { openCloud } from './world/test-cloud.ts';

const { SOAK_SECONDS = '30', SOAK_SEED = String(Math.floor(Math.random() * 2 ** 31)) } = process.env;
const DURATION_MS = Number(SOAK_SECONDS) * 1000;
/** A renewal has 25 seconds, whatever hangs. */
const MAX_RENEWAL_MS = 30_000;
const OLD_SECONDS = 7200;
/** The first words of a token. */
const TOKEN = /eyJ[\w-]{8,}/;
/** A process tries a request three times, in two rounds: a cached Entra token may be refused. */
const MAX_REQUESTS_PER_STEP = 6;
/** Entra for the registry's audience and for ARM's, the exchange, and the access token. */
const STEPS = 4;

const cloud = await openCloud();
let machine: Machine;
let actors: Actors;
let weather: Weather;
let record: CrowdRecord;
let caches: readonly string[] = [];
let requests: typeof cloud.emulator.requests = [];

beforeAll(async () => {
  process.stdout.write(`soak: the seed is ${SOAK_SEED}; to repeat its choices: SOAK_SEED=${SOAK_SEED}\n`);
  machine = createMachine(cloud, { identity: 'nobody' });
  caches = ['cache-1', 'cache-2'].map((name) => join(machine.folder, name));
  actors = await createActors(cloud, machine);
  weather = makeWeather(cloud, createRandom(Number(SOAK_SEED) - 1));
  record = await runCrowd({
    cloud,
    machine,
    actors,
    weather,
    caches,
    seed: Number(SOAK_SEED),
    durationMs: DURATION_MS,
  });
  weather.clear();
  requests = cloud.emulator.requests;
  process.stdout.write(`soak: ${describeRecord()}\n`);
}, DURATION_MS + 60_000);

afterAll(async () => {
  await actors.close();
  await machine.close();
}, 60_000);

/** The log, and what was moved aside when it became too large. */
function readLog(): string {
  return ['helper.log.1', 'helper.log'].map((name) => readTextFile(join(machine.folder, name)) ?? '').join('\n');
}

function describeRecord(): string {
  const { runs, kills, losses } = record;
  const count = (exitCode: number) => runs.filter((run) => run.exitCode === exitCode).length;
  const longestMs = Math.max(...runs.map(({ startedMs, endedMs }) => endedMs - startedMs));
  const renewals = readLog().split('"renewal-started"').length - 1;
  return `${runs.length} helpers (${count(0)} with an answer, ${count(1)} without, ${kills} to be killed), ${losses} losses, ${renewals} renewals, ${requests.length} requests, longest ${longestMs} ms`;
}

describe('in bad weather', () => {
  it('every answer is the right token of the right identity, or one clear line, in time', () => {
    expect(record.problems).toEqual([]);
  });

  it('everybody who may get a token gets one sometimes, and nobody else ever', () => {
    const names = actors.all.filter(({ owner }) => owner !== undefined).map(({ name }) => name);
    expect([...record.answered].toSorted()).toEqual(names.toSorted());
  });

  it('no text for a person holds a secret', () => {
    const texts = new Set(
      record.runs.flatMap(({ verb, exitCode, stdout, stderr }) => {
        // A process that was killed may have answered before.
        return verb === 'get' && exitCode !== 1 ? [stderr] : [stdout, stderr];
      }),
    );
    const text = [...texts, readLog()].join('\n');
    const secrets = [CLIENT_SECRET, ...record.passwords];
    for (const { environment } of actors.all) secrets.push(environment['AZURE_CLIENT_SECRET'] ?? '');
    expect(findLeak(text, secrets)).toBeUndefined();
    expect(TOKEN.exec(text)).toBeNull();
  });

  it('the calm registry gives a token for each loss and each kill, and no more', () => {
    const exchanges = requests.filter(
      ({ host, path, status }) => host === CALM_SERVER && path === '/oauth2/exchange' && status === 200,
    );
    const identities = actors.all.filter(({ owner, servers }) => owner !== undefined && servers.includes(CALM_SERVER));
    // Each identity signs in once in each cache. After a loss, all who are running may sign in without the others.
    const bound = identities.length * caches.length + record.losses * MAX_PROCESSES + record.kills + weather.damaged();
    expect(exchanges.length).toBeLessThanOrEqual(bound);
  });

  it('no process asks more often than its attempts', () => {
    // Each helper may start one renewal.
    expect(requests.length).toBeLessThanOrEqual(record.runs.length * 2 * STEPS * MAX_REQUESTS_PER_STEP);
  });
});

describe('afterwards', () => {
  it(
    'no process and no connection is left',
    async () => {
      expect(await waitForProcesses(machine.folder, MAX_RENEWAL_MS)).toEqual([]);
      expect(countConnections(cloud.emulator.proxyUrl)).toBe(0);
    },
    MAX_RENEWAL_MS + 10_000,
  );

  it.each([0, 1])('an ordinary sign-in clears up cache %i, and only what lives is left', async (index) => {
    const cache = caches[index] ?? '';
    const { environment } = actors.all[0] ?? { environment: {} };
    ageFiles(join(cache, 'locks'), OLD_SECONDS);
    for (const server of ['omega.azurecr.io', 'omega2.azurecr.io', 'omega3.azurecr.io']) {
      const run = await runHelper(machine, {
        ...{ verb: 'get', server, environment: { ...environment, DOCKER_CREDENTIAL_ACR_CACHE_DIR: cache } },
      });
      expect(run).toMatchObject({ exitCode: 0, stderr: '' });
    }
    expect(listDeadFiles(cache)).toEqual([]);
    const keys = actors.all.reduce((sum, { servers }) => sum + servers.length + 1, 0);
    // A token, its Entra token and a marker of each.
    expect(listFiles(cache).length).toBeLessThanOrEqual(3 * keys);
  });

  it('the logins leave one file', () => {
    const data = join(machine.folder, 'home', '.local', 'share', 'docker-credential-acr');
    expect(listFiles(data).filter((name) => name !== 'credentials.json')).toEqual([]);
  });
});
