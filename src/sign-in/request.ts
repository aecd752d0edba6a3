/** The request for a sign-in. */

import type { Cache } from '../cache/cache.ts';
import type { RegistrySettings } from '../config/registry-settings.ts';
import type { Identity } from '../identity/identity.ts';
import type { Log } from '../log.ts';
import type { Registry } from '../registry.ts';
import type { Runtime } from '../system/runtime.ts';

/** What a sign-in needs: the registry and its settings, and the identity to use. */
export interface SignInRequest {
  readonly runtime: Runtime;
  readonly registry: Registry;
  readonly settings: RegistrySettings;
  readonly identity: Identity;
  readonly cache: Cache | undefined;
  /** When the program must be done, on the clock of `readClockMs`. */
  readonly deadlineMs: number;
  readonly log: Log | undefined;
}
