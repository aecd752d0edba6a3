/** Judges whether a regular expression takes more than linear time on some text. */

import { check } from 'recheck';

/** With limits in milliseconds, a pattern would seem slow on a busy machine. Those in steps hold as they are. */
const OPTIONS = { timeout: 60_000, attackTimeout: null, incubationTimeout: null, randomSeed: 1 } as const;

/**
 * Judges a regular expression.
 * @returns `undefined` when its time is linear; else how slow it is, with a text that shows it.
 */
export async function judgePattern(source: string, flags: string): Promise<string | undefined> {
  const verdict = await check(source, flags, OPTIONS);
  if (verdict.status === 'safe') return undefined;
  if (verdict.status === 'vulnerable') return `${verdict.complexity.summary}, such as for ${verdict.attack.pattern}`;
  return `it cannot be judged (${verdict.error.kind})`;
}
