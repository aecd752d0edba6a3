/** The pods of the chart's DaemonSet on a real node: they install the program with the rights that they have, and no more. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { CHART, findHelm, KUBE_VERSION } from '../../scripts/kubernetes/render.ts';
import { runCommand } from '../../scripts/parts/command.ts';
import { hashFile } from '../../src/commands/kubelet/node-files.ts';
import { type Cloud, LOGIN_SERVER, startCloud } from '../e2e/world/cloud.ts';
import { needParts, PROGRAM } from '../e2e/world/parts.ts';
import { createTemporaryFolder } from '../e2e/world/temporary-folder.ts';
import { type JsonRecord, parseRecord, parseString } from '../emulator/json.ts';
import { CLIENT_ID, CLIENT_SECRET, registryOf, TENANT_ID } from '../emulator/state.ts';
import { makeConfig } from '../unit/commands/kubelet/node.ts';
import type { KubernetesObject } from './world/api-client.ts';
import { type ApiServer, NODE_NAME, startApiServer } from './world/api-server.ts';
import { type ClusterNode, canRunCluster, needCluster, startNode } from './world/node.ts';

const NAMESPACE = 'acr';
const helm = findHelm();
const folder = createTemporaryFolder('acr-daemon-set-');
const bin = join(folder.path, 'bin');
const config = join(folder.path, 'etc', 'config.yaml');
let cloud: Cloud;
let server: ApiServer;
let node: ClusterNode;

beforeAll(async () => {
  if (!canRunCluster() || helm === undefined) return;
  chmodSync(folder.path, 0o755);
  for (const one of [bin, join(folder.path, 'etc')]) mkdirSync(one, { mode: 0o755 });
  writeFileSync(join(bin, 'acr-credential-provider'), 'the peer', { mode: 0o755 });
  writeFileSync(config, makeConfig('ecr-credential-provider'), { mode: 0o644 });
  [cloud, server] = await Promise.all([startCloud(), startApiServer()]);
  registryOf(cloud.emulator.state, LOGIN_SERVER).nullGuidPassword = true;
  await cloud.seed('team/acr', 'v1', listImageFiles());
  const identity = {
    ...{ AZURE_TENANT_ID: TENANT_ID, AZURE_CLIENT_ID: CLIENT_ID, AZURE_CLIENT_SECRET: CLIENT_SECRET },
    DOCKER_CREDENTIAL_ACR_CACHE_DIR: join(folder.path, 'cache'),
  };
  node = await startNode({
    apiServer: server,
    environment: cloud.emulator.environment(),
    plugins: [{ name: 'acr-credential-provider', program: PROGRAM, env: identity, matchImages: [LOGIN_SERVER] }],
  });
  await server.admin.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } });
});
beforeEach((context) => {
  needCluster(context);
  needParts(context, 'helm');
});
afterAll(async () => {
  await node?.close();
  await server?.close();
  await cloud?.close();
  folder.remove();
});

it('installs the program on its node, and takes it away again', async () => {
  const { pod, provider } = await renderPod('install');
  await run(pod);
  const program = join(bin, 'docker-credential-acr');
  expect(hashFile(program)).toBe(hashFile(PROGRAM));
  expect(readFileSync(config, 'utf8')).toContain('name: ecr-credential-provider # of ecr-credential-provider');
  expect(readFileSync(config, 'utf8')).toContain(`name: ${provider}\n`);
  // What the pod has installed is what a kubelet of this machine can run.
  const request = {
    kind: 'CredentialProviderRequest',
    apiVersion: 'credentialprovider.kubelet.k8s.io/v1',
    image: 'docker.io/library/nginx',
  };
  const asked = execFileSync(join(bin, provider), { input: JSON.stringify(request), env: {}, encoding: 'utf8' });
  expect(JSON.parse(asked)).toMatchObject({ kind: 'CredentialProviderResponse', cacheDuration: '0s' });
  await server.admin.remove(pod);

  const { pod: undo } = await renderPod('undo', '--set', 'kubelet.uninstall=true');
  await run(undo);
  expect(readFileSync(config, 'utf8')).toBe(makeConfig('ecr-credential-provider'));
  expect(readFileSync(join(bin, 'acr-credential-provider'), 'utf8')).toBe('the peer');
  expect(execFileSync('ls', ['-A', bin], { encoding: 'utf8' })).toBe('acr-credential-provider\n');
});

/** Runs a pod until its first container has done its work and the other waits. */
async function run(pod: KubernetesObject): Promise<void> {
  await server.admin.apply(pod);
  const path = `/api/v1/namespaces/${NAMESPACE}/pods/${pod.metadata.name}`;
  let status: JsonRecord | undefined;
  for (let tries = 0; tries < 300; tries += 1) {
    status = parseRecord((await server.admin.get(path))['status']);
    if (parseString(status?.['phase']) === 'Running') return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`The pod does not run: ${JSON.stringify(status)}`);
}

/** The pod that the controller would create of the DaemonSet, and its service account. */
async function renderPod(name: string, ...args: readonly string[]) {
  const { exitCode, output } = await runCommand(helm ?? '', [
    ...['template', 'acr', CHART, '--namespace', NAMESPACE, '--kube-version', KUBE_VERSION],
    ...[
      '--set',
      `image.repository=${LOGIN_SERVER}/team/acr,image.tag=v1,kubelet.binDir=${bin},kubelet.configFile=${config}`,
    ],
    ...['--set', `kubelet.sha256=${hashFile(PROGRAM)},image.command={/docker-credential-acr}`],
    ...args,
  ]);
  if (exitCode !== 0) throw new Error(output);
  const documents = parseAllDocuments(output);
  const objects = (Array.isArray(documents) ? documents : []).map((one) => parseRecord(one.toJS()) ?? {});
  const account = find(objects, 'ServiceAccount');
  await server.admin.apply(toObject(account));
  const map = objects.find((one) => one['kind'] === 'ConfigMap');
  if (map !== undefined) await server.admin.apply(toObject(map));
  const template = parseRecord(parseRecord(find(objects, 'DaemonSet')['spec'])?.['template']);
  const spec = parseRecord(template?.['spec']) ?? {};
  const pod: KubernetesObject = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: NAMESPACE },
    spec: {
      ...spec,
      nodeName: NODE_NAME,
      // There is no network for pods here, and the node's mounts are private.
      hostNetwork: true,
      initContainers: withoutPropagation(spec['initContainers']),
      containers: withoutPropagation(spec['containers']),
      nodeSelector: undefined,
      terminationGracePeriodSeconds: 0,
    },
  };
  return { pod, provider: 'acr-credential-provider' };
}

function withoutPropagation(containers: unknown): readonly JsonRecord[] {
  return listRecords(containers).map((container) => ({
    ...container,
    volumeMounts: listRecords(container['volumeMounts']).map(({ mountPropagation: _, ...mount }) => mount),
  }));
}

function toObject(object: JsonRecord): KubernetesObject {
  const metadata = parseRecord(object['metadata']) ?? {};
  return {
    ...object,
    apiVersion: parseString(object['apiVersion']) ?? '',
    kind: parseString(object['kind']) ?? '',
    metadata: { ...metadata, name: parseString(metadata['name']) ?? '', namespace: NAMESPACE },
  };
}

function find(objects: readonly JsonRecord[], kind: string): JsonRecord {
  const found = objects.find((one) => one['kind'] === kind);
  if (found === undefined) throw new Error(`the chart renders a ${kind}`);
  return found;
}

function listRecords(value: unknown): readonly JsonRecord[] {
  return Array.isArray(value) ? value.map((one: unknown) => parseRecord(one) ?? {}) : [];
}

/** An image without a shell: the program and the libraries that it needs. */
function listImageFiles(): Record<string, Uint8Array<ArrayBuffer>> {
  const libraries = execFileSync('ldd', [PROGRAM], { encoding: 'utf8' }).match(/\/\S+(?= \()/g) ?? [];
  const files = [PROGRAM, ...libraries].map((file): [string, Uint8Array<ArrayBuffer>] => [
    file === PROGRAM ? 'docker-credential-acr' : file.slice(1),
    new Uint8Array(readFileSync(file)),
  ]);
  return Object.fromEntries(files);
}
