/**
 * Runs the verbs of the protocol: takes the arguments and the input, and returns the output and the exit code. Everything
 * else is for the commands.
 */

import { findCredential } from './credential.ts';
import { describeEnd } from './errors.ts';
import type { Log } from './log.ts';
import type { Outcome } from './outcome.ts';
import {
  formatCredential,
  formatServerList,
  NO_SERVER_URL,
  NOT_FOUND,
  parseServerUrl,
  parseStorePayload,
} from './protocol.ts';
import { type Runtime, readVariable } from './system/runtime.ts';
import type { Terminal } from './terminal/terminal.ts';
import { formatBuild } from './version.ts';

/** How a run reads and writes, apart from its outcome. */
export interface Streams {
  /**
   * Reads standard input: to its end, or on a terminal one line.
   * @param wanted what a person at a terminal should type.
   */
  readonly readInput: (wanted: string) => Promise<string>;
  /** Opens the terminal, for commands. */
  readonly openTerminal: () => Promise<Terminal>;
}

/**
 * The variable that names the registry for `renew`. The program sets it for its own child process, which has no input.
 */
export const RENEWAL_VARIABLE = 'DOCKER_CREDENTIAL_RENEW';

const VERBS = ['store', 'get', 'erase', 'list', 'version'];
/** What a person at a terminal should type for a verb. */
const A_REGISTRY = 'a registry, such as myregistry.azurecr.io';
const A_REQUEST = 'the CredentialProviderRequest of a kubelet, in one line';
const A_CREDENTIAL = '{"ServerURL":"…","Username":"…","Secret":"…"} in one line';

/** Runs the program once. Never throws. */
export async function run(args: readonly string[], streams: Streams, runtime: Runtime): Promise<Outcome> {
  try {
    return await runVerb(args, streams, runtime);
  } catch (failure) {
    // Loaded only now: a successful run does not need it.
    const { formatFailure } = await import('./report.ts');
    return { exitCode: 1, ...formatFailure(runtime, failure) };
  }
}

async function runVerb(args: readonly string[], streams: Streams, runtime: Runtime): Promise<Outcome> {
  const { readInput } = streams;
  const [verb, ...rest] = args;
  // As a plug-in, the program has no verbs.
  if (verb === 'kubelet' && rest.length === 1 && rest[0] === '--version') return succeed(formatVersion(runtime));
  if (verb === 'kubelet' && isProviderCall(rest)) return await provide(rest, await readInput(A_REQUEST), runtime);
  if (verb === undefined || rest.length > 0) return await runCommand(args, streams, runtime);
  switch (verb) {
    case 'get':
      return await withLog(get, await readInput(A_REGISTRY), runtime);
    case 'store':
      return await withLog(store, await readInput(A_CREDENTIAL), runtime);
    case 'erase':
      return await withLog(erase, await readInput(A_REGISTRY), runtime);
    case 'list':
      return await list(runtime);
    case 'renew':
      return await renew(runtime);
    case 'version':
    case '--version':
    case '-v':
      return succeed(formatVersion(runtime));
    default:
      return await runCommand(args, streams, runtime);
  }
}

function formatVersion({ programName }: Runtime): string {
  return `${programName} (docker-credential-acr) v${formatBuild()}\n`;
}

/** Whether a kubelet calls. The arguments of a person are words and `--help`. */
function isProviderCall([first = '-']: readonly string[]): boolean {
  return !/^[a-z]+$/.test(first) && !['-h', '--help'].includes(first);
}

/** Answers a kubelet, which reads stdout only after a success, and stderr only after a failure. */
async function provide(args: readonly string[], input: string, runtime: Runtime): Promise<Outcome> {
  const { isRenewalCall, provideCredential, renewCredential } = await import('./kubelet/provider.ts');
  try {
    if (!isRenewalCall(args)) return succeed(await withLog(provideCredential, { args, input }, runtime));
    await renewCredential({ args, input }, runtime);
    return succeed('');
  } catch (failure) {
    // Loaded only now: a successful run does not need it.
    const { formatProviderFailure } = await import('./kubelet/failure.ts');
    return { exitCode: 1, stdout: '', stderr: formatProviderFailure(runtime, failure) };
  }
}

/** Runs a command, or refuses what is none as the reference helpers do. */
async function runCommand(args: readonly string[], streams: Streams, runtime: Runtime): Promise<Outcome> {
  const [verb, ...rest] = args;
  const terminal = await streams.openTerminal();
  // A client that calls a verb in a wrong way reads stdout; a person at a terminal reads the help.
  const isForPerson = verb === undefined ? terminal.isOutputSeen : rest.some((one) => ['-h', '--help'].includes(one));
  const isRefused = (verb === undefined || VERBS.includes(verb)) && !isForPerson;
  if (isRefused && !terminal.isErrorSeen) return refuse(formatUsage(runtime));
  const { formatHint, runCommandLine } = await import('./commands/commands.ts');
  const exitCode = isRefused
    ? undefined
    : await runCommandLine(verb === undefined ? ['--help'] : args, runtime, terminal);
  if (exitCode !== undefined) return { exitCode, stdout: '', stderr: '' };
  const refusal = refuse(
    isRefused ? formatUsage(runtime) : `${runtime.programName}: unknown action: ${sanitizeAction(verb ?? '')}`,
  );
  if (!terminal.isErrorSeen) return refusal;
  // A person reads the hint after the error.
  terminal.write(refusal.stdout);
  terminal.writeError(formatHint(runtime, terminal, args));
  return { ...refusal, stdout: '' };
}

function formatUsage({ programName }: Runtime): string {
  return `Usage: ${programName} <${VERBS.join('|')}>`;
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
 * Renews the token that a `get` has returned, if that is due. The `get` starts this verb in the background. It writes
 * nothing, so that other callers learn nothing.
 */
async function renew(runtime: Runtime): Promise<Outcome> {
  const serverUrl = parseServerUrl(readVariable(runtime, RENEWAL_VARIABLE) ?? '');
  if (serverUrl === undefined) return succeed('');
  const { openBackgroundLog, renewInBackground } = await import('./renew.ts');
  await renewInBackground(runtime, serverUrl, await openBackgroundLog(runtime));
  return succeed('');
}

async function store(input: string, runtime: Runtime, log: Log | undefined): Promise<Outcome> {
  const credential = parseStorePayload(input);
  if (typeof credential === 'string') return refuse(credential);
  const { storeCredential } = await import('./logins/store.ts');
  return warn(await storeCredential(runtime, credential, log));
}

async function erase(input: string, runtime: Runtime, log: Log | undefined): Promise<Outcome> {
  const serverUrl = parseServerUrl(input);
  if (serverUrl === undefined) return refuse(NO_SERVER_URL);
  const { eraseCredential } = await import('./logins/store.ts');
  return warn(await eraseCredential(runtime, serverUrl, log));
}

async function list(runtime: Runtime): Promise<Outcome> {
  const { listServers } = await import('./logins/server-list.ts');
  return succeed(formatServerList(await listServers(runtime)));
}

type Verb<I, O> = (input: I, runtime: Runtime, log: Log | undefined) => Promise<O>;

/**
 * Runs a verb with the log that the person requested, if any. Logs a failure as its last line.
 * @param input read before anything is awaited: after a turn of the event loop it takes half a megabyte more.
 */
async function withLog<I, O>(verb: Verb<I, O>, input: I, runtime: Runtime): Promise<O> {
  const log = await openLog(runtime);
  try {
    return await verb(input, runtime, log);
  } catch (failure) {
    log?.({ step: 'end', outcome: 'failed', ...describeEnd(failure) });
    throw failure;
  }
}

async function openLog(runtime: Runtime): Promise<Log | undefined> {
  if (readVariable(runtime, 'DOCKER_CREDENTIAL_ACR_LOG') === undefined) return undefined;
  return (await import('./log.ts')).openRequestedLog(runtime);
}

function succeed(stdout: string): Outcome {
  return { exitCode: 0, stdout, stderr: '' };
}

/** @param warning for the person, if there is one. */
function warn(warning: string | undefined): Outcome {
  return { ...succeed(''), stderr: warning === undefined ? '' : `docker-credential-acr: warning: ${warning}\n` };
}

function refuse(text: string): Outcome {
  return { exitCode: 1, stdout: `${text}\n`, stderr: '' };
}

/** Limits an argument, which may contain anything, to one short line of printable ASCII. */
function sanitizeAction(text: string): string {
  return text.replace(/[^\x20-\x7E]|`/g, '?').slice(0, 60);
}
