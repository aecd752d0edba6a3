/** Many runs of one program at the same moment, as a subject like any other. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type FinishedRun, isCredential, isSilent, type Subject } from './subject.ts';

/**
 * Starts the program once a file of input, waits for all, and fails when one fails. A shell does it, since it makes a
 * process in a fraction of the time that Node takes, and so hides less of what the processes take.
 */
const SCRIPT = `
program=$1; verb=$2; shift 2; pids=
for input in "$@"; do "$program" $verb <"$input" & pids="$pids $!"; done
for pid in $pids; do wait "$pid" || exit 1; done`;

/** @returns one file of input for each host, in the order of `hosts`. */
export function writeInputs(folder: string, hosts: readonly string[]): readonly string[] {
  mkdirSync(folder, { recursive: true });
  return hosts.map((host, index) => {
    const file = join(folder, `${index}-${host}`);
    writeFileSync(file, `${host}\n`);
    return file;
  });
}

/** @param one what a single member does; it answers with a credential or with nothing. */
export function gather(one: Subject, name: string, inputs: readonly string[]): Subject {
  const isAnswering = one.isExpected !== isSilent;
  return {
    ...one,
    name,
    file: '/bin/sh',
    args: ['-c', SCRIPT, 'sh', one.file, one.args.join(' '), ...inputs],
    input: '',
    isExpected: (run) => (isAnswering ? areCredentials(run, inputs.length) : isSilent(run)),
  };
}

/** Each member writes its answer at once, shorter than what a pipe takes whole, so the lines are not mixed. */
function areCredentials({ exitCode, stdout, stderr }: FinishedRun, count: number): boolean {
  const lines = stdout.split('\n').slice(0, -1);
  return lines.length === count && lines.every((line) => isCredential({ exitCode, stdout: line, stderr }));
}
