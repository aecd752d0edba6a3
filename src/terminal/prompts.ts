/** Questions to a person. They are asked on standard error, so that standard output stays what it is for. */

import type { Readable } from 'node:stream';
import { Cancelled, UsageError } from './failure.ts';
import type { Terminal } from './terminal.ts';

/** A line of a list to choose from. */
export interface Choice {
  readonly value: string;
  readonly label: string;
  /** What the person should know about it. */
  readonly hint?: string;
}

/** A question, and the option that answers it where nobody can. */
export interface Question {
  readonly message: string;
  /** Such as `--yes`. */
  readonly option: string;
  /** Whether Enter alone means no, where a yes cannot be taken back. */
  readonly isNoFirst?: boolean;
}

/**
 * Asks for a yes or a no.
 * @throws UsageError when there is nobody to ask; Cancelled when the person presses Ctrl-C, Ctrl-D or Escape.
 */
export async function confirm(terminal: Terminal, { message, option, isNoFirst = false }: Question): Promise<boolean> {
  assertCanAsk(terminal, message, option);
  const { confirm: ask } = await import('@clack/prompts');
  const streams = terminal.promptStreams();
  return takeAnswer(
    await untilEnd(streams.input, (signal) => ask({ message, initialValue: !isNoFirst, signal, ...streams })),
  );
}

/**
 * Lets the person choose from a list, which is searched by typing.
 * @returns the values of the chosen lines; at least one.
 * @throws UsageError when there is nobody to ask; Cancelled when the person presses Ctrl-C, Ctrl-D or Escape.
 */
export async function chooseSeveral(
  terminal: Terminal,
  { message, option }: Question,
  choices: readonly Choice[],
): Promise<readonly string[]> {
  assertCanAsk(terminal, message, option);
  const { autocompleteMultiselect } = await import('@clack/prompts');
  const streams = terminal.promptStreams();
  return takeAnswer(
    await untilEnd(streams.input, (signal) =>
      autocompleteMultiselect({
        message,
        options: [...choices],
        placeholder: 'type to search',
        required: true,
        maxItems: 12,
        signal,
        ...streams,
      }),
    ),
  );
}

/** Cancels a prompt when its input ends, or when Ctrl-D closes it. Otherwise the process would end as if all were done. */
async function untilEnd<T>(input: Readable, ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const ended = new AbortController();
  const cancel = () => ended.abort();
  const onKey = (_text: unknown, key: { readonly name?: string; readonly ctrl?: boolean } | undefined) => {
    // Within a text, the key erases a character, and the input goes on.
    if (key?.ctrl === true && key.name === 'd') setImmediate(() => input.isPaused() && cancel());
  };
  input.on('keypress', onKey).once('end', cancel);
  try {
    return await ask(ended.signal);
  } finally {
    input.off('keypress', onKey).off('end', cancel);
  }
}

function assertCanAsk(terminal: Terminal, message: string, option: string): void {
  if (terminal.canAsk) return;
  throw new UsageError(`Cannot ask "${message}": standard input and standard error are not a terminal`, {
    hint: `answer with ${option}`,
  });
}

/** A prompt that is cancelled returns a symbol. */
function takeAnswer<T>(answer: T): Exclude<T, symbol> {
  if (isNoSymbol(answer)) return answer;
  throw new Cancelled();
}

function isNoSymbol<T>(answer: T): answer is Exclude<T, symbol> {
  return typeof answer !== 'symbol';
}
