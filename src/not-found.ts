/** How it is told that nothing is set up to sign in with: what helps, and what was looked at. */

import type { SkippedSource } from './identity/chain.ts';
import { createRedactor, quoteForeignText } from './redact.ts';
import type { Runtime } from './system/runtime.ts';

/** @returns the text for stderr: one line of help, then one for each source in the order of looking. */
export function formatNotFound(runtime: Runtime, hint: string, skipped: readonly SkippedSource[]): string {
  const redact = createRedactor(runtime);
  const lines = skipped.map(({ source, reason }) => `  ${source}: ${quoteForeignText(redact(reason))}`);
  return `${[`docker-credential-acr: hint: ${redact(hint)}`, ...lines].join('\n')}\n`;
}
