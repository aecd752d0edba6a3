/** Lets each call of a flow on the program's files fail once, and collects everything that is wrong afterwards. */

import { CLIENT_SECRET } from '../../emulator/state.ts';
import { LOGIN_SERVER } from './cloud.ts';
import {
  describeResult,
  type Flow,
  findAfterLogout,
  NEW_PASSWORD,
  OLD_PASSWORD,
  OTHER_PASSWORD,
} from './fault-flows.ts';
import { findLeak } from './leak.ts';
import type { Machine } from './machine.ts';
import {
  ageLeftovers,
  createPlace,
  findStateProblems,
  isBrief,
  listFiles,
  listLeftovers,
  type Place,
  type PlaceFile,
  type TimedResult,
} from './place.ts';
import { type FileCall, type Injection, injectAt, traceCalls } from './strace.ts';

/** The errors that fit a call. With more than one, the calls of a flow take turns. */
const ERRORS: Readonly<Record<string, readonly string[]>> = {
  openat: ['EACCES', 'EIO', 'EMFILE', 'ESTALE'],
  'openat that creates': ['ENOSPC', 'EACCES', 'EROFS', 'EDQUOT', 'EMFILE'],
  statx: ['EACCES', 'EIO', 'ESTALE'],
  read: ['EIO', 'EINTR'],
  pread64: ['EIO', 'ESTALE', 'EINTR'],
  getdents64: ['EIO', 'ESTALE'],
  write: ['ENOSPC', 'EIO', 'EDQUOT', 'EFBIG'],
  close: ['EIO', 'ENOSPC'],
  fchmod: ['EPERM', 'EIO', 'EROFS'],
  chmod: ['EPERM'],
  fsync: ['EIO', 'EINVAL', 'ENOSPC'],
  rename: ['ESTALE', 'EXDEV', 'EBUSY', 'EACCES', 'EIO'],
  unlink: ['EBUSY', 'EACCES', 'EROFS', 'EIO'],
  mkdir: ['EACCES', 'ENOSPC', 'EROFS', 'EMLINK'],
  inotify_add_watch: ['ENOSPC'],
};
const OTHER_ERRORS = ['EIO'];
/** Of these calls there are few, and shared folders fail in many ways: each error is tried at each of them. */
const ALL_ERRORS = ['rename', 'fsync'];
/** Calls without which the files are as they were: to be killed at the next call that changes something is the same. */
const CHANGES =
  /^(write|pwrite64|fchmod|chmod|fsync|fdatasync|rename|renameat2?|unlink|unlinkat|rmdir|mkdir|link|utimensat)$/;
const SECRETS = [OLD_PASSWORD, NEW_PASSWORD, OTHER_PASSWORD, CLIENT_SECRET, 'wrong-secret-Q~x'];

/** A run answers or fails within this time. Nothing that a fault breaks may make it wait. */
const FAULTED_LIMIT_MS = 8_000;
/** The next run works at once. A lock whose holder looks alive takes over three seconds. */
const NEXT_LIMIT_MS = 4_000;
const SIDE_BY_SIDE = 2;
/** In how many ordinary runs all cases are tried. */
export const SHARES = 3;
/** Which third of the cases is tried: 0, 1 or 2, or `all`. */
export const { FAULT_PART = String(Math.floor(Math.random() * SHARES)) } = process.env;

interface Case {
  readonly index: number;
  readonly name: string;
  readonly injection: Injection;
}

export interface FaultReport {
  /** How many cases the flow has. Of them every third is tried, or all: see `takeShare`. */
  readonly count: number;
  /** Each with the case that it happened in. */
  readonly problems: readonly string[];
}

/** Lets each call fail with an error that fits it. */
export function runErrors(flow: Flow, machine: Machine): Promise<FaultReport> {
  return runCases(flow, machine, (calls) =>
    calls.flatMap((call, index) => {
      const errors = listErrors(call, index);
      return errors.map((error) => ({
        index,
        name: `${nameCall(calls, index)} fails with ${error}`,
        injection: { error },
      }));
    }),
  );
}

/** Kills the process right before each call that changes a file or a folder. */
export function runKills(flow: Flow, machine: Machine): Promise<FaultReport> {
  return runCases(flow, machine, (calls) =>
    calls.flatMap((call, index) => {
      if (!call.isCreating && !CHANGES.test(call.name)) return [];
      return [{ index, name: `killed before ${nameCall(calls, index)}`, injection: { signal: 'SIGKILL' } }];
    }),
  );
}

/** The calls of a flow on files, without any fault. */
export async function listFlowCalls(flow: Flow, machine: Machine): Promise<readonly FileCall[]> {
  const place = createPlace(machine, flow.template);
  const { calls, result } = await traceCalls(place, flow.verb, flow.input, { environment: flow.environment });
  const problems = [...flow.judge(result, place), ...(flow.isRight(result) ? [] : [describeResult(result)])];
  if (problems.length > 0) throw new Error(`${flow.name} fails without any fault: ${problems.join('; ')}`);
  place.remove();
  return calls;
}

async function runCases(
  flow: Flow,
  machine: Machine,
  listCases: (calls: readonly FileCall[]) => readonly Case[],
): Promise<FaultReport> {
  const calls = await listFlowCalls(flow, machine);
  const cases = listCases(calls).filter(({ index }) => !isLaterLogCall(calls, index) && !isRepeated(calls, index));
  const problems: string[] = [];
  const queue = takeShare(cases).values();
  const work = async () => {
    for (const { index, name, injection } of queue) {
      const options = { environment: flow.environment };
      const newPlace = () => createPlace(machine, flow.template);
      const { verb, input } = flow;
      const { place, result } = await injectAt({ newPlace, verb, input, options, calls, index, injection });
      const found = await judgeCase(flow, place, result, calls[index], 'signal' in injection);
      problems.push(...found.map((problem) => `${name}: ${problem}`));
      place.remove();
    }
  };
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, work));
  return { count: cases.length, problems: problems.toSorted() };
}

/**
 * Takes every third case, beginning at another one in each run; all of them where `FAULT_PART` is `all`, as the test
 * command sets it when it is asked for these tests alone.
 */
function takeShare(cases: readonly Case[]): readonly Case[] {
  return FAULT_PART === 'all' ? cases : cases.filter((_, index) => index % SHARES === Number(FAULT_PART) % SHARES);
}

/** Whether it is the same call as the one right before, such as a second look at an open file. */
function isRepeated(calls: readonly FileCall[], index: number): boolean {
  const [before, call] = [calls[index - 1], calls[index]];
  return before?.name === call?.name && before?.path === call?.path;
}

/** The log is one more file: its first open and its first line stand for all others. */
function isLaterLogCall(calls: readonly FileCall[], index: number): boolean {
  const isLog = ({ path }: FileCall) => path === 'helper.log';
  const call = calls[index];
  return call !== undefined && isLog(call) && calls.slice(0, index).some((one) => isLog(one) && one.name === call.name);
}

async function judgeCase(
  flow: Flow,
  place: Place,
  result: TimedResult,
  call: FileCall | undefined,
  isKilled: boolean,
): Promise<readonly string[]> {
  const path = call?.path ?? '';
  const problems: string[] = [];
  await place.settle();
  if (!isKilled) {
    problems.push(...flow.judge(result, place));
    if (flow.isCacheOptional && path.startsWith('cache') && !flow.isRight(result)) {
      problems.push(`a fault of the cache changes the answer: ${describeResult(result)}`);
    }
    if (result.durationMs > FAULTED_LIMIT_MS) problems.push(`it takes ${result.durationMs} ms`);
    // What cannot be removed stays until the next run, and so does what the failing call was about to remove.
    const isExpected = (file: PlaceFile) =>
      isBrief(file) || isSameFile(file.path, path) || (flow.hasChild && file.kind === 'lock');
    const left = listLeftovers(place).filter((file) => !isExpected(file));
    problems.push(...left.map(({ path: leftPath }) => `${leftPath} stays after the run`));
  }
  problems.push(...findStateProblems(place), ...findLeaks(result, place));
  const again = await place.run(flow.verb, flow.input, { environment: flow.environment });
  await place.settle();
  problems.push(...flow.judge(again, place).map((problem) => `the next run: ${problem}`));
  if (!flow.isRight(again)) problems.push(`the next run: ${describeResult(again)}`);
  if (again.durationMs > NEXT_LIMIT_MS) problems.push(`the next run takes ${again.durationMs} ms`);
  // Where the next run has left nothing behind, a logout is as it always is.
  if (listLeftovers(place).length > 0) problems.push(...(await logOut(place)));
  return [...new Set(problems)];
}

/** Erases the registry, after which nothing of it may be left. */
async function logOut(place: Place): Promise<readonly string[]> {
  ageLeftovers(place, 'failure', 'claim');
  const erased = await place.run('erase', LOGIN_SERVER);
  // One run removes old notes for a few milliseconds only; later runs remove the rest.
  for (let runs = 0; runs < 5 && listLeftovers(place).some(isBrief); runs += 1) await place.run('erase', LOGIN_SERVER);
  return [
    ...(erased.exitCode === 0 && erased.stdout === '' ? [] : [`the logout: ${describeResult(erased)}`]),
    ...(erased.durationMs > NEXT_LIMIT_MS ? [`the logout takes ${erased.durationMs} ms`] : []),
    ...findAfterLogout(place),
    ...(await findStayingLock(place)),
    ...listLeftovers(place)
      .filter(({ kind }) => kind !== 'lock')
      .map(({ path }) => `${path} is left after the next run and a logout`),
    ...findStateProblems(place),
  ];
}

/** A lock of a killed process may stay until the lock is needed: for a login, until the next `store`. */
async function findStayingLock(place: Place): Promise<readonly string[]> {
  const findLocks = () => listLeftovers(place).filter(({ kind }) => kind === 'lock');
  if (findLocks().length === 0) return [];
  // A process that has ended counts as running until it is reaped, but touches its lock no longer.
  ageLeftovers(place, 'lock');
  const login = { ServerURL: LOGIN_SERVER, Username: 'admin', Secret: NEW_PASSWORD };
  await place.run('store', JSON.stringify(login));
  await place.run('erase', LOGIN_SERVER);
  return findLocks().map(({ path }) => `${path} is left after another login and logout`);
}

/** Finds secrets in what people see: stderr, the log, and the stdout of a failure. */
function findLeaks(result: TimedResult, place: Place): readonly string[] {
  const log = listFiles(place).find(({ kind }) => kind === 'log')?.text ?? '';
  const texts = { stderr: result.stderr, log, ...(result.exitCode === 0 ? {} : { stdout: result.stdout }) };
  return Object.entries(texts).flatMap(([where, text]) => {
    const leak = /eyJ[\w-]{8,}\.[\w-]{8,}/.test(text) ? 'a token' : findLeak(text, SECRETS);
    return leak === undefined ? [] : [`${where} holds ${leak}`];
  });
}

function listErrors(call: FileCall, index: number): readonly string[] {
  const errors = ERRORS[call.isCreating ? `${call.name} that creates` : call.name] ?? OTHER_ERRORS;
  return ALL_ERRORS.includes(call.name) ? errors : errors.slice(index % errors.length).slice(0, 1);
}

function isSameFile(leftPath: string, callPath: string): boolean {
  return leftPath === callPath || (callPath.endsWith('*.tmp') && leftPath.endsWith('.tmp'));
}

function nameCall(calls: readonly FileCall[], index: number): string {
  const call = calls[index];
  const same = calls.slice(0, index + 1).filter(({ name, path }) => name === call?.name && path === call.path);
  return `${call?.name} ${same.length} of ${call?.path}`;
}
