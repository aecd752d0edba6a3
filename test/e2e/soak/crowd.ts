/** The crowd: helpers of all identities at random moments, until the time is over. */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Cloud } from '../world/cloud.ts';
import type { Machine } from '../world/machine.ts';
import { type Actor, type Actors, CALM_SERVER, STEADY_SERVER } from './actors.ts';
import { type HelperRun, runHelper } from './helper-run.ts';
import { judgeForm, judgeToken } from './judge.ts';
import { createLoginActor } from './login-actor.ts';
import { createRandom, type Random } from './random.ts';
import type { Weather } from './weather.ts';

export interface CrowdOptions {
  readonly cloud: Cloud;
  readonly machine: Machine;
  readonly actors: Actors;
  readonly weather: Weather;
  readonly caches: readonly string[];
  readonly seed: number;
  readonly durationMs: number;
}

/** What happened. */
export interface CrowdRecord {
  readonly runs: HelperRun[];
  /** Every answer that was wrong, with what was wrong. */
  readonly problems: string[];
  /** The names of those who got a token. */
  readonly answered: Set<string>;
  readonly passwords: Set<string>;
  /** Times that a cache lost its files, or an `erase` removed the tokens of the calm registry. */
  losses: number;
  kills: number;
}

/** At most so many helpers run at the same time, besides the renewals that they start. */
export const MAX_PROCESSES = 8;
const GROUPS = 4;
const MAX_BURST = 3;
const KILL_CHANCE = 0.08;
const MAX_KILL_MS = 400;
const LOGIN_SERVERS = ['registry.example.com:5000', 'http://edge.example.com:8080'];

/** Runs the crowd to its end. */
export async function runCrowd(options: CrowdOptions): Promise<CrowdRecord> {
  const { machine, actors, weather, caches, seed, durationMs } = options;
  const endMs = Date.now() + durationMs;
  const record: CrowdRecord = {
    ...{ runs: [], problems: [], answered: new Set(), passwords: new Set(), losses: 0, kills: 0 },
  };
  const repeat = async (random: Random, step: (random: Random) => Promise<void>) => {
    while (Date.now() < endMs) {
      await step(random);
      await new Promise((resolve) => setTimeout(resolve, random.between(0, 120)));
    }
  };
  const randoms = Array.from({ length: GROUPS + LOGIN_SERVERS.length + 1 }, (_, index) => createRandom(seed + index));
  const [chaos, ...others] = randoms;
  if (chaos === undefined) throw new Error('There is no generator');
  const logins = LOGIN_SERVERS.map((server, index) => {
    const random = others[index] ?? chaos;
    const environment = { ...actors.settings, DOCKER_CREDENTIAL_ACR_CACHE_DIR: random.pick(caches) };
    const actor = createLoginActor({ machine, environment, server, random, secrets: record.passwords });
    return repeat(random, async () => {
      const { run, problems } = await actor.step(chooseKill(random, record));
      note(record, 'login', run, problems);
    });
  });
  // Somebody who asks so often that a renewal is due sooner or later.
  const [regular] = actors.all.filter(({ servers }) => servers.includes(STEADY_SERVER));
  const visits = repeat(createRandom(seed - 2), async () => {
    if (regular === undefined) return;
    const environment = { ...regular.environment, DOCKER_CREDENTIAL_ACR_CACHE_DIR: caches[0] ?? '' };
    const run = await runHelper(machine, { verb: 'get', server: STEADY_SERVER, environment });
    note(record, regular.name, run, judgeToken(options.cloud.emulator.state, run, regular));
    await new Promise((resolve) => setTimeout(resolve, 300));
  });
  const groups = others
    .slice(LOGIN_SERVERS.length)
    .map((random) => repeat(random, () => runGroup(random, options, record)));
  const disasters = repeat(chaos, async (random) => {
    weather.change();
    if (random.chance(0.3)) actors.refreshCommandToken(random.pick([3, 310, 3600]));
    if (random.chance(0.1)) loseFiles(random, random.pick(caches), record);
    await new Promise((resolve) => setTimeout(resolve, random.between(50, 300)));
  });
  await Promise.all([...groups, ...logins, visits, disasters]);
  return record;
}

/** One to three helpers at once, of the same identity for the same registry. */
async function runGroup(
  random: Random,
  { cloud, machine, actors, caches }: CrowdOptions,
  record: CrowdRecord,
): Promise<void> {
  const actor: Actor = random.pick(actors.all);
  const server = random.pick(actor.servers);
  const verb = random.chance(0.03) ? 'erase' : 'get';
  const environment = { ...actor.environment, DOCKER_CREDENTIAL_ACR_CACHE_DIR: random.pick(caches) };
  if (verb === 'erase' && server === CALM_SERVER) record.losses += 1;
  const size = Math.min(random.between(1, MAX_BURST), Math.max(1, MAX_PROCESSES - LOGIN_SERVERS.length - 1 - running));
  const kills = Array.from({ length: size }, () => chooseKill(random, record));
  await Promise.all(
    kills.map(async (killAfterMs) => {
      running += 1;
      try {
        const run = await runHelper(machine, { verb, server, environment, killAfterMs });
        note(record, actor.name, run, verb === 'get' ? judgeToken(cloud.emulator.state, run, actor) : []);
        if (run.exitCode === 0 && verb === 'get') record.answered.add(actor.name);
      } finally {
        running -= 1;
      }
    }),
  );
}

let running = 0;

function chooseKill(random: Random, record: CrowdRecord): number | undefined {
  if (!random.chance(KILL_CHANCE)) return undefined;
  record.kills += 1;
  return random.between(0, MAX_KILL_MS);
}

function note(record: CrowdRecord, who: string, run: HelperRun, problems: readonly string[]): void {
  record.runs.push(run);
  for (const problem of [...judgeForm(run), ...problems]) {
    record.problems.push(`${who}: ${run.verb} ${run.server}: ${problem}`);
  }
}

/** The folder vanishes, or some of its files do. */
function loseFiles(random: Random, cache: string, record: CrowdRecord): void {
  record.losses += 1;
  if (random.chance(0.5)) {
    rmSync(cache, { recursive: true, force: true, maxRetries: 5 });
    return;
  }
  try {
    for (const folder of readdirSync(cache)) {
      for (const name of readdirSync(join(cache, folder))) {
        if (random.chance(0.5)) rmSync(join(cache, folder, name), { force: true });
      }
    }
  } catch {
    // The folder is just being made or removed.
  }
}
