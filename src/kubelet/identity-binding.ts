/**
 * The token proxy of an AKS cluster with identity bindings: pods sign in through the API server, and need no federated
 * credential for each cluster.
 *
 * @see https://learn.microsoft.com/azure/aks/identity-bindings-concepts
 */

import { CredentialError } from '../errors.ts';
import { shellWord } from '../shell-word.ts';
import { CA_FILE_OPTION, DEFAULT_CLIENT_OPTION, DEFAULT_TENANT_OPTION, type IdentityBinding } from './arguments.ts';
import { type NamedId, nameId, type ServiceAccountDefaults, type ServiceAccountRoute } from './service-account.ts';

const PORT = 443;
/** How often the file of the certificate authority is read while it is empty, and the pause in between. */
const READS = 10;
const PAUSE_MS = 50;

/**
 * Finds what counts for service accounts without annotations.
 * @param nodeTenantId the tenant of the node, where the options name none.
 */
export function findDefaults(binding: IdentityBinding, nodeTenantId: NamedId | undefined): ServiceAccountDefaults {
  return {
    clientId: nameId(binding.defaultClientId, DEFAULT_CLIENT_OPTION),
    tenantId: nameId(binding.defaultTenantId, DEFAULT_TENANT_OPTION) ?? nodeTenantId,
  };
}

/** Makes the route to the cluster's token proxy. */
export function createBindingRoute({ serverName, apiServer, certificateFile }: IdentityBinding): ServiceAccountRoute {
  return {
    description: `https://${serverName}`,
    find: async ({ openDirect }) => ({
      tokenEndpoint: `https://${serverName}/`,
      http: openDirect({
        certificates: await readCertificates(certificateFile),
        serverName,
        address: { host: apiServer, port: PORT },
      }),
      hint: 'check --ib-sni-name, --ib-apiserver-ip and --ib-ca-file in the "args" of the kubelet\'s configuration',
    }),
  };
}

/**
 * Reads the certificate authority. Waits a moment while the file is empty: the cluster is replacing it.
 * @throws IDENTITY_INVALID
 */
async function readCertificates(file: string): Promise<string> {
  // Loaded only for a sign-in: a cached answer needs no connection.
  const { readAuthorityFile } = await import('../identity/federated/authority-file.ts');
  for (let reads = 1; ; reads += 1) {
    const certificates = readAuthorityFile(file, CA_FILE_OPTION);
    if (certificates !== undefined) return certificates;
    if (reads === READS) break;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  throw new CredentialError('IDENTITY_INVALID', `${CA_FILE_OPTION} ${file} is empty`, {
    hint: `ls -l ${shellWord(file)}`,
  });
}
