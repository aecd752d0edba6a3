/** What a sign-in is asked for. */

import type { Cache } from '../cache/cache.ts';
import type { RegistrySettings } from '../config/registry-settings.ts';
import type { Identity } from '../identity/identity.ts';
import type { Log } from '../log.ts';
import type { Registry } from '../registry.ts';
import type { Runtime } from '../system/runtime.ts';

export interface SignInRequest {
  readonly runtime: Runtime;
  readonly registry: Registry;
  readonly settings: RegistrySettings;
  readonly identity: Identity;
  readonly cache: Cache | undefined;
  /** When everything has to be over, on the clock of `readClockMs`. */
  readonly deadlineMs: number;
  readonly log: Log | undefined;
}
