/** Writes a list of names that a registry sent. */

import { createQuote, listSecrets } from '../redact.ts';
import type { Runtime } from '../system/runtime.ts';
import { UsageError } from '../terminal/failure.ts';

/** Without a limit, `catalog.ts` ends a list by itself. */
export const NO_LIMIT = Number.MAX_SAFE_INTEGER;

/** Parses the value of `--limit`. @throws UsageError */
export function readLimit(text: string | undefined): number {
  if (text === undefined) return NO_LIMIT;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new UsageError('The value of --limit is not a number', { hint: 'write it as --limit 100' });
}

/**
 * Makes names safe to show. A valid name of a repository or tag is kept as it is, even if it is as long as a token.
 */
export function cleanNames(runtime: Runtime, names: readonly string[]): readonly string[] {
  const quote = createQuote(runtime);
  const secrets = listSecrets(runtime);
  const isClean = (name: string) =>
    name.length <= 255 &&
    /^[\w./-]+$/.test(name) &&
    !name.startsWith('eyJ') &&
    !secrets.some((one) => name.includes(one));
  return names.map((name) => (isClean(name) ? name : quote(name)));
}
