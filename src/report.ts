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

/**
 * Formats a failure. Some clients show only stdout and some only stderr, so both contain the error and the hint.
 * Clients quote stdout between backticks, so backticks in it are replaced.
 */
export function formatFailure(runtime: Runtime, failure: unknown): FormattedFailure {
  const quote = createQuote(runtime);
  const line = (text: string) => quote(text, MAX_LINE_LENGTH).replaceAll('`', "'");
  if (!(failure instanceof CredentialError)) {
    const text = line(`Cannot answer: internal error: ${describeCause(failure)}`);
    return { stdout: `${text}\n`, stderr: `docker-credential-acr: error: ${text}\n` };
  }
  const { message, causes, hint } = failure;
  const story = [`docker-credential-acr: error: ${line(message)}`, ...causes.map((cause) => `cause: ${line(cause)}`)];
  if (hint !== undefined) story.push(`hint: ${line(hint)}`);
  const remedy = hint === undefined ? '' : `; hint: ${hint}`;
  return { stdout: `${line(`${message}${remedy}`)}\n`, stderr: `${story.join('\n')}\n` };
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
