/** Judges whether a regular expression takes more than linear time on some text. */

import { check } from 'recheck';

/** Longer than any pattern here needs; one that is still not judged then is reported. */
const TIMEOUT_MS = 10_000;

/**
 * Judges a regular expression.
 * @returns `undefined` when its time is linear; else how slow it is, with a text that shows it.
 */
export async function judgePattern(source: string, flags: string): Promise<string | undefined> {
  const verdict = await check(source, flags, { timeout: TIMEOUT_MS, randomSeed: 1 });
  if (verdict.status === 'safe') return undefined;
  if (verdict.status === 'vulnerable') return `${verdict.complexity.summary}, such as for ${verdict.attack.pattern}`;
  return `it cannot be judged (${verdict.error.kind})`;
}
