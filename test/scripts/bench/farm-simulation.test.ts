/** The arithmetic of the simulated farm. */
import { describe, expect, it } from 'vitest';
import {
  createRandom,
  type Farm,
  type Helper,
  schedulePulls,
  simulateFarm,
  TokenBucket,
} from '../../../scripts/bench/farm-simulation.ts';

const farm: Farm = {
  nodes: 50,
  hours: 6,
  jobMinutes: 10,
  pullsPerJob: 2,
  rushSeconds: 60,
  limitPerMinute: 1_000,
  seed: 1,
};
const uncached: Helper = {
  name: 'uncached',
  entraPerSignIn: 2,
  tokenHours: 0,
  renewalPart: [1, 1],
  isShared: false,
};
const cached: Helper = { ...uncached, name: 'cached', entraPerSignIn: 1, tokenHours: 3, renewalPart: [1, 1] };

describe('a farm', () => {
  it('is the same for the same seed, and pulls at other times for another', () => {
    expect(simulateFarm(farm, cached)).toEqual(simulateFarm(farm, cached));
    expect(schedulePulls({ ...farm, seed: 2 })).not.toEqual(schedulePulls(farm));
  });

  it('schedules as many pulls as its jobs need, in chronological order', () => {
    const pulls = schedulePulls(farm);
    // Every node: 36 jobs at random and 6 on the hour, of 2 pulls each.
    expect(pulls.length / farm.nodes).toBeGreaterThan(76);
    expect(pulls.length / farm.nodes).toBeLessThan(92);
    expect(pulls.every(({ second }, index) => index === 0 || second >= (pulls[index - 1]?.second ?? 0))).toBe(true);
    expect(pulls.every(({ second }) => second < farm.hours * 3600)).toBe(true);
  });

  it('without a cache signs in for every pull', () => {
    const { pulls, entra, registry, refusedPart } = simulateFarm(farm, uncached);
    expect(entra.perHour).toBeCloseTo((pulls * 2) / farm.hours);
    expect(registry.perHour).toBeCloseTo((pulls * 2) / farm.hours);
    expect(refusedPart).toBe(0);
  });

  it('with a cache signs in once per node and token life', () => {
    const { pulls, entra, registry } = simulateFarm(farm, cached);
    expect(entra).toMatchObject({ perHour: (farm.nodes * 2) / farm.hours, worstMinuteAtFirst: farm.nodes });
    expect(registry.perHour).toBeCloseTo((pulls + farm.nodes * 2) / farm.hours);
  });

  it('with a shared cache signs in once per token life', () => {
    expect(simulateFarm(farm, { ...cached, isShared: true }).entra.perHour).toBeCloseTo(2 / farm.hours);
  });

  it('that spreads its renewals has less than half the requests in its worst minute', () => {
    const rush: Farm = { ...farm, nodes: 200 };
    const together = simulateFarm(rush, { ...cached, renewalPart: [0.99, 0.99] });
    const spread = simulateFarm(rush, { ...cached, renewalPart: [2 / 3, 0.97] });
    expect(spread.entra.worstMinuteLater).toBeLessThan(together.entra.worstMinuteLater / 2);
  });

  it('beyond the rate limit is refused, and sends fewer requests to the registry', () => {
    const narrow = simulateFarm({ ...farm, limitPerMinute: 10 }, uncached);
    const wide = simulateFarm(farm, uncached);
    expect(narrow.refusedPart).toBeGreaterThan(0);
    expect(narrow.registry.perHour).toBeLessThan(wide.registry.perHour);
  });
});

describe('a token bucket', () => {
  it('allows a minute of operations at once, and then as many as it has been refilled with', () => {
    const bucket = new TokenBucket(60);
    const takeMany = (second: number) => Array.from({ length: 100 }, () => bucket.take(second)).filter(Boolean).length;
    expect(takeMany(0)).toBe(60);
    expect(takeMany(0.5)).toBe(0);
    expect(takeMany(10.5)).toBe(10);
    expect(takeMany(3_600)).toBe(60);
  });
});

describe('random numbers', () => {
  it('lie between 0 and 1 with a mean of about 0.5', () => {
    const draw = createRandom(7);
    const numbers = Array.from({ length: 10_000 }, draw);
    expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...numbers)).toBeLessThan(1);
    expect(numbers.reduce((sum, number) => sum + number, 0) / numbers.length).toBeCloseTo(0.5, 1);
  });
});
