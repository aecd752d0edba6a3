/** What the program knows of the machine it runs on; injected, so that tests choose it. */

export interface Runtime {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  /** The name that the program was called by, such as `docker-credential-acr`. */
  readonly programName: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** What was read that nobody may see: kept from every text that leaves the program and from every child. */
  readonly secrets: Set<string>;
  /**
   * Starts a process of this program that renews the token of a registry and that nobody has to wait for; left out where
   * the program does not know its own file.
   * @returns whether it was started.
   */
  readonly startRenewal?: (host: string) => Promise<boolean>;
}

/** The value of an environment variable; an empty one counts as not set. */
export function readVariable(runtime: Runtime, name: string): string | undefined {
  return runtime.env[name] || undefined;
}
