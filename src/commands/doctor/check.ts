/** A check of `doctor`: what it is called, what it finds, and what it works with. */

import type { Log } from '../../log.ts';
import type { Runtime } from '../../system/runtime.ts';
import type { HealthCode } from './health-code.ts';
import type { PrivateNames } from './private-names.ts';
import type { Target } from './target.ts';
import type { Visit } from './visit.ts';

/** The names of the checks. */
export type CheckName =
  | 'executable'
  | 'client-configuration'
  | 'configuration'
  | 'host'
  | 'network'
  | 'challenge'
  | 'identities'
  | 'login'
  | 'token'
  | 'exchange'
  | 'permissions'
  | 'clock'
  | 'cache'
  | 'keychain'
  | KubeletCheckName;

/** The names of the checks of `kubelet doctor`. */
export type KubeletCheckName =
  | 'kubelet'
  | 'configuration'
  | 'programs'
  | 'features'
  | 'arguments'
  | 'environment'
  | 'audience'
  | 'image';

/** How a result counts. Only a `problem` makes the command fail. `skipped` was not examined, or is not in use. */
export type Status = 'ok' | 'note' | 'warning' | 'problem' | 'skipped';

/** A value in `--json`. */
export type Detail = string | number | boolean | undefined | readonly Detail[] | { readonly [key: string]: Detail };

/** What a check found. Each text is one line; what others wrote in it is quoted. */
export interface CheckResult {
  readonly check: CheckName;
  readonly status: Status;
  /** What was seen, and what it means. */
  readonly what: string;
  /** What mends it: a command or a setting to paste. */
  readonly fix?: string | undefined;
  /** What Azure or another program said. `--report` leaves it out. */
  readonly causes?: readonly string[] | undefined;
  /** The code of `az acr check-health`, where it has one. */
  readonly code?: HealthCode | undefined;
  readonly details?: Readonly<Record<string, Detail>> | undefined;
}

/** A result, without the name of its check. */
export type Finding = Omit<CheckResult, 'check'>;

/** What a check works with. */
export interface DoctorContext {
  readonly runtime: Runtime;
  readonly log: Log | undefined;
  /** What the person asked about; `undefined` for this machine alone. */
  readonly target: Target | undefined;
  /** What is known about the registry; `undefined` when there is no target, or it is not a registry of Azure. */
  readonly visit: Visit | undefined;
  /** This program's own file; `undefined` when it runs from its sources. */
  readonly programFile: string | undefined;
  /** The Node that runs the program, if npm has installed it. */
  readonly nodeFile?: string | undefined;
  /** What must not stand in a text for the public. */
  readonly names: PrivateNames;
}

/** A step of the way. Checks run side by side, and wait for each other only through the context. */
export interface Check<Context = DoctorContext> {
  readonly name: CheckName;
  /** What is being done, such as "Checking the network". */
  readonly title: string;
  /** Whether it is about a registry, so that it does not run without one. */
  readonly needsRegistry: boolean;
  readonly run: (context: Context) => Promise<readonly Finding[]>;
}

/** Makes a finding of one line, without a fix. */
export function found(status: Status, what: string, more: Omit<Finding, 'status' | 'what'> = {}): Finding {
  return { status, what, ...more };
}
