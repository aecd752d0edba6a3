/**
 * `node scripts/bench/farm.ts`: the requests of 10,000 build nodes to Entra and to one registry, with and without a
 * cache.
 */

import { formatTable } from '../build/table.ts';
import {
  type Farm,
  type FarmCounts,
  type Helper,
  type PerHour,
  schedulePulls,
  simulateFarm,
} from './farm-simulation.ts';

const LIMITS = { Standard: 10_000, Premium: 20_000 } as const;

const FARM: Farm = {
  limitPerMinute: LIMITS.Standard,
  nodes: 10_000,
  hours: 12,
  jobMinutes: 10,
  pullsPerJob: 1,
  rushSeconds: 10,
  seed: 20,
};

const CACHED = { entraPerSignIn: 1, tokenHours: 3, isShared: false } as const;
/** A token is not used in its last five minutes. */
const LAST_MOMENT = 175 / 180;
const TWO_THIRDS = 2 / 3;
/** The program's own rule: each token is renewed at its own moment in the first half of the time that is left. */
const OURS: Helper['renewalPart'] = [TWO_THIRDS, (TWO_THIRDS + LAST_MOMENT) / 2];

const HELPERS: readonly Helper[] = [
  {
    name: 'no cache: Entra and an exchange a pull',
    entraPerSignIn: 1,
    tokenHours: 0,
    renewalPart: [1, 1],
    isShared: false,
  },
  { ...CACHED, name: 'cached, renewed in the last five minutes', renewalPart: [LAST_MOMENT, LAST_MOMENT] },
  { ...CACHED, name: 'cached, renewed when two thirds are over', renewalPart: [TWO_THIRDS, TWO_THIRDS] },
  { ...CACHED, name: 'this program: each token at a moment of its own', renewalPart: OURS },
  { ...CACHED, name: 'the same, spread over all of the last third', renewalPart: [TWO_THIRDS, LAST_MOMENT] },
  { ...CACHED, name: 'this program, one cache for all nodes', renewalPart: OURS, isShared: true },
];

function simulateAll(): readonly Record<string, string>[] {
  const pulls = schedulePulls(FARM);
  return HELPERS.map((helper) => {
    const standard = simulateFarm({ ...FARM, limitPerMinute: LIMITS.Standard }, helper, pulls);
    const premium = simulateFarm({ ...FARM, limitPerMinute: LIMITS.Premium }, helper, pulls);
    return formatCounts(helper.name, standard, premium);
  });
}

function formatCounts(name: string, standard: FarmCounts, premium: FarmCounts): Record<string, string> {
  return {
    helper: name,
    'Entra an hour': formatCount(premium.entra.perHour),
    'worst minute, at first / later': formatMinutes(premium.entra),
    'registry an hour': formatCount(premium.registry.perHour),
    'its worst minute, at first / later': formatMinutes(premium.registry),
    '429, Standard': formatPart(standard.refusedPart),
    '429, Premium': formatPart(premium.refusedPart),
  };
}

/** Formats the worst minutes, at first and later. */
export function formatMinutes({ worstMinuteAtFirst, worstMinuteLater }: PerHour): string {
  return `${formatCount(worstMinuteAtFirst)} / ${formatCount(worstMinuteLater)}`;
}

/** Formats a count with separators. */
export function formatCount(count: number): string {
  return Math.round(count).toLocaleString('en');
}

/** Formats a part of the whole as a percentage. */
export function formatPart(part: number): string {
  return `${(part * 100).toFixed(1)} %`;
}

if (import.meta.main) {
  const { nodes, hours, jobMinutes, pullsPerJob, rushSeconds } = FARM;
  console.log(
    `${nodes.toLocaleString('en')} nodes for ${hours} hours; a job every ${jobMinutes} minutes on average and`,
  );
  console.log(
    `one on the hour within ${rushSeconds} s; pulls a job: ${pullsPerJob}, each with the client's own token request.`,
  );
  console.log(`\n${formatTable(simulateAll())}`);
}
