/** How the benchmark sums up and judges its samples. */
import { describe, expect, it } from 'vitest';
import { compareMedians, isTooNoisy, judgeGoal, summarize } from '../../../scripts/bench/statistics.ts';

describe('summarize', () => {
  it('returns the median and the outer tenths, whatever the order', () => {
    expect(summarize([3, 1, 2])).toMatchObject({ median: 2 });
    expect(summarize([4, 1, 3, 2])).toMatchObject({ median: 2.5 });
    expect(summarize(Array.from({ length: 11 }, (_, index) => index))).toEqual({ median: 5, p10: 1, p90: 9 });
  });
});

describe('the ratio of two medians', () => {
  it('is certain when no sample varies', () => {
    expect(compareMedians([2, 2, 2], [1, 1, 1])).toEqual({ value: 2, low: 2, high: 2 });
  });

  it('is too noisy when slow moments hit the two separately', () => {
    const ours = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? 1 : 3));
    const theirs = Array.from({ length: 20 }, (_, index) => (index % 3 === 0 ? 1 : 3));
    expect(isTooNoisy(compareMedians(ours, theirs))).toBe(true);
  });

  it('is not too noisy when slow moments hit both', () => {
    const theirs = Array.from({ length: 40 }, (_, index) => 10 + (index % 5) * 0.1);
    const ours = theirs.map((sample) => sample * 1.5);
    const ratio = compareMedians(ours, theirs);
    expect(isTooNoisy(ratio)).toBe(false);
    expect(ratio.value).toBeCloseTo(1.5);
  });

  it('is too noisy without samples', () => {
    expect(isTooNoisy(compareMedians([], []))).toBe(true);
  });
});

describe('judgeGoal', () => {
  it.each([
    [{ value: 1, low: 0.9, high: 1.05 }, 1.1, 'met'],
    [{ value: 1, low: 0.9, high: 1.15 }, 1.1, 'met, but not for certain'],
    [{ value: 1.2, low: 1.05, high: 1.25 }, 1.1, 'missed, but not for certain'],
    [{ value: 1.2, low: 1.15, high: 1.25 }, 1.1, 'missed'],
    [{ value: 1.2, low: 1.15, high: 1.25 }, undefined, 'reported'],
  ])('judges %j against a goal of %s as %s', (ratio, goal, verdict) => {
    expect(judgeGoal(ratio, goal)).toBe(verdict);
  });
});
