/** The contract of every source of an Azure identity. */

import type { Registry } from '../registry.ts';
import type { TokenContext } from '../sign-in/sign-in.ts';
import type { Runtime } from '../system/runtime.ts';

/** The sources, by the names that the configuration uses, in the order in which the machine is searched for them. */
export const IDENTITY_NAMES = [
  'client-secret',
  'client-certificate',
  'workload-identity',
  'github-actions',
  'azure-pipelines',
  'managed-identity',
  'azure-cli',
  'azure-developer-cli',
  'azure-powershell',
  'command',
] as const;
export type IdentityName = (typeof IDENTITY_NAMES)[number];

/** What the configuration says of an identity; what it leaves out is found on the machine. */
export interface IdentityParameters {
  readonly tenantId?: string | undefined;
  /** Base URL of Entra, without a trailing slash. */
  readonly authorityHost?: string | undefined;
  readonly audience?: string | undefined;
  readonly clientId?: string | undefined;
  readonly objectId?: string | undefined;
  readonly resourceId?: string | undefined;
  readonly clientSecretFile?: string | undefined;
  readonly clientSecretEnv?: string | undefined;
  readonly clientSecretKeychain?: string | undefined;
  readonly certificatePath?: string | undefined;
  readonly certificatePasswordFile?: string | undefined;
  readonly certificatePasswordEnv?: string | undefined;
  readonly sendCertificateChain?: boolean | undefined;
  readonly tokenFile?: string | undefined;
  readonly tokenEnv?: string | undefined;
  readonly serviceConnectionId?: string | undefined;
  readonly subscription?: string | undefined;
  readonly configDir?: string | undefined;
  readonly command?: readonly string[] | undefined;
}

/** What is asked of a source. */
export interface IdentityRequest {
  readonly runtime: Runtime;
  readonly registry: Registry;
  readonly parameters: IdentityParameters;
  /** Whether the person chose this source: then what the machine only hints at counts as set up. */
  readonly isChosen: boolean;
}

/** The ordinary "no" of a source: the machine has nothing for it. */
export interface NotSetUp {
  readonly notSetUp: string;
}

/** An identity that the machine has, found without network, without starting a program and without reading a secret. */
export interface Identity {
  readonly source: IdentityName;
  /** Who signs in, stable and free of secrets: part of the cache key, so another account means another token. */
  readonly description: string;
  /**
   * Where it signs in, such as `https://login.microsoftonline.com`, so that the connections there and to the registry
   * are opened ahead; left out by a source that may turn out not to be there.
   */
  readonly origins?: readonly string[];
  /** What it signs in with, where that is a secret which others may have another value of; never kept. */
  readonly readSecret?: () => string;
  /**
   * Gets an Entra access token for `tools.audience`.
   * @returns `NotSetUp` when it turns out that the source is not there after all.
   * @throws CredentialError when it is set up and fails; AUDIENCE_UNKNOWN when only the audience is at fault.
   */
  readonly getToken: (context: TokenContext) => Promise<string | NotSetUp>;
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
