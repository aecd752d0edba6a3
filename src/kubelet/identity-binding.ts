/**
 * The token proxy of an AKS cluster with identity bindings: pods sign in through the API server, and need no federated
 * credential for each cluster.
 *
 * @see https://learn.microsoft.com/azure/aks/identity-bindings-concepts
 */

import { CredentialError } from '../errors.ts';
import { shellWord } from '../shell-word.ts';
import { readForeignFile } from '../system/files.ts';
import type { IdentityBinding } from './arguments.ts';
import type { ServiceAccountRoute } from './service-account.ts';

const MAX_CERTIFICATES_BYTES = 1024 * 1024;

/** Makes the route to the cluster's token proxy. */
export function createBindingRoute({ serverName, apiServer, certificateFile }: IdentityBinding): ServiceAccountRoute {
  return {
    description: `https://${serverName}`,
    find: ({ openDirect }) => ({
      tokenEndpoint: `https://${serverName}/`,
      http: openDirect({
        certificates: readCertificates(certificateFile),
        serverName,
        address: { host: apiServer, port: 443 },
      }),
      hint: 'check --ib-sni-name and --ib-apiserver-ip in the "args" of the kubelet\'s configuration',
    }),
  };
}

/** @throws IDENTITY_INVALID */
function readCertificates(file: string): string {
  const text = readForeignFile(file, MAX_CERTIFICATES_BYTES);
  if (text !== undefined && text.trim() !== '') return text;
  throw new CredentialError('IDENTITY_INVALID', `the cluster's certificate authority is not in ${file}`, {
    hint: `ls -l ${shellWord(file)}, or set --ib-ca-file`,
  });
}
