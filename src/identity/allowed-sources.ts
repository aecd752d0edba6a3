/** Reads `AZURE_TOKEN_CREDENTIALS`, which tells every Azure library which identities it may try. */

import { CredentialError } from '../errors.ts';
import { type Runtime, readVariable } from '../system/runtime.ts';
import type { IdentitySource } from './identity.ts';
import { SOURCES } from './sources.ts';

/** The sources that the environment allows. */
export interface AllowedSources {
  readonly sources: readonly IdentitySource[];
  /** Whether the variable allows exactly one source, which means that the user chose it. */
  readonly isChosen: boolean;
}

const VARIABLE = 'AZURE_TOKEN_CREDENTIALS';

/** Values that only Azure's libraries support: they need an editor or a broker. */
const UNSUPPORTED = ['VisualStudioCredential', 'VisualStudioCodeCredential', 'BrokerCredential'];

/**
 * Finds the sources that `AZURE_TOKEN_CREDENTIALS` allows. Case and surrounding spaces do not matter.
 * @returns every source that needs no configuration if the variable is not set.
 * @throws IDENTITY_INVALID when its value is unknown or not supported.
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
  const unsupported = UNSUPPORTED.find(isValue);
  const problem =
    unsupported === undefined
      ? `${VARIABLE} is "${value.slice(0, 60)}", which is not a known value`
      : `${VARIABLE} is ${unsupported}, which this program does not support`;
  const values = new Set(['dev', 'prod', ...SOURCES.flatMap(({ aliases }) => aliases)]);
  throw new CredentialError('IDENTITY_INVALID', problem, {
    hint: `unset ${VARIABLE}, or set it to one of ${[...values].join(', ')}`,
  });
}
