/** The right of nodes to ask for the tokens of service accounts that Entra takes. */
import { parseRecord, parseString } from '../../emulator/json.ts';
import type { ApiClient, KubernetesObject } from './api-client.ts';
import { NODE_NAME } from './api-server.ts';
import { runProgram } from './program.ts';

/** The audience that Entra demands of a federated token. */
export const AUDIENCE = 'api://AzureADTokenExchange';

const VERB = 'request-serviceaccounts-token-audience';

/** Gives the nodes the right, as `kubelet config --rbac` prints it, and waits until they have it. */
export async function allowAudience(admin: ApiClient): Promise<void> {
  const { items } = await runProgram(['kubelet', 'config', '--mode', 'service-account', '--rbac', '--json']);
  for (const item of Array.isArray(items) ? items : []) await admin.apply(parseObject(item));
  // The authorizer hears of the role a moment later.
  const review = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    spec: {
      user: `system:node:${NODE_NAME}`,
      groups: ['system:nodes'],
      resourceAttributes: { verb: VERB, resource: AUDIENCE, namespace: 'default', name: 'any' },
    },
  };
  for (let tries = 0; tries < 200; tries += 1) {
    const { body } = await admin.request('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', review);
    if (parseRecord(body['status'])?.['allowed'] === true) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error('Cannot let the node ask for tokens: the role has no effect');
}

function parseObject(item: unknown): KubernetesObject {
  const { apiVersion, kind, metadata, ...rest } = parseRecord(item) ?? {};
  const name = parseString(parseRecord(metadata)?.['name']);
  if (typeof apiVersion !== 'string' || typeof kind !== 'string' || name === undefined) {
    throw new Error(`Cannot apply what is no object: ${JSON.stringify(item)}`);
  }
  return { apiVersion, kind, metadata: { ...parseRecord(metadata), name }, ...rest };
}
