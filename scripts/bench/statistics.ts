/** Medians, and the confidence of a ratio of two medians on a machine that is not quiet. */

export interface Summary {
  readonly median: number;
  readonly p10: number;
  readonly p90: number;
}

export interface Ratio {
  readonly value: number;
  /** The ends of the 95 % confidence interval of the ratio. */
  readonly low: number;
  readonly high: number;
}

const RESAMPLES = 2_000;
/** An interval wider than this fraction of the ratio is not conclusive. */
const WIDEST_INTERVAL = 0.2;

export function summarize(samples: readonly number[]): Summary {
  const sorted = samples.toSorted((a, b) => a - b);
  return { median: quantile(sorted, 0.5), p10: quantile(sorted, 0.1), p90: quantile(sorted, 0.9) };
}

/**
 * The ratio of the medians of two subjects that were measured round by round. The interval comes from resampling the
 * rounds (a bootstrap), with both subjects together, since a slow moment slows both.
 */
export function compareMedians(ours: readonly number[], theirs: readonly number[]): Ratio {
  const rounds = Math.min(ours.length, theirs.length);
  const ratios = Array.from({ length: RESAMPLES }, () => {
    const drawn = Array.from({ length: rounds }, () => Math.floor(Math.random() * rounds));
    return medianOf(ours, drawn) / medianOf(theirs, drawn);
  }).sort((a, b) => a - b);
  return {
    value: summarize(ours).median / summarize(theirs).median,
    low: quantile(ratios, 0.025),
    high: quantile(ratios, 0.975),
  };
}

export type Verdict = 'met' | 'missed' | 'met, but not for certain' | 'missed, but not for certain' | 'reported';

/** Whether a ratio meets its goal. The verdict is certain when the whole interval is on one side of the goal. */
export function judgeGoal({ value, low, high }: Ratio, goal: number | undefined): Verdict {
  if (goal === undefined) return 'reported';
  if (value <= goal) return high <= goal ? 'met' : 'met, but not for certain';
  return low > goal ? 'missed' : 'missed, but not for certain';
}

/** @returns whether the ratio is too uncertain to be reported. */
export function isTooNoisy({ value, low, high }: Ratio): boolean {
  return !((high - low) / value <= WIDEST_INTERVAL);
}

function medianOf(samples: readonly number[], rounds: readonly number[]): number {
  const drawn = rounds.map((round) => samples[round] ?? Number.NaN);
  return quantile(
    drawn.sort((a, b) => a - b),
    0.5,
  );
}

function quantile(sorted: readonly number[], part: number): number {
  const position = (sorted.length - 1) * part;
  const below = sorted[Math.floor(position)] ?? Number.NaN;
  const above = sorted[Math.ceil(position)] ?? Number.NaN;
  return below + (above - below) * (position % 1);
}
