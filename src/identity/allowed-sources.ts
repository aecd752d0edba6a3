/** `AZURE_TOKEN_CREDENTIALS`, by which a person tells every Azure library which identities it may try. */

import { CredentialError } from '../errors.ts';
import { readVariable } from '../system/runtime.ts';
import type { IdentityName, IdentityRequest } from './identity.ts';

export interface AllowedSources {
  readonly names: readonly IdentityName[];
  /** Whether only one is left, which the person chose by that. */
  readonly isChosen: boolean;
}

const VARIABLE = 'AZURE_TOKEN_CREDENTIALS';

/** The values, as Azure's libraries write them, with the sources that each stands for. */
const CHOICES: readonly (readonly [value: string, sources: readonly IdentityName[]])[] = [
  ['dev', ['azure-cli', 'azure-developer-cli', 'azure-powershell']],
  [
    'prod',
    [
      'client-secret',
      'client-certificate',
      'workload-identity',
      'github-actions',
      'azure-pipelines',
      'managed-identity',
    ],
  ],
  ['EnvironmentCredential', ['client-secret', 'client-certificate']],
  ['WorkloadIdentityCredential', ['workload-identity']],
  ['ManagedIdentityCredential', ['managed-identity']],
  ['AzureCliCredential', ['azure-cli']],
  ['AzureDeveloperCliCredential', ['azure-developer-cli']],
  ['AzurePowerShellCredential', ['azure-powershell']],
];

/** Values of Azure's libraries for what only they have: an editor, a browser, a broker. */
const NOT_HERE = [
  'VisualStudioCredential',
  'VisualStudioCodeCredential',
  'InteractiveBrowserCredential',
  'BrokerCredential',
];

/**
 * Reads the variable, in any case and with spaces around it.
 * @returns `undefined` when it is not set.
 * @throws IDENTITY_INVALID when it names none of the sources.
 * @see https://learn.microsoft.com/azure/developer/javascript/sdk/authentication/credential-chains
 */
export function readAllowedSources({ runtime, registry }: IdentityRequest): AllowedSources | undefined {
  const value = readVariable(runtime, VARIABLE)?.trim();
  if (value === undefined || value === '') return undefined;
  const isValue = (other: string) => other.toLowerCase() === value.toLowerCase();
  const names = CHOICES.find(([choice]) => isValue(choice))?.[1];
  if (names !== undefined) return { names, isChosen: names.length === 1 };
  const elsewhere = NOT_HERE.find(isValue);
  const what =
    elsewhere === undefined
      ? `${VARIABLE} is "${value.slice(0, 60)}", which is no value of it`
      : `${VARIABLE} is ${elsewhere}, which is not to be had here`;
  throw new CredentialError('IDENTITY_INVALID', `Cannot sign in for ${registry.host}: ${what}`, {
    hint: `unset ${VARIABLE}, or set it to one of ${CHOICES.map(([choice]) => choice).join(', ')}`,
  });
}
