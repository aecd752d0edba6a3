/** The result of looking for an identity that is not set up on this machine. This is not an error. */

/** An identity is not set up. */
export interface NotSetUp {
  /** The reason for the person, such as which variable is not set. */
  readonly notSetUp: string;
}

/** Whether a result is `NotSetUp` instead of an identity or a token. */
export function isNotSetUp(found: object | string): found is NotSetUp {
  return typeof found === 'object' && 'notSetUp' in found;
}
