/** A subject that runs one program many times at the same moment. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type FinishedRun, isCredential, isSilent, type Subject } from './subject.ts';

/**
 * Starts the program once per input file, waits for all runs, and fails when one fails. This is a shell script because
 * a shell starts a process in a fraction of the time that Node takes, so it distorts the measurement less.
 */
const SCRIPT = `
program=$1; verb=$2; shift 2; pids=
for input in "$@"; do "$program" $verb <"$input" & pids="$pids $!"; done
for pid in $pids; do wait "$pid" || exit 1; done`;

/** @returns one input file for each line, in the order of `lines`. */
export function writeInputs(folder: string, lines: readonly string[]): readonly string[] {
  mkdirSync(folder, { recursive: true });
  return lines.map((line, index) => {
    const file = join(folder, `${index}`);
    writeFileSync(file, `${line}\n`);
    return file;
  });
}

/**
 * @param one the subject of a single run, which returns nothing, or one line on stdout.
 * @param isAnswer whether a line is what one run returns.
 */
export function gather(one: Subject, name: string, inputs: readonly string[], isAnswer = isCredential): Subject {
  const isAnswering = one.isExpected !== isSilent;
  return {
    ...one,
    name,
    file: '/bin/sh',
    args: ['-c', SCRIPT, 'sh', one.file, one.args.join(' '), ...inputs],
    input: '',
    isExpected: (run) => (isAnswering ? areAnswers(run, inputs.length, isAnswer) : isSilent(run)),
  };
}

/** Each run writes its output in one call that is small enough to be atomic for a pipe, so the lines are not mixed. */
function areAnswers({ exitCode, stdout, stderr }: FinishedRun, count: number, isAnswer: typeof isCredential): boolean {
  const lines = stdout.split('\n').filter((line) => line !== '');
  return lines.length === count && lines.every((line) => isAnswer({ exitCode, stdout: line, stderr }));
}
