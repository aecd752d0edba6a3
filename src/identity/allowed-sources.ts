/** `AZURE_TOKEN_CREDENTIALS`, by which a person tells every Azure library which identities it may try. */

import { CredentialError } from '../errors.ts';
import { type Runtime, readVariable } from '../system/runtime.ts';
import type { IdentitySource } from './identity.ts';
import { SOURCES } from './sources.ts';

export interface AllowedSources {
  readonly sources: readonly IdentitySource[];
  /** Whether only one is left, which the person chose by that. */
  readonly isChosen: boolean;
}

const VARIABLE = 'AZURE_TOKEN_CREDENTIALS';

/** Values of Azure's libraries for what only they have: an editor, a browser, a broker. */
const ELSEWHERE = [
  'VisualStudioCredential',
  'VisualStudioCodeCredential',
  'InteractiveBrowserCredential',
  'BrokerCredential',
];

/**
 * Reads the variable, in any case and with spaces around it.
 * @returns every source that needs no configuration, when it is not set.
 * @throws IDENTITY_INVALID when it names none of the sources.
 * @see https://learn.microsoft.com/azure/developer/javascript/sdk/authentication/credential-chains
 */
export function readAllowedSources(runtime: Runtime): AllowedSources {
  const value = readVariable(runtime, VARIABLE)?.trim();
  if (value === undefined || value === '') {
    return { sources: SOURCES.filter(({ group }) => group !== undefined), isChosen: false };
  }
  const isValue = (other: string) => other.toLowerCase() === value.toLowerCase();
  const sources = SOURCES.filter(({ group, aliases }) => [group ?? '', ...aliases].some(isValue));
  if (sources.length > 0) return { sources, isChosen: sources.length === 1 };
  const elsewhere = ELSEWHERE.find(isValue);
  const problem =
    elsewhere === undefined
      ? `${VARIABLE} is "${value.slice(0, 60)}", which is not one of its values`
      : `${VARIABLE} is ${elsewhere}, which this program does not support`;
  const values = new Set(['dev', 'prod', ...SOURCES.flatMap(({ aliases }) => aliases)]);
  throw new CredentialError('IDENTITY_INVALID', problem, {
    hint: `unset ${VARIABLE}, or set it to one of ${[...values].join(', ')}`,
  });
}
