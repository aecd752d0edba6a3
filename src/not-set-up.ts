/** The ordinary "no" of an identity: the machine has nothing for it. */

export interface NotSetUp {
  /** What is missing, for people. */
  readonly notSetUp: string;
}

export function isNotSetUp(found: object | string): found is NotSetUp {
  return typeof found === 'object' && 'notSetUp' in found;
}
