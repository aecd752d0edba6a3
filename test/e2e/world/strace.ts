/** Runs the program under strace: lists the system calls that it makes on its own files, and lets one of them fail. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { readTextFile } from '../../../scripts/parts/command.ts';
import { partOf } from './parts.ts';
import type { Place, PlaceRunOptions, TimedResult } from './place.ts';

/** A system call on a file or folder of the program, by its main thread, which does all its work on files. */
export interface FileCall {
  readonly name: string;
  /** Without the folder of the place, and without what differs between runs. */
  readonly path: string;
  /** How many calls of that name the main thread had made, this one included. strace counts in the same way. */
  readonly count: number;
  /** Whether it creates a file. */
  readonly isCreating: boolean;
  /** Whether strace made it fail. */
  readonly isInjected: boolean;
}

/** What happens instead of a call: an error, or the end of the process right before the call. */
export type Injection = { readonly error: string } | { readonly signal: 'SIGKILL' };

/** One run, and the calls on files that it made. */
export interface TracedRun {
  readonly result: TimedResult;
  readonly calls: readonly FileCall[];
}

/** How a shell reports SIGKILL. */
const KILLED = 137;
const CALLS = [
  'open openat statx stat lstat newfstatat fstat access faccessat2 readlink getdents64 read readv pread64 preadv write',
  'writev pwrite64 pwritev close fchmod chmod fchmodat fchown fsync fdatasync ftruncate rename renameat renameat2 unlink',
  'unlinkat rmdir mkdir mkdirat link linkat symlink utimensat flock fcntl inotify_init1 inotify_add_watch',
]
  .join(' ')
  .split(' ');
const TRACE_ALL = ['-e', `trace=execve,${CALLS.join(',')}`];
/** Threads and the network make calls of the same name, so that a count may differ between runs. */
const MAX_TRIES = 24;

/** Runs the program with a verb and lists its calls on files. */
export async function traceCalls(
  place: Place,
  verb: string,
  input: string,
  options: PlaceRunOptions = {},
): Promise<TracedRun> {
  const { result, trace } = await runTraced(place, verb, input, options, TRACE_ALL);
  return { result, calls: parseTrace(trace, place.folder) };
}

/** What is to fail in a run, and the state before it. */
export interface InjectedRun {
  /** Creates the folders for each attempt. */
  readonly newPlace: () => Place;
  readonly verb: string;
  readonly input: string;
  readonly options: PlaceRunOptions;
  /** The calls of the run without any fault. */
  readonly calls: readonly FileCall[];
  /** Which of them fails. */
  readonly index: number;
  readonly injection: Injection;
}

/** Runs the program and lets one of its calls fail. */
export async function injectAt({ newPlace, verb, input, options, ...what }: InjectedRun): Promise<{
  readonly place: Place;
  readonly result: TimedResult;
}> {
  const { calls, index, injection } = what;
  const call = calls[index];
  if (call === undefined) throw new Error(`There is no call ${index}`);
  const ordinal = calls.slice(0, index + 1).filter((other) => isSame(other, call)).length;
  // With a fixed path, strace counts only the calls on that path. Otherwise it counts all calls of that name.
  const isFixed = !call.path.includes('*') && !call.name.startsWith('rename'); // its first path is a temporary file
  let count = isFixed ? ordinal : call.count;
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const place = newPlace();
    const isKill = 'signal' in injection;
    const effect = isKill ? `signal=${injection.signal}` : `error=${injection.error}`;
    const inject = ['-e', `inject=${call.name}:${effect}:when=${count}`];
    const filter = isFixed ? ['-e', `trace=${call.name}`, '-P', join(place.folder, call.path)] : TRACE_ALL;
    const { result, trace } = await runTraced(place, verb, input, options, [...filter, ...inject], isKill);
    const seen = isFixed ? [] : parseTrace(trace, place.folder);
    const sameCalls = seen.filter((other) => isSame(other, call));
    // A killed process logs everything before the call, and strace may or may not print the call itself.
    const isCounted = isKill ? seen.length >= index && seen.length <= index + 1 : sameCalls[ordinal - 1]?.isInjected;
    const isHit = isKill ? result.exitCode === KILLED : trace.includes('(INJECTED)');
    if (isHit && (isFixed || isCounted === true)) return { place, result };
    place.remove();
    // An earlier call of that name was met when the run did not get that far.
    if (!isFixed) count = sameCalls[ordinal - 1]?.count ?? count + 1;
  }
  throw new Error(`${call.name} of ${call.path} was not reached in ${MAX_TRIES} runs`);
}

async function runTraced(
  place: Place,
  verb: string,
  input: string,
  options: PlaceRunOptions,
  filter: readonly string[],
  isKill = false,
): Promise<{ readonly result: TimedResult; readonly trace: string }> {
  const output = `${place.folder}-trace`;
  // The filter in the kernel makes it faster, but no signal can be injected with it.
  const speed = isKill ? [] : ['--seccomp-bpf'];
  const strace = [partOf('strace'), '-f', '-y', '-qq', '-s', '0', '-o', output, ...speed, '-e', 'signal=none'];
  // strace ends with the signal that ended the program; the shell makes it an exit code.
  const launcher = ['/bin/sh', '-c', '"$@"; exit $?', 'sh', ...strace, ...filter, ...(options.launcher ?? [])];
  const result = await place.run(verb, input, { ...options, launcher });
  const trace = readTextFile(output) ?? '';
  rmSync(output, { force: true });
  return { result, trace };
}

/** Parses the calls of the main thread on files below a folder. */
function parseTrace(text: string, folder: string): readonly FileCall[] {
  const lines = text.split('\n');
  const main = /^\d+/.exec(lines[0] ?? '')?.[0] ?? '';
  const counts = new Map<string, number>();
  return lines.flatMap((line) => {
    const [, thread, name = '', rest = ''] = /^(\d+) +(\w+)\((.*)$/.exec(line) ?? [];
    if (thread !== main) return [];
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    const paths = rest.split(/[<>"]/).filter((part) => part.startsWith(`${folder}/`));
    const path = paths.at(-1);
    if (path === undefined || name === 'execve') return [];
    const isCreating = rest.includes('O_CREAT');
    return [{ name, path: normalizePath(path, folder), count, isCreating, isInjected: line.includes('(INJECTED)') }];
  });
}

/** The name of a temporary file is random, and the name of a claim has the minute. */
function normalizePath(path: string, folder: string): string {
  return path
    .slice(folder.length + 1)
    .replace(/\.\d+-[0-9a-z]+\.tmp$/, '*.tmp')
    .replace(/\.renewal-\d+$/, '.renewal-*');
}

function isSame(one: FileCall, other: FileCall): boolean {
  return one.name === other.name && one.path === other.path;
}
