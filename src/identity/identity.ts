/** The contract of every source of an Azure identity. */

import type { Machine } from '../machine.ts';
import type { Registry } from '../registry.ts';
import type { SignInTools } from '../sign-in.ts';

/** The names by which the configuration chooses a source. */
export const IDENTITY_NAMES = ['client-secret', 'azure-cli'] as const;
export type IdentityName = (typeof IDENTITY_NAMES)[number];

/** What is asked of a source. */
export interface IdentityRequest {
  readonly machine: Machine;
  readonly registry: Registry;
  /** The tenant that the configuration asks for instead of the identity's own. */
  readonly tenantId: string | undefined;
}

/** The ordinary "no" of a source: the machine has nothing for it. */
export interface NotSetUp {
  readonly notSetUp: string;
}

/** An identity that the machine has, found without network and without starting a program. */
export interface Identity {
  readonly source: IdentityName;
  /** Who signs in, stable and free of secrets: part of the cache key, so another account means another token. */
  readonly description: string;
  /** What it signs in with, where that is a secret of this process; never kept. */
  readonly secret?: string;
  /**
   * Gets an Entra access token for the registry.
   * @returns `NotSetUp` when it turns out that the source is not there after all.
   * @throws CredentialError when it is set up and fails.
   */
  readonly getToken: (tools: SignInTools) => Promise<string | NotSetUp>;
}

export interface IdentitySource {
  readonly name: IdentityName;
  /**
   * Looks for the identity on this machine.
   * @throws IDENTITY_INVALID when it is set up in a way that cannot work.
   */
  readonly find: (request: IdentityRequest) => Identity | NotSetUp;
}

export function isNotSetUp(found: object | string): found is NotSetUp {
  return typeof found === 'object' && 'notSetUp' in found;
}
