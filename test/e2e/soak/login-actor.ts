/** A person who logs in and out of one server again and again, and what may be stored for it at each moment. */
import { parseJsonRecord } from '../../emulator/json.ts';
import type { Machine } from '../world/machine.ts';
import { type HelperRun, runHelper } from './helper-run.ts';
import type { Random } from './random.ts';

export interface LoginActor {
  /** Does one step. @returns the run, and what is wrong with its answer. */
  readonly step: (killAfterMs: number | undefined) => Promise<{ run: HelperRun; problems: readonly string[] }>;
}

const USER = 'ada';
let passwords = 0;

/** What a login actor works with. */
export interface LoginActorOptions {
  readonly machine: Machine;
  readonly environment: Readonly<Record<string, string>>;
  readonly server: string;
  readonly random: Random;
  /** Gets each password. */
  readonly secrets: Set<string>;
}

/** Creates the person, who is logged out. Nobody else logs in to the server. */
export function createLoginActor({ machine, environment, server, random, secrets }: LoginActorOptions): LoginActor {
  /** The passwords that may be stored now; an empty text is none. A killed process may have done its work or not. */
  let possible = new Set(['']);
  const run = (verb: string, input: string, killAfterMs: number | undefined) =>
    runHelper(machine, { verb, server, input, environment, killAfterMs });

  const store = async (killAfterMs: number | undefined) => {
    passwords += 1;
    const password = `pw~${passwords}-${random.between(1e8, 9e8)}`;
    secrets.add(password);
    const done = await run(
      'store',
      JSON.stringify({ ServerURL: server, Username: USER, Secret: password }),
      killAfterMs,
    );
    possible = new Set(done.exitCode === 0 ? [password] : [...possible, password]);
    return { run: done, problems: [] };
  };
  const erase = async (killAfterMs: number | undefined) => {
    const done = await run('erase', server, killAfterMs);
    possible = new Set(done.exitCode === 0 ? [''] : [...possible, '']);
    return { run: done, problems: done.exitCode === 1 ? [`erase failed: ${done.stdout}`] : [] };
  };
  const get = async (killAfterMs: number | undefined) => {
    const done = await run('get', server, killAfterMs);
    if (done.exitCode === undefined) return { run: done, problems: [] };
    const answer = done.exitCode === 0 ? (parseJsonRecord(done.stdout) ?? {}) : {};
    const secret = String(answer['Secret'] ?? '');
    const isPossible = possible.has(secret) && (secret === '' || answer['Username'] === USER);
    const problem = `${server} answers ${secret || done.stdout.trim()} instead of ${[...possible].join(' or ')}`;
    if (isPossible) possible = new Set([secret]);
    return { run: done, problems: isPossible ? [] : [problem] };
  };
  const list = async (killAfterMs: number | undefined) => {
    const done = await run('list', '', killAfterMs);
    if (done.exitCode !== 0) return { run: done, problems: done.exitCode === 1 ? ['list failed'] : [] };
    const isListed = parseJsonRecord(done.stdout)?.[server] !== undefined;
    const isRight = possible.size > 1 || isListed === !possible.has('');
    return { run: done, problems: isRight ? [] : [`list ${isListed ? 'names' : 'does not name'} ${server}`] };
  };
  return { step: (killAfterMs) => random.pick([store, get, get, list, erase])(killAfterMs) };
}
