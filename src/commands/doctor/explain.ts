/** Makes findings of failures, with the explanations that `get` gives. */

import { CredentialError, describeCause } from '../../errors.ts';
import type { Finding, Status } from './check.ts';
import { findHealthCode, type HealthCode } from './health-code.ts';

/** How a failure is told. */
export interface Telling {
  readonly status?: Status;
  /** Stands before the message, such as "azure-cli". */
  readonly about?: string | undefined;
  /** The code of the step, if the failure has none of its own. */
  readonly code?: HealthCode | undefined;
  /** What mends it, if the failure does not say so. */
  readonly fix?: string | undefined;
}

/** Makes a finding of a failure: its message, its hint, and what others said about it. */
export function explain(failure: unknown, { status = 'problem', about, code, fix }: Telling = {}): Finding {
  const start = about === undefined ? '' : `${about}: `;
  if (!(failure instanceof CredentialError)) {
    return { status, what: `${start}${describeCause(failure)}`, fix, code };
  }
  const { message, hint, causes } = failure;
  return {
    status,
    what: `${start}${message.replace(/^Cannot /, 'cannot ')}`,
    fix: hint ?? fix,
    causes,
    code: findHealthCode(failure, code),
    details: { failure: failure.code },
  };
}

/** Formats how long something is away: "in 2 h 50 min", "12 min ago". */
export function formatWhen(seconds: number, nowSeconds: number): string {
  const minutes = Math.round(Math.abs(seconds - nowSeconds) / 60);
  const hours = Math.floor(minutes / 60);
  const parts = [
    ...(hours > 0 ? [`${hours} h`] : []),
    ...(hours === 0 || minutes % 60 > 0 ? [`${minutes % 60} min`] : []),
  ];
  return seconds >= nowSeconds ? `in ${parts.join(' ')}` : `${parts.join(' ')} ago`;
}
