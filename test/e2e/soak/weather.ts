/** What goes wrong in the cloud while the helpers ask it. */
import type { Fault } from '../../emulator/faults.ts';
import { registryOf } from '../../emulator/state.ts';
import type { Cloud } from '../world/cloud.ts';
import { CALM_SERVER, SCOPED_SERVER, STEADY_SERVER } from './actors.ts';
import type { Random } from './random.ts';

export interface Weather {
  /** Changes something: a fault comes or goes, or tokens live longer or shorter from now on. */
  readonly change: () => void;
  /** Ends all faults. */
  readonly clear: () => void;
  /** How many answers with a token were damaged on their way at most. */
  readonly damaged: () => number;
}

const ENTRA_HOST = 'login.microsoftonline.com';

const MAX_FAULTS = 3;
/**
 * A token with less than 300 seconds is replaced at every use. One with a little more is cached for a moment, and renewed
 * in the background in the last third of that.
 */
const TOKEN_SECONDS: Readonly<Record<string, readonly number[]>> = {
  [STEADY_SERVER]: [306, 312, 318],
  'bravo.azurecr.io': [2, 5, 3600],
  [SCOPED_SERVER]: [2, 303, 309, 315, 3600],
};
const ENTRA_SECONDS = [2, 5, 301, 305, 3599];

const HOSTS = [ENTRA_HOST, ENTRA_HOST, ...Object.keys(TOKEN_SECONDS), CALM_SERVER];

/** Every kind of fault, as often as it makes sense. */
const FAULTS: readonly ((random: Random) => Omit<Fault, 'host' | 'times'>)[] = [
  (random) => ({ status: 429, headers: { 'Retry-After': random.pick(['0', '1', '60', '-1', 'soon']) }, body: '{}' }),
  () => ({ status: 500, body: 'oops' }),
  () => ({ status: 503, body: '<html>' }),
  () => ({ status: 401, body: '' }),
  () => ({ status: 403, body: '{"errors":[{"code":"DENIED","message":"client with IP \'10.0.0.1\'"}]}' }),
  () => ({ reset: true }),
  () => ({ at: 'connect', reset: true }),
  () => ({ at: 'connect', status: 502 }),
  (random) => ({ delayMs: random.between(50, 2_500) }),
  (random) => ({ at: 'connect', delayMs: random.between(50, 1_500) }),
  (random) => ({ truncate: random.between(0, 400) }),
  () => ({ redirectTo: 'https://evil.example.com/' }),
  () => ({ echo: true }),
  (random) => ({
    status: 200,
    body: random.pick(['', '{}', 'null', '<html>', '{"refresh_token":7}', '{"access_token":""}']),
  }),
];

/** Makes weather for a cloud, beginning with a clear sky. */
export function makeWeather({ emulator }: Cloud, random: Random): Weather {
  const faults: (() => void)[] = [];
  let damaged = 0;
  const addFault = () => {
    const times = random.between(1, 4);
    const fault = { host: random.pick(HOSTS), times, ...random.pick(FAULTS)(random) };
    // The emulator counts these as answered.
    if (fault.truncate !== undefined || fault.status === 200) damaged += times;
    faults.push(emulator.inject(fault));
  };
  const chooseLives = () => {
    for (const [server, seconds] of Object.entries(TOKEN_SECONDS)) {
      const registry = registryOf(emulator.state, server);
      registry.refreshTokenSeconds = random.pick(seconds);
      registry.accessTokenSeconds = random.pick(seconds);
    }
    emulator.state.entraTokenSeconds = random.pick(ENTRA_SECONDS);
  };
  chooseLives();
  const endFault = () => faults.shift()?.();
  return {
    change: () => {
      if (random.chance(0.5)) chooseLives();
      if (faults.length >= MAX_FAULTS || random.chance(0.4)) endFault();
      else addFault();
    },
    clear: () => {
      for (const end of faults.splice(0)) end();
    },
    damaged: () => damaged,
  };
}
