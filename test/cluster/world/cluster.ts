/**
 * A cluster with one node, whose plug-ins are the built program and AKS's own, side by side. Azure is emulated: the
 * node's metadata service, Entra, and registries that the plug-ins are told apart by.
 */
import { createPublicKey } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readTextFile } from '../../../scripts/parts/command.ts';
import { type Cloud, startCloud } from '../../e2e/world/cloud.ts';
import { findLeak } from '../../e2e/world/leak.ts';
import { startMetadataService } from '../../e2e/world/metadata.ts';
import { type RunResult, runProcess } from '../../e2e/world/process.ts';
import { createTemporaryFolder } from '../../e2e/world/temporary-folder.ts';
import { parseRecord } from '../../emulator/json.ts';
import type { AssignedIdentity } from '../../emulator/managed-identity.ts';
import type { ManagedIdentityServer } from '../../emulator/managed-identity-server.ts';
import { type Application, addApplication, findTenant, registryOf, TENANT_ID } from '../../emulator/state.ts';
import type { ApiClient } from './api-client.ts';
import { type ApiServer, startApiServer } from './api-server.ts';
import { AUDIENCE, allowAudience } from './audience.ts';
import { type ClusterNode, readPause, startNode } from './node.ts';
import { ANNOTATIONS, IDENTITY_HEADER, listPlugins, PODS_PLUGIN, REGISTRIES } from './plugins.ts';
import { describePod, type PodOptions, type PullOutcome, waitForPull } from './pods.ts';

/** The identity of the node. */
export const NODE_IDENTITY: AssignedIdentity = {
  clientId: '0d0d0d0d-1111-4222-8333-444444444444',
  objectId: '0d0d0d0d-5555-4666-8777-888888888888',
  resourceId: '/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/kubelet',
};
/** The identity of the pods' applications. */
export const POD_CLIENT_ID = '0e0e0e0e-1111-4222-8333-444444444444';
export const POD_OBJECT_ID = '0e0e0e0e-5555-4666-8777-888888888888';
/** The application of a node that has a client secret instead of a managed identity. */
export const NODE_CLIENT_ID = '0f0f0f0f-1111-4222-8333-444444444444';
const SECRET = 'azure-json-Q~secret-of-a-node';

export interface Cluster {
  readonly cloud: Cloud;
  readonly apiServer: ApiServer;
  readonly admin: ApiClient;
  readonly node: ClusterNode;
  readonly metadata: ManagedIdentityServer;
  /** The application of the pods; it trusts no service account yet. */
  readonly application: Application;
  /** The cache of the program on the node, which all its processes share. */
  readonly cacheFolder: string;
  /** The log of the program on the node. */
  readonly pluginLog: () => string;
  /** Asks the plug-in for pods by hand, as the kubelet does for an image. */
  readonly askPlugin: (image: string, serviceAccount: string) => Promise<RunResult>;
  /** Runs a pod until its image is pulled, or is not. */
  readonly pull: (pod: string, image: string, options?: PodOptions) => Promise<PullOutcome>;
  /** Creates a service account with the annotations of the application. */
  readonly addServiceAccount: (name: string) => Promise<void>;
  /** Lets the application trust a service account, by the keys that the API server publishes. */
  readonly trust: (serviceAccount: string) => Promise<void>;
  /** Lets the node ask for tokens with the audience of Entra. */
  readonly allowAudience: () => Promise<void>;
  /** Adds another image. */
  readonly seed: (repository: string) => Promise<void>;
  /** Ends everything; fails when a log holds a secret. */
  readonly close: () => Promise<void>;
}

/** Starts the cluster. Its first pods are static: `static`, and `static-pods` of the registry for pods. */
export async function startCluster(): Promise<Cluster> {
  const { path: folder, remove } = createTemporaryFolder('acr-cluster-');
  const [cloud, apiServer] = await Promise.all([startCloud(), startApiServer()]);
  const { state } = cloud.emulator;
  const tenant = findTenant(state, TENANT_ID);
  if (tenant === undefined) throw new Error('The emulator begins with a tenant');
  const application = addApplication(tenant, { clientId: POD_CLIENT_ID, objectId: POD_OBJECT_ID });
  addApplication(tenant, { clientId: NODE_CLIENT_ID, objectId: NODE_CLIENT_ID, secret: SECRET });
  for (const loginServer of [REGISTRIES.open, REGISTRIES.openPods]) registryOf(state, loginServer).anonymousPull = true;
  const metadata = await startMetadataService(cloud, {
    systemAssigned: undefined,
    userAssigned: [NODE_IDENTITY],
    secret: IDENTITY_HEADER,
  });
  // Each image is another one, so that a pod with one of them has no right to the others.
  const seed = (repository: string) => cloud.seed(repository, '1', { hello: readPause(), name: repository });
  for (const repository of ['team/app', 'team/static']) await seed(repository);

  const cacheFolder = join(folder, 'cache');
  const logFile = join(folder, 'helper.log');
  mkdirSync(cacheFolder, { mode: 0o700 });
  const pluginEnvironment = {
    DOCKER_CREDENTIAL_ACR_CACHE_DIR: cacheFolder,
    DOCKER_CREDENTIAL_ACR_LOG: logFile,
    AZURE_POD_IDENTITY_AUTHORITY_HOST: metadata.url,
  };
  const writeJson = (name: string, content: object) => {
    const file = join(folder, name);
    writeFileSync(file, JSON.stringify(content), { mode: 0o600 });
    return file;
  };
  const managedIdentity = writeJson('azure.json', {
    cloud: 'AzurePublicCloud',
    tenantId: TENANT_ID,
    useManagedIdentityExtension: true,
    userAssignedIdentityID: NODE_IDENTITY.clientId,
    aadClientId: 'msi',
    aadClientSecret: 'msi',
  });
  const clientSecret = writeJson('secret-azure.json', {
    cloud: 'AzurePublicCloud',
    tenantId: TENANT_ID,
    useManagedIdentityExtension: false,
    aadClientId: NODE_CLIENT_ID,
    aadClientSecret: SECRET,
  });
  const environment = cloud.emulator.environment();
  const node = await startNode({
    apiServer,
    environment,
    plugins: await listPlugins({ managedIdentity, clientSecret }, metadata.url, pluginEnvironment),
    staticPods: [
      describePod('static', `${REGISTRIES.node}/team/app:1`),
      describePod('static-pods', `${REGISTRIES.pods}/team/static:1`),
    ],
  });
  const { admin } = apiServer;
  return {
    cloud,
    apiServer,
    admin,
    node,
    metadata,
    application,
    cacheFolder,
    pluginLog: () => readTextFile(logFile) ?? '',
    askPlugin: async (image, serviceAccount) => {
      const request = {
        apiVersion: 'credentialprovider.kubelet.k8s.io/v1',
        kind: 'CredentialProviderRequest',
        image,
        serviceAccountToken: await admin.requestToken('default', serviceAccount, AUDIENCE),
        serviceAccountAnnotations: describeAnnotations(),
      };
      return runProcess(join(node.folder, 'bin', PODS_PLUGIN), [managedIdentity], {
        environment: { ...environment, ...pluginEnvironment, PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
        input: JSON.stringify(request),
      });
    },
    pull: async (name, image, options) => {
      const pod = describePod(name, image, options);
      await admin.apply(pod);
      try {
        return await waitForPull(admin, name);
      } finally {
        await admin.remove(pod);
      }
    },
    seed,
    addServiceAccount: async (name) => {
      const annotations = describeAnnotations();
      await admin.apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, annotations } });
    },
    trust: async (serviceAccount) => {
      const publicKey = await readPublicKey(admin);
      const subject = `system:serviceaccount:default:${serviceAccount}`;
      application.federatedCredentials.push({ issuer: apiServer.issuer, subject, audience: AUDIENCE, publicKey });
    },
    allowAudience: () => allowAudience(admin),
    close: async () => {
      const containerd = node.containerdLog();
      await node.close();
      await apiServer.close();
      await metadata.close();
      await cloud.close();
      const logs = { containerd, kubelet: node.log(), program: readTextFile(logFile) ?? '' };
      remove();
      for (const [name, log] of Object.entries(logs)) {
        const leak = findLeak(log, [SECRET, IDENTITY_HEADER, ...cloud.emulator.secrets]);
        if (leak !== undefined) throw new Error(`the log of the ${name} holds ${leak}`);
      }
    },
  };
}

function describeAnnotations(): Readonly<Record<string, string>> {
  const [clientId, tenantId] = ANNOTATIONS;
  return { [clientId]: POD_CLIENT_ID, [tenantId]: TENANT_ID };
}

async function readPublicKey(admin: ApiClient) {
  const { keys } = await admin.get('/openid/v1/jwks');
  const key = Array.isArray(keys) ? parseRecord(keys[0]) : undefined;
  if (key === undefined) throw new Error('The API server publishes no key');
  return createPublicKey({ key, format: 'jwk' });
}
