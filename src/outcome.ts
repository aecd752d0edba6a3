/** How a run of the program ends. */

/** What the process writes, and how it ends. */
export interface Outcome {
  /** Clients know only 0 and 1; the commands have others. */
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}
