/** Formats a failure for the kubelet's log: one line, which says what to do. */

import { describeFailure } from '../report.ts';
import type { Runtime } from '../system/runtime.ts';

const MAX_LENGTH = 2000;

/** Formats a failure as one line without secrets. */
export function formatProviderFailure(runtime: Runtime, failure: unknown): string {
  const { error, causes, hint } = describeFailure(runtime, failure);
  const remedy = hint === undefined ? '' : `; hint: ${hint}`;
  const story = causes.length === 0 ? error : `${error} (${causes.join('; ')})`;
  return `docker-credential-acr: error: ${story.slice(0, MAX_LENGTH - remedy.length)}${remedy}\n`;
}
