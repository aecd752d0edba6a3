/**
 * A real API server with its own etcd: the Node and RBAC authorizers and the admission of a kubeadm cluster, and an
 * issuer of its own. There is no scheduler and no controller: a pod has to name its node.
 */
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findFreePort } from '../../e2e/world/free-port.ts';
import { partOf } from '../../e2e/world/parts.ts';
import { type Server, startProcess, waitForServer } from '../../e2e/world/process.ts';
import { createTemporaryFolder } from '../../e2e/world/temporary-folder.ts';
import { type ApiClient, createApiClient } from './api-client.ts';

/** The programs that {@link startApiServer} needs. */
export const API_SERVER_PARTS = ['etcd', 'kube-apiserver'] as const;

/** The issuer of the service accounts' tokens; nothing answers there. */
export const ISSUER = 'https://oidc.cluster.test/';

/** The node whose kubelet may use the API. */
export const NODE_NAME = 'node-1';

export interface ApiServerOptions {
  readonly issuer?: string;
  /** More users by name, each with its groups. */
  readonly users?: Readonly<Record<string, readonly string[]>>;
}

export interface ApiServer {
  /** `https://127.0.0.1:PORT` */
  readonly url: string;
  readonly issuer: string;
  /** The file with the certificate of the server, for `certificate-authority` of a kubeconfig. */
  readonly caFile: string;
  /** A user of `system:masters`. */
  readonly admin: ApiClient;
  /** The kubelet of {@link NODE_NAME}: `system:node:node-1` of `system:nodes`. */
  readonly node: ApiClient;
  /** A user of the options, or `nobody`, who is signed in and has no rights. */
  readonly user: (name: string) => ApiClient;
  /** The user whose token this is, such as a service account. */
  readonly bearer: (token: string) => ApiClient;
  /** The token of `admin`, `node` or a user, which `kubeconfig` writes. */
  readonly tokenOf: (name: string) => string;
  /**
   * Writes a kubeconfig for `admin`, `node` or a user.
   * @returns its path.
   */
  readonly kubeconfig: (name: string) => string;
  /** The log of the API server. */
  readonly output: () => string;
  readonly close: () => Promise<void>;
}

/** Starts both on free ports of the loopback, which takes some seconds. */
export async function startApiServer(options: ApiServerOptions = {}): Promise<ApiServer> {
  const { issuer = ISSUER } = options;
  const { path: folder, remove } = createTemporaryFolder('acr-api-server-');
  const users = new Map<string, { readonly user: string; readonly groups: readonly string[] }>([
    ['admin', { user: 'admin', groups: ['system:masters'] }],
    ['node', { user: `system:node:${NODE_NAME}`, groups: ['system:nodes'] }],
    ['nobody', { user: 'nobody', groups: [] }],
    ...Object.entries(options.users ?? {}).map(([user, groups]) => [user, { user, groups }] as const),
  ]);
  const rows = [...users].map(
    ([name, { user, groups }]) => `${tokenFor(name)},${user},${user},"${groups.join(',')}"\n`,
  );
  writeFileSync(join(folder, 'tokens.csv'), rows.join(''), { mode: 0o600 });
  writeSigningKeys(folder);

  const servers: Server[] = [];
  const clients: ApiClient[] = [];
  const close = async () => {
    for (const client of clients) client.close();
    // The API server ends before its store, which it would call for otherwise.
    for (const server of servers.toReversed()) await server.stop();
    remove();
  };
  try {
    const etcd = await startEtcd(folder, servers);
    const port = await findFreePort();
    const url = `https://127.0.0.1:${port}`;
    const server = startProcess(partOf('kube-apiserver'), listArguments(folder, etcd, port, issuer), {
      environment: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: folder },
      folder,
    });
    servers.push(server);
    const caFile = join(folder, 'certificates', 'apiserver.crt');
    await waitForServer(server, () => isReady(url, caFile));
    const ca = readFileSync(caFile, 'utf8');
    const tokenOf = (name: string) => {
      if (!users.has(name)) throw new Error(`Cannot find the user ${name}: name it in the options`);
      return tokenFor(name);
    };
    const bearer = (token: string) => {
      const client = createApiClient(url, ca, token);
      clients.push(client);
      return client;
    };
    const admin = bearer(tokenOf('admin'));
    // A controller would do that.
    await admin.apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } });
    return {
      url,
      issuer,
      caFile,
      admin,
      node: bearer(tokenOf('node')),
      user: (name) => bearer(tokenOf(name)),
      bearer,
      tokenOf,
      kubeconfig: (name) => {
        const file = join(folder, `${name}.kubeconfig`);
        writeFileSync(file, formatKubeconfig(url, caFile, tokenOf(name)), { mode: 0o600 });
        return file;
      },
      output: server.output,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** @returns the URL of the store. */
async function startEtcd(folder: string, servers: Server[]): Promise<string> {
  const [client, peer] = [`http://127.0.0.1:${await findFreePort()}`, `http://127.0.0.1:${await findFreePort()}`];
  const server = startProcess(
    partOf('etcd'),
    [
      ...['--data-dir', join(folder, 'etcd'), '--log-level', 'error'],
      ...['--listen-client-urls', client, '--advertise-client-urls', client],
      ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', `default=${peer}`],
    ],
    { environment: { PATH: '/usr/bin:/bin', HOME: folder }, folder },
  );
  servers.push(server);
  return client;
}

function listArguments(folder: string, etcd: string, port: number, issuer: string): readonly string[] {
  return [
    ...['--etcd-servers', etcd, '--secure-port', String(port), '--bind-address', '127.0.0.1'],
    ...['--advertise-address', '127.0.0.1', '--service-cluster-ip-range', '10.96.0.0/24'],
    // The server makes its own certificate there.
    ...['--cert-dir', join(folder, 'certificates')],
    ...['--service-account-issuer', issuer, '--service-account-signing-key-file', join(folder, 'sa.key')],
    ...['--service-account-key-file', join(folder, 'sa.pub'), '--token-auth-file', join(folder, 'tokens.csv')],
    ...['--authorization-mode', 'Node,RBAC', '--enable-admission-plugins', 'NodeRestriction'],
    // Nobody uses the service `kubernetes` here, and its lease would delay the end.
    ...['--endpoint-reconciler-type', 'none'],
  ];
}

function writeSigningKeys(folder: string): void {
  mkdirSync(join(folder, 'certificates'));
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  writeFileSync(join(folder, 'sa.key'), privateKey, { mode: 0o600 });
  writeFileSync(join(folder, 'sa.pub'), publicKey);
}

async function isReady(url: string, caFile: string): Promise<boolean> {
  try {
    const client = createApiClient(url, readFileSync(caFile, 'utf8'), tokenFor('admin'));
    const { status } = await client.request('GET', '/readyz');
    client.close();
    return status === 200;
  } catch {
    return false; // It does not listen yet, or has no certificate.
  }
}

function formatKubeconfig(url: string, caFile: string, token: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster: { server: url, 'certificate-authority': caFile } }],
    users: [{ name: 'test', user: { token } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    'current-context': 'test',
  });
}

function tokenFor(name: string): string {
  return `token-of-${name}`;
}
