/** The terminal of a person: what a command writes to, and whether somebody can read it and answer. */

import type { Readable, Writable } from 'node:stream';
import { isatty } from 'node:tty';
import { styleText } from 'node:util';
import { CredentialError } from '../errors.ts';
import { createRedactor } from '../redact.ts';
import { type Runtime, readVariable } from '../system/runtime.ts';
import { writeOutput } from '../system/streams.ts';

/** How a text looks. Without colours it is only the text. */
export type Style = (format: Parameters<typeof styleText>[0], text: string) => string;

/** What a command writes to. Facts go to standard output; everything else goes to standard error. */
export interface Terminal {
  /** Whether a person can answer: standard input and standard error are terminals. */
  readonly canAsk: boolean;
  /** Whether standard output is a terminal, so that a person sees it at once. */
  readonly isOutputSeen: boolean;
  /** Whether standard error is a terminal, so that a line can be replaced. */
  readonly isErrorSeen: boolean;
  /** The width of the terminal in columns; 80 where there is none. */
  readonly columns: number;
  /** Writes to standard output, without the secrets that the program knows. @throws OUTPUT_FAILED */
  readonly write: (text: string) => void;
  /** Writes to standard output what the person asked for, secrets included. @throws OUTPUT_FAILED */
  readonly writeSecret: (text: string) => void;
  /** Writes to standard error, without the secrets that the program knows. */
  readonly writeError: (text: string) => void;
  /** Where questions are asked and answered. */
  readonly promptStreams: () => { readonly input: Readable; readonly output: Writable };
  /** Styles a text for standard output. */
  readonly style: Style;
  /** Styles a text for standard error. */
  readonly errorStyle: Style;
}

const STANDARD_INPUT = 0;
const STANDARD_OUTPUT = 1;
const STANDARD_ERROR = 2;
const DEFAULT_COLUMNS = 80;

/** Opens the terminal of this process. */
export function openTerminal(runtime: Runtime): Terminal {
  const redact = createRedactor(runtime);
  const isOutputSeen = isatty(STANDARD_OUTPUT);
  const isErrorSeen = isatty(STANDARD_ERROR);
  // https://no-color.org
  const hasColour = readVariable(runtime, 'NO_COLOR') === undefined && readVariable(runtime, 'TERM') !== 'dumb';
  return {
    canAsk: isatty(STANDARD_INPUT) && isErrorSeen,
    isOutputSeen,
    isErrorSeen,
    columns: (isOutputSeen ? process.stdout.columns : process.stderr.columns) || DEFAULT_COLUMNS,
    write: (text) => writeFacts(redact(text)),
    writeSecret: writeFacts,
    // Where this fails, there is no place to say so.
    writeError: (text) => void writeOutput(STANDARD_ERROR, redact(text)),
    promptStreams: () => ({ input: process.stdin, output: process.stderr }),
    style: createStyle(hasColour && isOutputSeen),
    errorStyle: createStyle(hasColour && isErrorSeen),
  };
}

/** A script must not take a part of the facts for all of them. */
function writeFacts(text: string): void {
  const problem = writeOutput(STANDARD_OUTPUT, text);
  if (problem === undefined) return;
  throw new CredentialError('OUTPUT_FAILED', `Cannot write to standard output: ${problem}`, {
    hint: problem === 'ENOSPC' ? 'the disk is full: see df -h' : 'check where standard output is redirected to',
  });
}

function createStyle(hasColour: boolean): Style {
  // The stream was judged already.
  return (format, text) => (hasColour ? styleText(format, text, { validateStream: false }) : text);
}
