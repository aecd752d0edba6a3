/** Formats a failure for the kubelet's log: one line, which says what to do. */

import { describeFailure } from '../report.ts';
import type { Runtime } from '../system/runtime.ts';

/** Longer lines are cut by what collects the log of a node. The hint is never cut. */
const MAX_STORY_LENGTH = 1500;

/** Formats a failure as one line without secrets. */
export function formatProviderFailure(runtime: Runtime, failure: unknown): string {
  const { error, causes, hint } = describeFailure(runtime, failure);
  const story = causes.length === 0 ? error : `${error} (${causes.join('; ')})`;
  const shown = story.length > MAX_STORY_LENGTH ? `${story.slice(0, MAX_STORY_LENGTH)}…` : story;
  return `docker-credential-acr: error: ${shown}${hint === undefined ? '' : `; hint: ${hint}`}\n`;
}
