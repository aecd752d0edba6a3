/** How a failure is told: one line for the client, and the story for the person. */

import { CredentialError, describeCause } from './errors.ts';
import { createRedactor, quoteForeignText } from './redact.ts';
import type { Machine } from './system/runtime.ts';

export interface ToldFailure {
  readonly stdout: string;
  readonly stderr: string;
}

const LONGEST_LINE = 1000;

/**
 * Clients quote stdout between backticks, old ones show only stderr, some only stdout: so each tells what is the case
 * and what helps.
 */
export function tellFailure(machine: Machine, failure: unknown): ToldFailure {
  const redact = createRedactor(machine);
  const line = (text: string) => quoteForeignText(redact(text), LONGEST_LINE).replaceAll('`', "'");
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
