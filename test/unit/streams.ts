/** The streams that a test gives the program: an input, and a terminal that nobody watches. */
import type { Streams } from '../../src/cli.ts';
import type { Terminal } from '../../src/terminal/terminal.ts';

/** What a command wrote. */
export interface Written {
  output: string;
  errors: string;
}

/** A terminal that keeps what is written. By default nobody watches it, as in a pipeline. */
export function makeTerminal(changes: Partial<Terminal> = {}): Terminal & { readonly written: Written } {
  const written: Written = { output: '', errors: '' };
  return {
    canAsk: false,
    isOutputSeen: false,
    isErrorSeen: false,
    columns: 100,
    write: (text) => {
      written.output += text;
    },
    writeSecret: (text) => {
      written.output += text;
    },
    writeError: (text) => {
      written.errors += text;
    },
    promptStreams: () => ({ input: process.stdin, output: process.stderr }),
    style: (_format, text) => text,
    errorStyle: (_format, text) => text,
    written,
    ...changes,
  };
}

/** Streams with this input. */
export function makeStreams(input = '', terminal: Terminal = makeTerminal()): Streams {
  return { readInput: () => Promise.resolve(input), openTerminal: () => Promise.resolve(terminal) };
}
