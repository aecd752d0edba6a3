/** Finds the sign-in command that `az` or `azd` suggests in its messages, which may quote a stranger's text. */

/** A command that may be suggested. */
export interface CommandForm {
  /** What it starts with, such as `az login`. */
  readonly starts: readonly string[];
  /** The options that may follow, each with one value. */
  readonly options: readonly string[];
}

/** Longer lines are no commands. */
const MAX_LENGTH = 500;
/** A tenant or a scope, in quotes or not. It means itself in every shell. */
const VALUE = /^("?)[A-Za-z0-9](?:[\w.:/-]*[\w/])?\1$/;

/**
 * Checks that a text is a command of this form and nothing else.
 * @returns the text; `undefined` when it is anything else.
 */
export function parseSuggestion(text: string, { starts, options }: CommandForm): string | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  const start = starts.find((one) => text === one || text.startsWith(`${one} `));
  if (start === undefined) return undefined;
  const words = text.slice(start.length).split(/[ =]/).slice(1);
  const isOption = (word: string, index: number) => (index % 2 === 0 ? options.includes(word) : VALUE.test(word));
  return words.length % 2 === 0 && words.every(isOption) ? text : undefined;
}

/**
 * Finds a command of this form in a sentence.
 * @returns the command with the options that fit; `undefined` when there is none.
 */
export function findSuggestion(text: string, form: CommandForm): string | undefined {
  const [position] = form.starts.map((start) => text.indexOf(start)).filter((index) => index >= 0);
  if (position === undefined) return undefined;
  const words =
    text
      .slice(position, position + MAX_LENGTH)
      .split(/[`'\r\n]/, 1)[0]
      ?.split(' ') ?? [];
  for (let count = words.length; count > 0; count -= 1) {
    const found = parseSuggestion(trimEnd(words.slice(0, count).join(' ')), form);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Removes the punctuation of the sentence. */
function trimEnd(text: string): string {
  let end = text.length;
  while (end > 0 && '.,;:)'.includes(text[end - 1] ?? ' ')) end -= 1;
  return text.slice(0, end);
}
