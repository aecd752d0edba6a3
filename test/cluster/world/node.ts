/**
 * A real node: a kubelet and containerd, with plug-ins of the kubelet. They run in namespaces of their own, which take
 * everything along when they end: pods, mounts, and what the two keep in fixed places.
 */
import { mkdirSync, readdirSync, readFileSync, rmdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'vitest';
import { readTextFile } from '../../../scripts/parts/command.ts';
import { findFreePort } from '../../e2e/world/free-port.ts';
import { packImage } from '../../e2e/world/image.ts';
import { partOf } from '../../e2e/world/parts.ts';
import { startProcess, waitForServer } from '../../e2e/world/process.ts';
import { createTemporaryFolder } from '../../e2e/world/temporary-folder.ts';
import type { JsonRecord } from '../../emulator/json.ts';
import type { KubernetesObject } from './api-client.ts';
import { type ApiServer, NODE_NAME } from './api-server.ts';
import { findObstacle, NAMESPACES } from './requirements.ts';

const SANDBOX_IMAGE = 'local.test/sandbox:1';

/** A plug-in, with its entry of `providers` in a `CredentialProviderConfig`. */
export interface Plugin {
  /** The name of the link in the folder of the plug-ins. */
  readonly name: string;
  /** The program behind the link. */
  readonly program: string;
  readonly matchImages: readonly string[];
  readonly args?: readonly string[];
  /** More variables than those of the entry. */
  readonly env?: Readonly<Record<string, string>>;
  readonly tokenAttributes?: object;
  /** The entry that `kubelet config` prints, which has all the rest. */
  readonly printed?: JsonRecord;
}

export interface NodeOptions {
  readonly apiServer: ApiServer;
  /** Variables of the kubelet and of containerd, which the plug-ins inherit. */
  readonly environment: Readonly<Record<string, string>>;
  readonly plugins: readonly Plugin[];
  readonly staticPods?: readonly KubernetesObject[];
}

export interface ClusterNode {
  readonly folder: string;
  /** The log of the kubelet so far. */
  readonly log: () => string;
  readonly containerdLog: () => string;
  /** Ends both, and every pod. */
  readonly close: () => Promise<void>;
}

/** Whether a cluster can run here, for what starts before the first test. */
export function canRunCluster(): boolean {
  return findObstacle() === undefined;
}

/** Skips the test unless a cluster can run here. */
export function needCluster(context: TestContext): void {
  const obstacle = findObstacle();
  if (obstacle !== undefined) context.skip(obstacle);
}

/** Starts the node `node-1` of an API server. */
export async function startNode(options: NodeOptions): Promise<ClusterNode> {
  const { apiServer, environment, plugins, staticPods = [] } = options;
  const { path: folder, remove } = createTemporaryFolder('acr-node-');
  const cgroup = folder.slice(folder.lastIndexOf('/') + 1);
  for (const name of ['bin', 'manifests', 'tmp']) mkdirSync(join(folder, name));
  const write = (name: string, content: string | Uint8Array) => writeFileSync(join(folder, name), content);
  write('containerd.toml', formatContainerdConfig(folder));
  write('sandbox.tar', packImage(SANDBOX_IMAGE, { hello: readPause() }));
  write('kubelet.json', JSON.stringify(describeKubelet(folder, cgroup, await findFreePort())));
  write('plugins.json', JSON.stringify(describePlugins(plugins)));
  for (const { name, program } of plugins) symlinkSync(program, join(folder, 'bin', name));
  for (const pod of staticPods) write(join('manifests', `${pod.metadata.name}.json`), JSON.stringify(pod));

  const programs = ['containerd', 'ctr', 'kubelet'].map(partOf);
  const server = startProcess(
    partOf('unshare'),
    [...NAMESPACES, 'sh', '-euc', NODE_SCRIPT, 'sh', folder, apiServer.kubeconfig('node'), ...programs],
    {
      environment: { ...environment, PATH: '/usr/sbin:/usr/bin:/sbin:/bin', TMPDIR: join(folder, 'tmp') },
      folder,
      // The namespaces end with it.
      stopSignal: 'SIGKILL',
    },
  );
  const close = async () => {
    await server.stop();
    removeCgroup(cgroup);
    remove();
  };
  try {
    await waitForServer(
      server,
      async () => (await apiServer.node.request('GET', `/api/v1/nodes/${NODE_NAME}`)).status === 200,
    );
  } catch (error) {
    await close();
    throw error;
  }
  return { folder, log: server.output, containerdLog: () => readTextFile(join(folder, 'containerd.log')) ?? '', close };
}

/** Arguments: the folder, the kubeconfig, containerd, ctr, kubelet. */
const NODE_SCRIPT = `
mkdir -p /var/lib/kubelet
for folder in /run /var/log /var/lib/kubelet; do mount -t tmpfs none $folder; done
"$3" --config "$1/containerd.toml" >"$1/containerd.log" 2>&1 &
until "$4" --address "$1/containerd.sock" --namespace k8s.io images import "$1/sandbox.tar" >"$1/import.log" 2>&1; do
  kill -0 $! || { tail "$1/containerd.log"; exit 1; }
  sleep 0.05
done
"$5" --config "$1/kubelet.json" --kubeconfig "$2" --hostname-override ${NODE_NAME} --node-ip 127.0.0.1 \\
  --root-dir "$1/kubelet" --cert-dir "$1/pki" -v 4 \\
  --image-credential-provider-config "$1/plugins.json" --image-credential-provider-bin-dir "$1/bin"
`;

/** The snapshotter works on every file system, in containers too. */
function formatContainerdConfig(folder: string): string {
  return `
version = 2
root = "${folder}/containerd"
state = "${folder}/state"
[grpc]
  address = "${folder}/containerd.sock"
[plugins."io.containerd.internal.v1.opt"]
  path = "${folder}/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${SANDBOX_IMAGE}"
  disable_apparmor = true
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "native"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
`;
}

function describeKubelet(folder: string, cgroup: string, port: number): object {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address: '127.0.0.1',
    port,
    healthzPort: 0,
    readOnlyPort: 0,
    authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
    authorization: { mode: 'AlwaysAllow' },
    containerRuntimeEndpoint: `unix://${folder}/containerd.sock`,
    staticPodPath: join(folder, 'manifests'),
    podLogsDir: join(folder, 'logs'),
    volumePluginDir: join(folder, 'volume-plugins'),
    // A pod does not wait for the pull of another.
    serializeImagePulls: false,
    imageGCHighThresholdPercent: 100,
    resolvConf: '',
    // The rest takes nothing from the machine, whatever it is.
    failCgroupV1: false,
    failSwapOn: false,
    cgroupDriver: 'cgroupfs',
    cgroupRoot: `/${cgroup}`,
    cgroupsPerQOS: false,
    enforceNodeAllocatable: [],
    evictionHard: {
      'memory.available': '1Mi',
      'nodefs.available': '0%',
      'imagefs.available': '0%',
      'nodefs.inodesFree': '0%',
    },
    makeIPTablesUtilChains: false,
    localStorageCapacityIsolation: false,
  };
}

function describePlugins(plugins: readonly Plugin[]): object {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1',
    kind: 'CredentialProviderConfig',
    providers: plugins.map(({ program: _, env = {}, printed, ...plugin }) => ({
      apiVersion: 'credentialprovider.kubelet.k8s.io/v1',
      defaultCacheDuration: '0s',
      ...(printed ?? plugin),
      env: [
        ...(Array.isArray(printed?.['env']) ? printed['env'] : []),
        ...Object.entries(env).map(([name, value]) => ({ name, value })),
      ],
    })),
  };
}

/** What the containers of the tests run. */
export function readPause(): Buffer<ArrayBuffer> {
  return readFileSync(partOf('pause'));
}

/** Removes the groups of the pods, which their processes have left: one tree in each hierarchy, or a single one. */
function removeCgroup(name: string): void {
  const root = '/sys/fs/cgroup';
  for (const hierarchy of ['', ...readdirSync(root)]) removeFolders(join(root, hierarchy, name));
}

function removeFolders(folder: string): void {
  try {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (entry.isDirectory()) removeFolders(join(folder, entry.name));
    }
    rmdirSync(folder);
  } catch {
    // It does not exist, or the kernel still counts a process that has just ended.
  }
}
