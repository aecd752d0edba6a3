/** How a failure is told: one line for the client, and the story for the person. */

import { CredentialError, describeCause } from './errors.ts';
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
