/** The plot of the README: what it shows of the bench's rows. */
import { describe, expect, test } from 'vitest';
import { canPlot, drawPlot, type PlotRow } from '../../../scripts/bench/plot.ts';

const row = (goal: number, what: string, ours: number, against: number): PlotRow => ({
  goal,
  what,
  ours: { median: ours },
  against: { median: against },
});

const ROWS = [
  row(1, 'hot get ÷ empty program', 20, 22),
  row(3, 'cold get, 25 ms a round trip ÷ docker-credential-acr-env', 150, 175.4),
  row(3, 'cold get, 80 ms a round trip ÷ docker-credential-acr-env', 375, 507),
  row(10, 'az acr login --expose-token, signed in ÷ hot get', 800, 20),
];

describe('the plot', () => {
  test('labels each bar with its time on the network of 25 ms', () => {
    const labels = [...drawPlot(ROWS).matchAll(/>([\d.]+ ms)<\/text>/g)].map(([, label]) => label);
    expect(labels).toEqual(['20 ms', '150 ms', '175 ms', '800 ms']);
  });

  test('draws bars on one linear scale from zero', () => {
    const widths = [...drawPlot(ROWS).matchAll(/width="([\d.]+)" height="20"/g)].map(([, width]) => Number(width));
    const [hot = 0, cold = 0, peer = 0, cli = 0] = widths;
    expect(widths).toHaveLength(4);
    for (const [width, ms] of [
      [hot, 20],
      [cold, 150],
      [peer, 175.4],
    ] as const) {
      expect(width / cli).toBeCloseTo(ms / 800, 2);
    }
  });

  test('tells its numbers to those who cannot see it', () => {
    expect(drawPlot(ROWS)).toMatch(/<desc id="description">[^<]*docker-credential-acr-env[^<]*: 175 ms\n[^<]*800 ms</);
  });

  test.each([1, 3, 10])('is not drawn without goal %i', (goal) => {
    const rows = ROWS.filter((one) => one.goal !== goal);
    expect(canPlot(ROWS)).toBe(true);
    expect(canPlot(rows)).toBe(false);
    expect(() => drawPlot(rows)).toThrow(`the bench has not measured goal ${goal}`);
  });
});
