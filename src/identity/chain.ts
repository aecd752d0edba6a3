/** The order in which the machine's identities are tried. */

import { readAllowedSources } from './allowed-sources.ts';
import { findCommand } from './command/command.ts';
import { findAzureCli } from './developer-tools/azure-cli.ts';
import { findAzureDeveloperCli } from './developer-tools/azure-developer-cli.ts';
import { findAzurePowerShell } from './developer-tools/azure-powershell.ts';
import { findAzurePipelines } from './federated/azure-pipelines.ts';
import { findGithubActions } from './federated/github-actions.ts';
import { findWorkloadIdentity } from './federated/workload-identity.ts';
import { type Identity, type IdentityName, type IdentityRequest, type IdentitySource, isNotSetUp } from './identity.ts';
import { findImds, findManagedIdentity } from './managed-identity/managed-identity.ts';
import { findClientCertificate } from './service-principal/client-certificate.ts';
import { findClientSecret } from './service-principal/client-secret.ts';

/**
 * What the environment says on purpose comes before what a person once signed in to, and what has to be waited for
 * comes last.
 */
const SOURCES: readonly IdentitySource[] = [
  { name: 'client-secret', find: findClientSecret },
  { name: 'client-certificate', find: findClientCertificate },
  { name: 'workload-identity', find: findWorkloadIdentity },
  { name: 'github-actions', find: findGithubActions },
  { name: 'azure-pipelines', find: findAzurePipelines },
  { name: 'managed-identity', find: findManagedIdentity },
  { name: 'azure-cli', find: findAzureCli },
  { name: 'azure-developer-cli', find: findAzureDeveloperCli },
  { name: 'azure-powershell', find: findAzurePowerShell },
  { name: 'managed-identity', find: findImds },
];

/** Sources that are only there where a registry's configuration names them. */
const CONFIGURED_SOURCES: readonly IdentitySource[] = [{ name: 'command', find: findCommand }];

/** A source that was passed over, and why. */
export interface SkippedSource {
  readonly source: IdentityName;
  readonly reason: string;
}

/**
 * Looks for the identities that this machine has, in the order to try them, without network and without starting a
 * program. Each is looked for when it is asked for: one that works is not disturbed by a later one that could not.
 *
 * @param only the one source that the configuration allows; else it is `AZURE_TOKEN_CREDENTIALS` that says which.
 * @throws IDENTITY_INVALID
 */
export function* searchIdentities(
  request: IdentityRequest,
  only?: IdentityName,
): Generator<Identity | SkippedSource, void, undefined> {
  const allowed = only === undefined ? readAllowedSources(request) : { names: [only], isChosen: request.isChosen };
  const sources = only === undefined ? SOURCES : [...SOURCES, ...CONFIGURED_SOURCES];
  for (const { name, find } of sources) {
    if (allowed !== undefined && !allowed.names.includes(name)) continue;
    const found = find(allowed === undefined ? request : { ...request, isChosen: allowed.isChosen });
    yield isNotSetUp(found) ? { source: name, reason: found.notSetUp } : found;
  }
}

export function isSkipped(found: Identity | SkippedSource): found is SkippedSource {
  return 'reason' in found;
}
