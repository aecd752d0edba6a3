/** The list of the checks, in the order in which their lines are shown: the way of a pull, then this machine. */

import { CACHE } from './cache.ts';
import { CHALLENGE } from './challenge.ts';
import type { Check } from './check.ts';
import { CLIENT_CONFIGURATION } from './client-configuration.ts';
import { CLOCK } from './clock.ts';
import { CONFIGURATION } from './configuration.ts';
import { EXCHANGE } from './exchange.ts';
import { EXECUTABLE } from './executable.ts';
import { HOST } from './host.ts';
import { IDENTITIES } from './identities.ts';
import { KEYCHAIN } from './keychain.ts';
import { LOGIN } from './login.ts';
import { NETWORK } from './network.ts';
import { PERMISSIONS } from './permissions.ts';
import { TOKEN } from './token.ts';

/** Every check. */
export const CHECKS: readonly Check[] = [
  EXECUTABLE,
  CLIENT_CONFIGURATION,
  CONFIGURATION,
  HOST,
  NETWORK,
  CHALLENGE,
  IDENTITIES,
  LOGIN,
  TOKEN,
  EXCHANGE,
  PERMISSIONS,
  CLOCK,
  CACHE,
  KEYCHAIN,
];
