/** What people read when there is no credential: one line for the client, and the story on stderr. */

import { CredentialError, describeCause } from './errors.ts';
import type { SkippedSource } from './identity/chain.ts';
import { createRedactor, quoteForeignText } from './redact.ts';
import type { Runtime } from './system/runtime.ts';

export interface FormattedFailure {
  readonly stdout: string;
  readonly stderr: string;
}

const MAX_LINE = 1000;

/**
 * Clients quote stdout between backticks, old ones show only stderr, some only stdout: so each tells what is the case
 * and what helps.
 */
export function formatFailure(runtime: Runtime, failure: unknown): FormattedFailure {
  const redact = createRedactor(runtime);
  const line = (text: string) => quoteForeignText(redact(text), MAX_LINE).replaceAll('`', "'");
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
 * That nothing is set up to sign in with.
 * @returns the text for stderr: one line of help, then one for each source in the order of looking.
 */
export function formatNotFound(runtime: Runtime, hint: string, skipped: readonly SkippedSource[]): string {
  const redact = createRedactor(runtime);
  const lines = skipped.map(({ source, reason }) => `  ${source}: ${quoteForeignText(redact(reason))}`);
  return `${[`docker-credential-acr: hint: ${redact(hint)}`, ...lines].join('\n')}\n`;
}
