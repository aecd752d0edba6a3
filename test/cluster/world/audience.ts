/** The right of nodes to ask for the tokens of service accounts that Entra takes. */
import { parseRecord } from '../../emulator/json.ts';
import type { ApiClient } from './api-client.ts';
import { NODE_NAME } from './api-server.ts';

/** The audience that Entra demands of a federated token. */
export const AUDIENCE = 'api://AzureADTokenExchange';

/** Gives the nodes the right, and waits until they have it. */
export async function allowAudience(admin: ApiClient): Promise<void> {
  const metadata = { name: 'acr-credential-provider' };
  const apiGroup = 'rbac.authorization.k8s.io';
  const apiVersion = `${apiGroup}/v1`;
  const verbs = ['request-serviceaccounts-token-audience'];
  await admin.apply({
    ...{ apiVersion, kind: 'ClusterRole', metadata },
    rules: [{ verbs, apiGroups: [''], resources: [AUDIENCE] }],
  });
  await admin.apply({
    ...{ apiVersion, kind: 'ClusterRoleBinding', metadata },
    roleRef: { apiGroup, kind: 'ClusterRole', name: metadata.name },
    subjects: [{ apiGroup, kind: 'Group', name: 'system:nodes' }],
  });
  // The authorizer hears of the role a moment later.
  const review = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    spec: {
      user: `system:node:${NODE_NAME}`,
      groups: ['system:nodes'],
      resourceAttributes: { verb: verbs[0], resource: AUDIENCE, namespace: 'default', name: 'any' },
    },
  };
  for (let tries = 0; tries < 200; tries += 1) {
    const { body } = await admin.request('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', review);
    if (parseRecord(body['status'])?.['allowed'] === true) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error('Cannot let the node ask for tokens: the role has no effect');
}
