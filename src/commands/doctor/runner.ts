/** Runs the checks side by side, each with a deadline, and hands over what they find in a fixed order. */

import { describeFailure } from '../../report.ts';
import { readClockMs } from '../../system/clock.ts';
import type { Runtime } from '../../system/runtime.ts';
import type { Check, CheckResult } from './check.ts';

/** What a check found, once it is done. */
export interface RunningCheck<Context> {
  readonly check: Check<Context>;
  /** Never rejects, and is done at the deadline. */
  readonly results: Promise<readonly CheckResult[]>;
}

/**
 * Starts every check at once. None waits for another, except for the steps of the visit that it needs.
 * @param deadlineMs when each must be done, on the clock of `readClockMs`.
 * @returns the checks in the order in which they were given.
 */
export function startChecks<Context extends { readonly runtime: Runtime }>(
  checks: readonly Check<Context>[],
  context: Context,
  deadlineMs: number,
): readonly RunningCheck<Context>[] {
  return checks.map((check) => ({ check, results: runCheck(check, context, deadlineMs) }));
}

async function runCheck<Context extends { readonly runtime: Runtime }>(
  check: Check<Context>,
  context: Context,
  deadlineMs: number,
): Promise<readonly CheckResult[]> {
  const startedMs = readClockMs();
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), Math.max(0, deadlineMs - startedMs));
  });
  try {
    const findings = await Promise.race([check.run(context), timeout]);
    if (findings !== undefined) return findings.map((finding) => ({ check: check.name, ...finding }));
    const seconds = Math.round((readClockMs() - startedMs) / 1000);
    const what = `not done after ${seconds} s: something on the way does not answer`;
    return [{ check: check.name, status: 'problem', what, fix: `see DOCKER_CREDENTIAL_ACR_LOG=stderr` }];
  } catch (failure) {
    const { error, causes, hint } = describeFailure(context.runtime, failure);
    return [{ check: check.name, status: 'problem', what: error, causes, fix: hint }];
  } finally {
    clearTimeout(timer);
  }
}
