/**
 * Formats what people read when there is no credential: one line for the client on stdout, and the details on stderr.
 */

import { CredentialError, describeCause } from './errors.ts';
import type { SkippedSource } from './identity/chain.ts';
import { createQuote } from './redact.ts';
import type { Runtime } from './system/runtime.ts';

/** A failure as the text of both streams. */
export interface FormattedFailure {
  readonly stdout: string;
  readonly stderr: string;
}

const MAX_LINE_LENGTH = 1000;

/** The parts of a failure, each as one line without secrets. */
export interface FailureLines {
  readonly error: string;
  readonly causes: readonly string[];
  readonly hint: string | undefined;
}

/** Makes lines of a failure, for a person at a terminal. */
export function describeFailure(runtime: Runtime, failure: unknown): FailureLines {
  const quote = createQuote(runtime);
  const line = (text: string) => quote(text, MAX_LINE_LENGTH);
  if (!(failure instanceof CredentialError)) {
    return { error: line(`Cannot answer: internal error: ${describeCause(failure)}`), causes: [], hint: undefined };
  }
  const { message, causes, hint } = failure;
  return { error: line(message), causes: causes.map(line), hint: hint === undefined ? undefined : line(hint) };
}

/**
 * Formats a failure for clients. Some show only stdout and some only stderr, so both contain the error and the hint.
 * Clients quote stdout between backticks, so backticks in it are replaced.
 */
export function formatFailure(runtime: Runtime, failure: unknown): FormattedFailure {
  const quote = createQuote(runtime);
  const unquoted = (text: string) => text.replaceAll('`', "'");
  const { error, causes, hint } = describeFailure(runtime, failure);
  const story = [`docker-credential-acr: error: ${error}`, ...causes.map((cause) => `cause: ${cause}`)];
  if (hint !== undefined) story.push(`hint: ${hint}`);
  const remedy = failure instanceof CredentialError && failure.hint !== undefined ? `; hint: ${failure.hint}` : '';
  const said = failure instanceof CredentialError ? quote(`${failure.message}${remedy}`, MAX_LINE_LENGTH) : error;
  return { stdout: `${unquoted(said)}\n`, stderr: `${unquoted(story.join('\n'))}\n` };
}

/**
 * Formats the message that no identity is set up.
 * @returns the text for stderr: the hint, then one line for each source in the order of the search.
 */
export function formatNotFound(runtime: Runtime, hint: string, skipped: readonly SkippedSource[]): string {
  const quote = createQuote(runtime);
  const lines = skipped.map(({ source, reason }) => `  ${source}: ${quote(reason)}`);
  return `${[`docker-credential-acr: hint: ${quote(hint, MAX_LINE_LENGTH)}`, ...lines].join('\n')}\n`;
}
