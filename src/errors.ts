/** The error that people see: it has a code, its causes, and a hint with a command that helps. */

/** Identifies the kind of a failure. Tests, the log and other processes use it instead of the text. */
export type ErrorCode = (typeof ERROR_CODES)[number];

/** Every kind of failure. */
export const ERROR_CODES = [
  'REQUEST_INVALID',
  'CONFIG_INVALID',
  'IDENTITY_NOT_SET_UP',
  'IDENTITY_INVALID',
  'IDENTITY_FAILED',
  'ENTRA_REFUSED',
  'AUDIENCE_UNKNOWN',
  'REGISTRY_REFUSED',
  'TOKEN_REFUSED',
  'RESOURCES_REFUSED',
  'NETWORK_FAILED',
  'ANSWER_INVALID',
  'BUSY',
  'STORE_REFUSED',
  'KEYCHAIN_FAILED',
  'CLIENT_CONFIG_FAILED',
  'OUTPUT_FAILED',
  'INSTALL_FAILED',
  'CLUSTER_REFUSED',
] as const;

/** What a `CredentialError` may have besides its code and message. */
export interface CredentialErrorOptions {
  /** What happened on the network or on the machine, the most important first. */
  readonly causes?: readonly string[];
  /** What the person can do, with a command or setting to paste where there is one. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/** What `with` changes; the rest stays the same. */
export interface CredentialErrorChanges {
  readonly message?: string;
  readonly causes?: readonly string[];
  readonly hint?: string | undefined;
}

/** Something is set up and does not work. (That nothing is set up is no error.) */
export class CredentialError extends Error {
  override readonly name = 'CredentialError';
  readonly code: ErrorCode;
  readonly causes: readonly string[];
  readonly hint: string | undefined;

  /** @param message "Cannot <do what>: <why>", with the names of hosts, settings and files, never with a secret. */
  constructor(code: ErrorCode, message: string, { causes = [], hint, cause }: CredentialErrorOptions = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.causes = causes;
    this.hint = hint;
  }

  /**
   * Returns an error with the same code and a changed description; this error becomes its `cause`.
   * @internal not a part of the library: its types leave this out.
   */
  with({ message = this.message, causes = this.causes, hint = this.hint }: CredentialErrorChanges): CredentialError {
    return new CredentialError(this.code, message, { causes, ...(hint === undefined ? {} : { hint }), cause: this });
  }
}

/**
 * Describes an error of the operating system or a library in one text, with its code if it has one.
 * @returns such as `ENOSPC: no space left on device`.
 */
export function describeCause(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const code = readErrorCode(cause);
  if (code === undefined || cause.message.includes(code)) return cause.message || cause.name;
  return cause.message === '' ? code : `${code}: ${cause.message}`;
}

/**
 * Reads the `code` that Node and its libraries set on errors, such as `ENOENT`.
 * @returns `undefined` for an error without a code, and for a value that is not an error.
 */
export function readErrorCode(cause: unknown): string | undefined {
  if (typeof cause !== 'object' || cause === null || !('code' in cause)) return undefined;
  return typeof cause.code === 'string' ? cause.code : undefined;
}

/** Describes a failure for the log: its code if it is one of ours, and the reason. */
export function describeEnd(failure: unknown): { readonly code?: ErrorCode; readonly reason: string } {
  return failure instanceof CredentialError
    ? { code: failure.code, reason: failure.message }
    : { reason: describeCause(failure) };
}
