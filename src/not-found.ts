/** How it is told that nothing is set up to sign in with: what helps, and what was looked at. */

import type { SkippedSource } from './identity/chain.ts';
import { createRedactor, quoteForeignText } from './redact.ts';
import type { Machine } from './system/runtime.ts';

/** @returns the text for stderr: one line of help, then one for each source in the order of looking. */
export function tellNotFound(machine: Machine, hint: string, passedOver: readonly SkippedSource[]): string {
  const redact = createRedactor(machine);
  const lines = passedOver.map(({ source, reason }) => `  ${source}: ${quoteForeignText(redact(reason))}`);
  return `${[`docker-credential-acr: hint: ${redact(hint)}`, ...lines].join('\n')}\n`;
}
