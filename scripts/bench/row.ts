/** A row of the report: two subjects, their times, the ratio, and whether the ratio meets the goal. */

import {
  compareMedians,
  isTooNoisy,
  judgeGoal,
  type Ratio,
  type Summary,
  summarize,
  type Verdict,
} from './statistics.ts';

export interface Row {
  /** The number of the goal. */
  readonly goal: number;
  readonly what: string;
  readonly unit: 'ms' | 'MB';
  readonly ours: Summary;
  readonly against: Summary;
  readonly ratio: Ratio;
  readonly wanted?: number;
  readonly verdict: Verdict | 'too noisy';
  readonly note?: string;
}

/** A goal that could not be measured on this machine, and why. */
export interface Skipped {
  readonly goal: number;
  readonly reason: string;
}

export interface Comparison {
  readonly goal: number;
  readonly what: string;
  readonly unit: Row['unit'];
  readonly ours: readonly number[];
  readonly against: readonly number[];
  /** The largest ratio that meets the goal. */
  readonly wanted?: number;
  readonly note?: string;
}

export function makeRow({ ours, against, wanted, ...said }: Comparison): Row {
  const ratio = compareMedians(ours, against);
  return {
    ...said,
    ours: summarize(ours),
    against: summarize(against),
    ratio,
    ...(wanted === undefined ? {} : { wanted }),
    verdict: isTooNoisy(ratio) ? 'too noisy' : judgeGoal(ratio, wanted),
  };
}

/** @throws when nothing was measured under that name. */
export function samplesOf(samples: ReadonlyMap<string, readonly number[]>, name: string): readonly number[] {
  const found = samples.get(name);
  if (found === undefined) throw new Error(`${name} was not measured`);
  return found;
}

/** One row of a Markdown table. */
export function formatRow({ goal, what, unit, ours, against, ratio, wanted, verdict, note }: Row) {
  const format = ({ median, p10, p90 }: Summary) =>
    `${median.toFixed(1)} ${unit} (${p10.toFixed(1)} to ${p90.toFixed(1)})`;
  const interval = `${ratio.low.toFixed(2)} to ${ratio.high.toFixed(2)}`;
  return {
    '#': String(goal),
    what: note === undefined ? what : `${what}; ${note}`,
    'median (p10 to p90)': format(ours),
    against: format(against),
    'ratio (95 % interval)':
      verdict === 'too noisy' ? `too noisy (${interval})` : `${formatRatio(ratio)} (${interval})`,
    goal: wanted === undefined ? '' : `≤ ${wanted.toFixed(2)}`,
    verdict,
  };
}

function formatRatio({ value }: Ratio): string {
  return value.toFixed(value < 10 ? 2 : 0);
}
