/** The clock: whether this machine and the registry agree on the time. */

import type { Runtime } from '../../system/runtime.ts';
import { type Check, type DoctorContext, type Finding, found } from './check.ts';

/** The header has whole seconds, and the response takes a moment. */
const WARNING_SECONDS = 60;
/** Entra tolerates five minutes; what the registry tolerates is not known. */
const PROBLEM_SECONDS = 300;

/** The check of the clock. */
export const CLOCK: Check = {
  name: 'clock',
  title: 'Comparing the clocks',
  needsRegistry: true,
  run: checkClock,
};

async function checkClock({ runtime, visit }: DoctorContext): Promise<readonly Finding[]> {
  if (visit === undefined) return [found('skipped', 'not a registry of Azure')];
  const challenge = await visit.challenge();
  const { host } = visit.registry;
  if (!('value' in challenge)) return [found('skipped', `${host} cannot be reached`)];
  const { response, receivedAtMs } = challenge.value;
  const serverMs = Date.parse(response.header('date') ?? '');
  if (Number.isNaN(serverMs)) return [found('skipped', `${host} does not say what time it is`)];
  const aheadSeconds = Math.round((receivedAtMs - serverMs) / 1000);
  const distance = Math.abs(aheadSeconds);
  const details = { aheadSeconds };
  if (distance < WARNING_SECONDS) return [found('ok', `this machine's clock agrees with that of ${host}`, { details })];
  const side = aheadSeconds > 0 ? 'ahead of' : 'behind';
  const what = `this machine's clock is ${formatSpan(distance)} ${side} that of ${host}, so tokens seem expired or not valid yet`;
  const status = distance < PROBLEM_SECONDS ? 'warning' : 'problem';
  return [found(status, what, { fix: setClock(runtime), details })];
}

function formatSpan(seconds: number): string {
  return seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}

function setClock({ platform }: Runtime): string {
  switch (platform) {
    case 'darwin':
      return 'sudo sntp -sS time.apple.com';
    case 'win32':
      return 'w32tm /resync';
    default:
      return 'timedatectl set-ntp true';
  }
}
