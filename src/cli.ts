/** The verbs: from the arguments and the input to what is written and the exit code. */

import { isAbsolute } from 'node:path';
import { BUDGET_MS, findCredential } from './credential.ts';
import { describeCause } from './errors.ts';
import type { Log } from './log.ts';
import {
  formatCredential,
  formatServerList,
  NO_SERVER_URL,
  NOT_FOUND,
  parseServerUrl,
  parseStorePayload,
} from './protocol.ts';
import { type Machine, readVariable } from './system/runtime.ts';
import { VERSION } from './version.ts';

export interface Outcome {
  /** Clients know no others. */
  readonly exitCode: 0 | 1;
  readonly stdout: string;
  readonly stderr: string;
}

/** Reads the whole input. */
export type ReadInput = () => Promise<string>;

/** Which registry's token `renew` is about: set by the program for its own child, which has no input. */
export const RENEWAL_VARIABLE = 'DOCKER_CREDENTIAL_RENEW';

const VERBS = 'store|get|erase|list|version';

/** Runs the program once. Never throws. */
export async function run(args: readonly string[], readInput: ReadInput, machine: Machine): Promise<Outcome> {
  try {
    return await runVerb(args, readInput, machine);
  } catch (failure) {
    // Loaded only now: what is told of a failure is of no use on the way to an answer.
    const { tellFailure } = await import('./report.ts');
    return { exitCode: 1, ...tellFailure(machine, failure) };
  }
}

async function runVerb(args: readonly string[], readInput: ReadInput, machine: Machine): Promise<Outcome> {
  const [verb, ...rest] = args;
  if (verb === undefined || rest.length > 0) return refuse(`Usage: ${machine.programName} <${VERBS}>`);
  switch (verb) {
    case 'get':
      return await get(await readInput(), machine);
    case 'store':
      return await store(await readInput(), machine);
    case 'erase':
      return await erase(await readInput(), machine);
    case 'list':
      return await list(machine);
    case 'renew':
      return await renew(machine);
    case 'version':
    case '--version':
    case '-v':
      return succeed(`${machine.programName} (docker-credential-acr) v${VERSION}\n`);
    case 'help':
    case '--help':
    case '-h':
      return succeed((await import('./help.ts')).formatHelp(machine));
    default:
      return refuse(`${machine.programName}: unknown action: ${sanitizeAction(verb)}`);
  }
}

async function get(input: string, machine: Machine): Promise<Outcome> {
  const serverUrl = parseServerUrl(input);
  if (serverUrl === undefined) return refuse(NO_SERVER_URL);
  const found = await findCredential(machine, serverUrl, await openRequestedLog(machine));
  if ('secret' in found) return succeed(formatCredential(found));
  if (found.hint === undefined) return refuse(NOT_FOUND);
  const { tellNotFound } = await import('./not-found.ts');
  return { ...refuse(NOT_FOUND), stderr: tellNotFound(machine, found.hint, found.passedOver) };
}

/**
 * What a `get` starts and nobody waits for: renews the token that it answered with, if that is due. Says nothing, so
 * whoever calls it learns and gets nothing.
 */
async function renew(machine: Machine): Promise<Outcome> {
  const serverUrl = parseServerUrl(readVariable(machine, RENEWAL_VARIABLE) ?? '');
  if (serverUrl === undefined) return succeed('');
  // A log named by the client's working directory is not ours to find.
  const isLogged = isAbsolute(readVariable(machine, 'DOCKER_CREDENTIAL_ACR_LOG') ?? '');
  const log = isLogged ? await openRequestedLog(machine) : undefined;
  let timer: NodeJS.Timeout | undefined;
  const end = new Promise((resolve) => {
    timer = setTimeout(resolve, BUDGET_MS); // whatever hangs, nothing is left behind
  });
  const renewed = findCredential(machine, serverUrl, log, { isRenewal: true }).catch((cause: unknown) =>
    log?.({ step: 'end', outcome: 'not-renewed', reason: describeCause(cause) }),
  );
  await Promise.race([renewed, end]);
  clearTimeout(timer);
  return succeed('');
}

async function store(input: string, machine: Machine): Promise<Outcome> {
  const credential = parseStorePayload(input);
  if (typeof credential === 'string') return refuse(credential);
  const { storeCredential } = await import('./logins/store.ts');
  const warning = await storeCredential(machine, credential, await openRequestedLog(machine));
  return { ...succeed(''), stderr: warning === undefined ? '' : `docker-credential-acr: warning: ${warning}\n` };
}

async function erase(input: string, machine: Machine): Promise<Outcome> {
  const serverUrl = parseServerUrl(input);
  if (serverUrl === undefined) return refuse(NO_SERVER_URL);
  const { eraseCredential } = await import('./logins/store.ts');
  await eraseCredential(machine, serverUrl, await openRequestedLog(machine));
  return succeed('');
}

async function list(machine: Machine): Promise<Outcome> {
  const { listServers } = await import('./logins/server-list.ts');
  return succeed(formatServerList(await listServers(machine)));
}

async function openRequestedLog(machine: Machine): Promise<Log | undefined> {
  const target = readVariable(machine, 'DOCKER_CREDENTIAL_ACR_LOG');
  if (target === undefined) return undefined;
  const [{ openLog }, { createRedactor }] = await Promise.all([import('./log.ts'), import('./redact.ts')]);
  return openLog(machine, target, createRedactor(machine));
}

function succeed(stdout: string): Outcome {
  return { exitCode: 0, stdout, stderr: '' };
}

function refuse(text: string): Outcome {
  return { exitCode: 1, stdout: `${text}\n`, stderr: '' };
}

/** An argument can hold anything; what is shown of it is one short line. */
function sanitizeAction(text: string): string {
  return text.replace(/[^\x20-\x7E]|`/g, '?').slice(0, 60);
}
