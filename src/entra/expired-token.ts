/** The error for a service that returns a token which has already expired: usually a clock is wrong. */

import { CredentialError } from '../errors.ts';

/**
 * Explains that a token has expired already.
 * @param who the service that returned it.
 * @param clock whose clock says so: "this machine's clock".
 * @returns an ANSWER_INVALID error.
 */
export function explainExpiredToken(
  who: string,
  expiresAtSeconds: number,
  nowSeconds: number,
  clock = "this machine's clock",
): CredentialError {
  return new CredentialError('ANSWER_INVALID', `${who} returned a token that has already expired`, {
    causes: [`it expired at ${formatTime(expiresAtSeconds)}, and ${clock} says ${formatTime(nowSeconds)}`],
    hint: "check this machine's clock: date -u",
  });
}

function formatTime(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? 'an invalid time' : date.toISOString();
}
