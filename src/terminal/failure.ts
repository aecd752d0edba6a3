/** How a command ends when it cannot do what it was asked for. */

/** The exit codes of the commands. Those of the protocol's verbs are only 0 and 1. */
export const EXIT = {
  /** Done. */
  ok: 0,
  /** It failed, or what was examined does not work. */
  failed: 1,
  /** The arguments are wrong, or a question could not be asked. */
  usage: 2,
  /** The person cancelled it. */
  cancelled: 130,
} as const;

/** An exit code of a command. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The command was called in a wrong way. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly hint: string | undefined;

  constructor(message: string, { hint }: { readonly hint?: string } = {}) {
    super(message);
    this.hint = hint;
  }
}

/** The person cancelled the command. */
export class Cancelled extends Error {
  override readonly name = 'Cancelled';

  constructor() {
    super('cancelled');
  }
}
