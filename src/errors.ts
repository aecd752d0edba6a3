/** The one kind of failure that people see: coded, with its causes and the command that helps. */

export type ErrorCode =
  | 'CONFIG_INVALID'
  | 'IDENTITY_NOT_SET_UP'
  | 'IDENTITY_INVALID'
  | 'IDENTITY_FAILED'
  | 'ENTRA_REFUSED'
  | 'AUDIENCE_UNKNOWN'
  | 'REGISTRY_REFUSED'
  | 'TOKEN_REFUSED'
  | 'NETWORK_FAILED'
  | 'ANSWER_INVALID'
  | 'BUSY'
  | 'STORE_REFUSED'
  | 'KEYCHAIN_FAILED';

export interface CredentialErrorOptions {
  /** What happened on the wire or on the machine, most telling first. */
  readonly causes?: readonly string[];
  /** A command or a setting that the person can paste. */
  readonly hint?: string;
  readonly cause?: unknown;
}

export interface CredentialErrorChanges {
  readonly message?: string;
  readonly causes?: readonly string[];
  readonly hint?: string | undefined;
}

/** Set up, and failed. (Not being set up is never an error but a return value.) */
export class CredentialError extends Error {
  override readonly name = 'CredentialError';
  readonly code: ErrorCode;
  readonly causes: readonly string[];
  readonly hint: string | undefined;

  /** @param message "Cannot <do what>: <what is the case>", naming hosts, settings and files, never a secret. */
  constructor(code: ErrorCode, message: string, { causes = [], hint, cause }: CredentialErrorOptions = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.causes = causes;
    this.hint = hint;
  }

  /** The same failure, told otherwise; this one is its cause. */
  with({ message = this.message, causes = this.causes, hint = this.hint }: CredentialErrorChanges): CredentialError {
    return new CredentialError(this.code, message, { causes, ...(hint === undefined ? {} : { hint }), cause: this });
  }
}

/**
 * The text of an error of the operating system or a library, with its code where it has one.
 * @returns such as `ENOSPC: no space left on device`.
 */
export function describeCause(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const code = readErrorCode(cause);
  if (code === undefined || cause.message.includes(code)) return cause.message || cause.name;
  return cause.message === '' ? code : `${code}: ${cause.message}`;
}

/** The `code` that Node and its libraries put on errors, such as `ENOENT`. */
export function readErrorCode(cause: unknown): string | undefined {
  if (typeof cause !== 'object' || cause === null || !('code' in cause)) return undefined;
  return typeof cause.code === 'string' ? cause.code : undefined;
}
