/** What the program knows about the machine. It is injected, so that tests can choose it. */

import type { JsonObject } from '../json.ts';

/** The environment of one run of the program. */
export interface Runtime {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  /** The name under which the program was called, such as `docker-credential-acr`. */
  readonly programName: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Secrets that were read during the run. They are redacted from all output and withheld from child processes. */
  readonly secrets: Set<string>;
  /** The environment variables that hold secrets because the configuration says so. Their values are treated alike. */
  readonly secretVariables: Set<string>;
  /**
   * Starts a background process of this program that renews the token of a registry. Missing where the program does not
   * know its own file.
   * @returns whether the process was started.
   */
  readonly startRenewal?: (host: string) => Promise<boolean>;
  /**
   * Starts this program in the background, with other arguments and an input. Missing like `startRenewal`.
   * @returns whether the process was started.
   */
  readonly startSelf?: (args: readonly string[], input: string) => Promise<boolean>;
  /** The configuration itself, from a caller who has it. Then no file is read. */
  readonly config?: JsonObject;
  /** Aborts when nobody waits for the result any more. What a run has begun then ends as soon as it can. */
  readonly signal?: AbortSignal;
}

/**
 * Reads an environment variable.
 * @returns `undefined` when it is not set or empty.
 */
export function readVariable(runtime: Runtime, name: string): string | undefined {
  return runtime.env[name] || undefined;
}
