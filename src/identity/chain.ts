/** The order in which the machine's identities are tried. */

import { findAzureCli } from './azure-cli.ts';
import { findAzurePipelines } from './azure-pipelines.ts';
import { findClientCertificate } from './client-certificate.ts';
import { findClientSecret } from './client-secret.ts';
import { findGithubActions } from './github-actions.ts';
import { type Identity, type IdentityName, type IdentityRequest, type IdentitySource, isNotSetUp } from './identity.ts';
import { findManagedIdentity } from './managed-identity.ts';
import { findWorkloadIdentity } from './workload-identity.ts';

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
];

/** A source that was passed over, and why. */
export interface SkippedSource {
  readonly source: IdentityName;
  readonly reason: string;
}

export interface FoundIdentities {
  /** In the order to try them. */
  readonly identities: readonly Identity[];
  readonly skipped: readonly SkippedSource[];
}

/**
 * Finds every identity that this machine has, without network and without starting a program.
 *
 * @param only the one source that the configuration allows.
 * @throws IDENTITY_INVALID
 */
export function findIdentities(request: IdentityRequest, only?: IdentityName): FoundIdentities {
  const identities: Identity[] = [];
  const skipped: SkippedSource[] = [];
  for (const { name, find } of SOURCES) {
    if (only !== undefined && only !== name) continue;
    const found = find(request);
    if (isNotSetUp(found)) skipped.push({ source: name, reason: found.notSetUp });
    else identities.push(found);
  }
  return { identities, skipped };
}
