/** The request for a sign-in. */

import type { Cache } from '../cache/cache.ts';
import type { Erasure } from '../cache/erasure.ts';
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
  /** The last erasure when the work began; `undefined` before the sign-in itself begins. */
  readonly erasure?: Erasure | undefined;
  /** When the program must be done, on the clock of `readClockMs`. */
  readonly deadlineMs: number;
  readonly log: Log | undefined;
}
