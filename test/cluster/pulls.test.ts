/** Pods on a real node, whose images are pulled with what the program says to the kubelet. */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readTextFile } from '../../scripts/test-parts/command.ts';
import { parseJsonRecord, parseString } from '../emulator/json.ts';
import { registryOf, TENANT_ID } from '../emulator/state.ts';
import { decodeToken } from '../emulator/tokens.ts';
import { ISSUER } from './world/api-server.ts';
import { AUDIENCE, type Cluster, NODE_IDENTITY, POD_CLIENT_ID, REGISTRIES, startCluster } from './world/cluster.ts';
import { canRunCluster, needCluster } from './world/node.ts';
import { describePod, waitForPull, waitForRunning } from './world/pods.ts';

const PULLED = { reason: 'Pulled', message: expect.stringContaining('Successfully pulled image') };
const REFUSED = { reason: 'Failed', message: expect.stringContaining('401 Unauthorized') };
const image = (registry: string, repository = 'team/app') => `${registry}/${repository}:1`;

let cluster: Cluster;
beforeAll(async () => {
  if (!canRunCluster()) return;
  cluster = await startCluster();
  for (const name of ['puller', 'second', 'renewer', 'stranger']) await cluster.addServiceAccount(name);
  for (const name of ['puller', 'second', 'renewer']) await cluster.trust(name);
});
afterAll(async () => {
  if (cluster) (await import('node:fs')).writeFileSync('/tmp/cl/kubelet.log', cluster.node.log());
  if (cluster) (await import('node:fs')).writeFileSync('/tmp/cl/helper.log', cluster.pluginLog());
  await cluster?.close();
});
beforeEach((context) => {
  needCluster(context);
  cluster.cloud.forget();
  logLength = cluster.node.log().length;
});

let logLength = 0;
/** The first line of the kubelet's log since the test began that has all these texts. */
const findLine = (...texts: readonly string[]) =>
  cluster.node
    .log()
    .slice(logLength)
    .split('\n')
    .find((line) => texts.every((text) => line.includes(text))) ?? '';
/** The requests of the sign-ins for a registry. */
const exchanges = (registry: string) =>
  cluster.cloud.emulator.requests.filter(({ host, path }) => host === registry && path === '/oauth2/exchange');
const assertions = () =>
  cluster.cloud.emulator.requests.flatMap(({ form }) => decodeToken(form['client_assertion'] ?? '')?.claims ?? []);

it('leaves a pod without a credential as long as no role lets the node ask for its token', async () => {
  const early = await cluster.pull('early', image(REGISTRIES.pods), { serviceAccount: 'puller' });
  const asked = exchanges(REGISTRIES.pods);
  await cluster.allowAudience();
  expect(await cluster.pull('late', image(REGISTRIES.pods), { serviceAccount: 'puller' })).toEqual(PULLED);
  expect([early, asked]).toEqual([REFUSED, []]);
  expect(findLine('Failed to provide credentials', 'pod="default/early"')).toContain(
    `audience \\"${AUDIENCE}\\" not found in pod spec volume, system:node:node-1 is not authorized to request tokens`,
  );
});

describe('with the identity of the node', () => {
  it('pulls a static pod, which has no service account', async () => {
    expect(await waitForPull(cluster.admin, 'static-node-1')).toEqual(PULLED);
    await waitForRunning(cluster.admin, 'static-node-1');
    expect(cluster.metadata.requests.map(({ query }) => query['client_id'])).toContain(NODE_IDENTITY.clientId);
  });

  it('signs in once for four images at once', async () => {
    const repositories = ['crowd/a', 'crowd/b', 'crowd/c', 'crowd/d'];
    for (const repository of repositories) await cluster.seed(repository);
    const pulls = repositories.map((repository, index) =>
      cluster.pull(`crowd-${index}`, image(REGISTRIES.crowd, repository)),
    );
    expect(await Promise.all(pulls)).toEqual([PULLED, PULLED, PULLED, PULLED]);
    expect(exchanges(REGISTRIES.crowd)).toHaveLength(1);
  });

  it('pulls anonymously when the registry takes the credential no longer', async () => {
    expect(await cluster.pull('fresh', image(REGISTRIES.open))).toEqual(PULLED);
    // All tokens of the registry are void, but the kubelet still has one.
    registryOf(cluster.cloud.emulator.state, REGISTRIES.open).epoch += 1;
    expect(await cluster.pull('void', image(REGISTRIES.open))).toEqual(PULLED);
    expect(exchanges(REGISTRIES.open)).toHaveLength(1);
  });
});

describe('with the identity of a service account', () => {
  it('pulls with the token that the API server issued for the pod', async () => {
    const pod = describePod('first', image(REGISTRIES.pods), { serviceAccount: 'second' });
    await cluster.admin.apply(pod);
    expect(await waitForPull(cluster.admin, 'first')).toEqual(PULLED);
    await waitForRunning(cluster.admin, 'first');
    await cluster.admin.remove(pod);
    expect(assertions()).toEqual([
      expect.objectContaining({ iss: ISSUER, sub: 'system:serviceaccount:default:second', aud: [AUDIENCE] }),
    ]);
    expect(exchanges(REGISTRIES.pods)).toHaveLength(1);
  });

  it('refuses an account that Entra does not trust, and says why in the log of the kubelet', async () => {
    expect(await cluster.pull('refused', image(REGISTRIES.pods), { serviceAccount: 'stranger' })).toEqual(REFUSED);
    const line = findLine('docker-credential-acr: error:', REGISTRIES.pods);
    expect(line).toContain('Cannot sign in for forpods.azurecr.io: no federated credential matches (AADSTS700213)');
    expect(line).toContain(`system:serviceaccount:default:stranger for ${POD_CLIENT_ID} in tenant ${TENANT_ID}`);
    expect(line).toContain('; hint: ');
    expect(exchanges(REGISTRIES.pods)).toEqual([]);
  });

  it('gives an account nothing that another one has earned', async () => {
    expect(await cluster.pull('owner', image(REGISTRIES.pods), { serviceAccount: 'puller' })).toEqual(PULLED);
    // Both the kubelet and the cache on the disk have a token now, and the node has the image.
    expect(readTokenFiles()).not.toEqual([]);
    cluster.cloud.forget();
    const asStranger = { serviceAccount: 'stranger' };
    expect(
      await Promise.all([
        cluster.pull('thief', image(REGISTRIES.pods), asStranger),
        cluster.pull('sharer', image(REGISTRIES.pods), { ...asStranger, imagePullPolicy: 'IfNotPresent' }),
      ]),
    ).toEqual([REFUSED, REFUSED]);
    expect(cluster.cloud.transfers('GET')).toEqual([]);
  });

  it('pulls from a registry that is open to everybody, although the account is refused', async () => {
    expect(await cluster.pull('public', image(REGISTRIES.openPods), { serviceAccount: 'stranger' })).toEqual(PULLED);
    expect(findLine('docker-credential-acr: error:', REGISTRIES.openPods)).toContain('no federated credential matches');
  });

  it('uses the identity of the node for an account without annotations', async () => {
    expect(await cluster.pull('plain', image(REGISTRIES.pods), { serviceAccount: 'default' })).toEqual(PULLED);
    expect(assertions()).toEqual([]);
  });

  it('does not wait for the renewal of a token', async () => {
    const asked = await cluster.askPlugin(image(REGISTRIES.pods), 'renewer');
    expect(asked).toMatchObject({ exitCode: 0, stderr: '' });
    ageTokens('renewer');
    const before = readTokenFiles();
    cluster.cloud.forget();
    const restore = cluster.cloud.emulator.inject({ host: REGISTRIES.pods, path: '/oauth2/exchange', delayMs: 4000 });
    const startedAt = Date.now();
    expect(await cluster.pull('renewal', image(REGISTRIES.pods), { serviceAccount: 'renewer' })).toEqual(PULLED);
    const pulledAfterMs = Date.now() - startedAt;
    await expect.poll(() => exchanges(REGISTRIES.pods).map(({ status }) => status), { timeout: 10_000 }).toEqual([200]);
    const renewedAfterMs = Date.now() - startedAt;
    restore();
    await expect.poll(readTokenFiles, { timeout: 10_000 }).not.toEqual(before);
    expect(pulledAfterMs).toBeLessThan(3500);
    expect(renewedAfterMs).toBeGreaterThanOrEqual(4000);
  });

  it('does not fall back to the client secret of the node', async () => {
    expect(await cluster.pull('secret', image(REGISTRIES.secret), { serviceAccount: 'stranger' })).toEqual(REFUSED);
    expect(await cluster.pull('own', image(REGISTRIES.secret), { serviceAccount: 'puller' })).toEqual(PULLED);
  });
});

describe('AKS’s plug-in in the same cluster', () => {
  it('pulls with the identity of the node', async () => {
    expect(await cluster.pull('peer-node', image(REGISTRIES.peerNode))).toEqual(PULLED);
  });

  it('pulls with the identity of a service account, and refuses another one', async () => {
    expect(
      await Promise.all([
        cluster.pull('peer-puller', image(REGISTRIES.peerPods), { serviceAccount: 'puller' }),
        cluster.pull('peer-stranger', image(REGISTRIES.peerPods), { serviceAccount: 'stranger' }),
      ]),
    ).toEqual([PULLED, REFUSED]);
  });

  it('lets every pod pull on a node with a client secret, whose token it ignores', async () => {
    expect(await cluster.pull('peer-secret', image(REGISTRIES.peerSecret), { serviceAccount: 'stranger' })).toEqual(
      PULLED,
    );
    expect(assertions()).toEqual([]);
  });
});

const tokensFolder = () => join(cluster.cacheFolder, 'tokens');

function readTokenFiles(): readonly string[] {
  return readdirSync(tokensFolder()).map((name) => readTextFile(join(tokensFolder(), name)) ?? '');
}

/** Makes the tokens of an account two and a half hours old, when half an hour is left. */
function ageTokens(serviceAccount: string): void {
  const now = Math.floor(Date.now() / 1000);
  for (const name of readdirSync(tokensFolder())) {
    const file = join(tokensFolder(), name);
    const entry = parseJsonRecord(readTextFile(file) ?? '') ?? {};
    if (parseString(entry['identity'])?.includes(serviceAccount) !== true) continue;
    writeFileSync(file, JSON.stringify({ ...entry, savedAtSeconds: now - 9000, expiresAtSeconds: now + 1800 }));
  }
}
