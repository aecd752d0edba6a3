/** The verbs: from the arguments and the input to what is written and the exit code. */

import { isAbsolute } from 'node:path';
import { BUDGET_MS, findCredential } from './credential.ts';
import { CredentialError, describeCause } from './errors.ts';
import type { Log, LogStep } from './log.ts';
import {
  formatCredential,
  formatServerList,
  NO_SERVER_URL,
  NOT_FOUND,
  parseServerUrl,
  parseStorePayload,
} from './protocol.ts';
import { type Runtime, readVariable } from './system/runtime.ts';
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
export async function run(args: readonly string[], readInput: ReadInput, runtime: Runtime): Promise<Outcome> {
  try {
    return await runVerb(args, readInput, runtime);
  } catch (failure) {
    // Loaded only now: what is told of a failure is of no use on the way to an answer.
    const { formatFailure } = await import('./report.ts');
    return { exitCode: 1, ...formatFailure(runtime, failure) };
  }
}

async function runVerb(args: readonly string[], readInput: ReadInput, runtime: Runtime): Promise<Outcome> {
  const [verb, ...rest] = args;
  if (verb === undefined || rest.length > 0) return refuse(`Usage: ${runtime.programName} <${VERBS}>`);
  switch (verb) {
    case 'get':
      return await withLog(runtime, async (log) => get(await readInput(), runtime, log));
    case 'store':
      return await withLog(runtime, async (log) => store(await readInput(), runtime, log));
    case 'erase':
      return await withLog(runtime, async (log) => erase(await readInput(), runtime, log));
    case 'list':
      return await list(runtime);
    case 'renew':
      return await renew(runtime);
    case 'version':
    case '--version':
    case '-v':
      return succeed(`${runtime.programName} (docker-credential-acr) v${VERSION}\n`);
    case 'help':
    case '--help':
    case '-h':
      return succeed((await import('./help.ts')).formatHelp(runtime));
    default:
      return refuse(`${runtime.programName}: unknown action: ${sanitizeAction(verb)}`);
  }
}

async function get(input: string, runtime: Runtime, log: Log | undefined): Promise<Outcome> {
  const serverUrl = parseServerUrl(input);
  if (serverUrl === undefined) return refuse(NO_SERVER_URL);
  const found = await findCredential(runtime, serverUrl, log);
  if ('secret' in found) return succeed(formatCredential(found));
  if (found.hint === undefined) return refuse(NOT_FOUND);
  const { formatNotFound } = await import('./report.ts');
  return { ...refuse(NOT_FOUND), stderr: formatNotFound(runtime, found.hint, found.skipped) };
}

/**
 * What a `get` starts and nobody waits for: renews the token that it answered with, if that is due. Says nothing, so
 * whoever calls it learns and gets nothing.
 */
async function renew(runtime: Runtime): Promise<Outcome> {
  const serverUrl = parseServerUrl(readVariable(runtime, RENEWAL_VARIABLE) ?? '');
  if (serverUrl === undefined) return succeed('');
  // A log named by the client's working directory is not ours to find.
  const isLogged = isAbsolute(readVariable(runtime, 'DOCKER_CREDENTIAL_ACR_LOG') ?? '');
  const log = isLogged ? await openRequestedLog(runtime) : undefined;
  let timer: NodeJS.Timeout | undefined;
  const end = new Promise((resolve) => {
    timer = setTimeout(resolve, BUDGET_MS); // whatever hangs, nothing is left behind
  });
  const { renewToken } = await import('./renew.ts');
  const renewed = renewToken(runtime, serverUrl, BUDGET_MS, log).catch((cause: unknown) =>
    log?.({ step: 'end', outcome: 'not-renewed', ...describeEnd(cause) }),
  );
  await Promise.race([renewed, end]);
  clearTimeout(timer);
  return succeed('');
}

async function store(input: string, runtime: Runtime, log: Log | undefined): Promise<Outcome> {
  const credential = parseStorePayload(input);
  if (typeof credential === 'string') return refuse(credential);
  const { storeCredential } = await import('./logins/store.ts');
  const warning = await storeCredential(runtime, credential, log);
  return { ...succeed(''), stderr: warning === undefined ? '' : `docker-credential-acr: warning: ${warning}\n` };
}

async function erase(input: string, runtime: Runtime, log: Log | undefined): Promise<Outcome> {
  const serverUrl = parseServerUrl(input);
  if (serverUrl === undefined) return refuse(NO_SERVER_URL);
  const { eraseCredential } = await import('./logins/store.ts');
  await eraseCredential(runtime, serverUrl, log);
  return succeed('');
}

async function list(runtime: Runtime): Promise<Outcome> {
  const { listServers } = await import('./logins/server-list.ts');
  return succeed(formatServerList(await listServers(runtime)));
}

/** Runs a verb with the log that the person asks for, whose last line tells the failure. */
async function withLog(runtime: Runtime, act: (log: Log | undefined) => Promise<Outcome>): Promise<Outcome> {
  const log = await openRequestedLog(runtime);
  try {
    return await act(log);
  } catch (failure) {
    log?.({ step: 'end', outcome: 'failed', ...describeEnd(failure) });
    throw failure;
  }
}

function describeEnd(failure: unknown): Pick<LogStep, 'code' | 'reason'> {
  const reason = describeCause(failure);
  return failure instanceof CredentialError ? { code: failure.code, reason: failure.message } : { reason };
}

async function openRequestedLog(runtime: Runtime): Promise<Log | undefined> {
  const target = readVariable(runtime, 'DOCKER_CREDENTIAL_ACR_LOG');
  if (target === undefined) return undefined;
  const [{ openLog }, { createRedactor }] = await Promise.all([import('./log.ts'), import('./redact.ts')]);
  return openLog(runtime, target, createRedactor(runtime));
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
