/**
 * `node scripts/bench/plot.ts` draws `docs/speed.svg` from the results of the bench in `dist/bench.json`: how long a
 * client waits for this program and for the alternatives.
 */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { COLORS, formatPicture, formatText, round, SANS_SERIF } from '../docs/svg.ts';
import type { Row } from './row.ts';

/** The columns of a row that the plot needs. */
export type PlotRow = Pick<Row, 'goal' | 'what'> & {
  readonly ours: Pick<Row['ours'], 'median'>;
  readonly against: Pick<Row['against'], 'median'>;
};

interface Bar {
  readonly who: string;
  readonly what: string;
  readonly ms: number;
  readonly isOurs: boolean;
}

const ROOT = join(import.meta.dirname, '../..');
const RESULT_FILE = join(ROOT, 'dist', 'bench.json');
const PLOT_FILE = join(ROOT, 'docs', 'speed.svg');
/** The round trip of the network in the plot; `world.ts` uses it in the name of the cold run. */
const NETWORK = '25 ms a round trip';

/** The goals of the bench that measure the four times. */
const PLOTTED_GOALS: readonly number[] = [1, 3, 10];

const WIDTH = 830;
const MARGIN = 24;
const BARS_TOP = 84;
const ROW_HEIGHT = 48;
const BAR_HEIGHT = 20;
const LABEL_WIDTH = 250;
/** The space for the number behind the longest bar. */
const NUMBER_WIDTH = 78;

/** @throws an error that names the goal without a measurement. */
export function drawPlot(rows: readonly PlotRow[]): string {
  const bars = readBars(rows);
  const longest = Math.max(...bars.map(({ ms }) => ms));
  const left = MARGIN + LABEL_WIDTH;
  const scale = (WIDTH - left - MARGIN - NUMBER_WIDTH) / longest;
  const height = BARS_TOP + bars.length * ROW_HEIGHT + MARGIN / 2;
  const elements = bars.flatMap(({ who, what, ms, isOurs }, index) => {
    const middle = BARS_TOP + index * ROW_HEIGHT + ROW_HEIGHT / 2;
    const width = Math.max(2, round(ms * scale));
    return [
      formatText(left - 14, middle - 3, who, { anchor: 'end', bold: isOurs }),
      formatText(left - 14, middle + 14, what, { anchor: 'end', color: 'muted', fontSize: 12 }),
      `<rect x="${left}" y="${middle - BAR_HEIGHT / 2}" width="${width}" height="${BAR_HEIGHT}" rx="3" fill="${COLORS[isOurs ? 'good' : 'bar']}"/>`,
      formatText(left + width + 10, middle + 5, formatMs(ms), { bold: true }),
    ];
  });
  const axis = `<line x1="${left}" y1="${BARS_TOP - 4}" x2="${left}" y2="${height - MARGIN / 2 + 4}" stroke="${COLORS.border}"/>`;
  return formatPicture({
    width: WIDTH,
    height,
    title: 'How long one answer takes',
    description: bars.map(({ who, what, ms }) => `${who}, ${what}: ${formatMs(ms)}`).join('\n'),
    fontFamily: SANS_SERIF,
    fontSize: 14,
    elements: [
      formatText(MARGIN, 34, 'How long a client waits for one answer', { bold: true, fontSize: 17 }),
      formatText(MARGIN, 57, `Median on a network with ${NETWORK}; shorter is better`, {
        color: 'muted',
        fontSize: 13,
      }),
      axis,
      ...elements,
    ],
  });
}

function readBars(rows: readonly PlotRow[]): readonly Bar[] {
  const find = (goal: number, text = '') => {
    const row = rows.find((one) => one.goal === goal && one.what.includes(text));
    if (row === undefined) throw new Error(`the bench has not measured goal ${goal}`);
    return row;
  };
  const hot = find(1).ours.median;
  const cold = find(3, NETWORK);
  const cli = find(10).ours.median;
  const [ours, peer] = ['docker-credential-acr', 'docker-credential-acr-env'];
  return [
    { who: ours, what: 'hot: the token is in the cache', ms: hot, isOurs: true },
    { who: ours, what: 'cold: the cache is empty, it signs in', ms: cold.ours.median, isOurs: true },
    { who: peer, what: 'has no cache, signs in each time', ms: cold.against.median, isOurs: false },
    { who: 'az acr login --expose-token', what: 'by hand, every 3 hours', ms: cli, isOurs: false },
  ];
}

function formatMs(ms: number): string {
  return `${ms < 100 ? round(Math.round(ms * 10) / 10) : Math.round(ms)} ms`;
}

/** Whether the bench has measured everything that the plot shows. */
export function canPlot(rows: readonly PlotRow[]): boolean {
  return PLOTTED_GOALS.every((goal) => rows.some((row) => row.goal === goal));
}

/** @returns the file that the plot was written to. */
export function writePlot(rows: readonly PlotRow[]): string {
  const plot = drawPlot(rows);
  mkdirSync(join(ROOT, 'docs'), { recursive: true });
  writeFileSync(PLOT_FILE, plot);
  return PLOT_FILE;
}

if (import.meta.main) {
  const result: { readonly rows: readonly PlotRow[] } = JSON.parse(readFileSync(RESULT_FILE, 'utf8'));
  process.stdout.write(`${writePlot(result.rows)}\n`);
}
