/** Pods on a real node. Their images are pulled with what the program, or AKS's own plug-in, says to the kubelet. */
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readTextFile } from '../../scripts/parts/command.ts';
import { type JsonRecord, parseJsonRecord, parseString } from '../emulator/json.ts';
import { registryOf, TENANT_ID } from '../emulator/state.ts';
import { decodeToken } from '../emulator/tokens.ts';
import { ISSUER } from './world/api-server.ts';
import { AUDIENCE } from './world/audience.ts';
import { type Cluster, NODE_CLIENT_ID, NODE_IDENTITY, POD_CLIENT_ID, startCluster } from './world/cluster.ts';
import { canRunCluster, needCluster } from './world/node.ts';
import { REGISTRIES } from './world/plugins.ts';
import { describePod, type PullOutcome, waitForPull, waitForRunning } from './world/pods.ts';

const PULLED = { reason: 'Pulled', message: expect.stringContaining('Successfully pulled image') };
/** The registry's word. The kubelet keeps the reason to itself, and its log. */
const REFUSED = { reason: 'Failed', message: expect.stringContaining('401 Unauthorized') };

let cluster: Cluster;
let logLength = 0;

beforeAll(async () => {
  if (!canRunCluster()) return;
  cluster = await startCluster();
  for (const name of ['puller', 'second', 'renewer', 'stranger', 'intruder']) await cluster.addServiceAccount(name);
  for (const name of ['puller', 'second', 'renewer']) await cluster.trust(name);
});
beforeEach((context) => {
  needCluster(context);
  cluster.cloud.forget();
  logLength = cluster.node.log().length;
});
afterAll(() => cluster?.close());

it('leaves a pod without a credential as long as no role lets the node ask for its token', async () => {
  const early = await cluster.pull('early', imageOf(REGISTRIES.pods), { serviceAccount: 'puller' });
  const asked = listAssertions('puller');
  await cluster.allowAudience();
  expect(await cluster.pull('late', imageOf(REGISTRIES.pods), { serviceAccount: 'puller' })).toEqual(PULLED);
  expect([early, asked]).toEqual([REFUSED, []]);
  expect(findLine('Failed to provide credentials', 'pod="default/early"')).toContain(
    `audience \\"${AUDIENCE}\\" not found in pod spec volume, system:node:node-1 is not authorized to request tokens`,
  );
});

describe('with the identity of the node', () => {
  it('pulls a static pod, which has no service account', async () => {
    expect(await waitForPull(cluster.admin, 'static-node-1')).toEqual(PULLED);
    await waitForRunning(cluster.admin, 'static-node-1');
    const identities = cluster.metadata.requests.map(({ query }) => query['client_id']);
    expect(new Set(identities)).toEqual(new Set([NODE_IDENTITY.clientId]));
  });

  it('signs in once for four images at once', async () => {
    expect(await pullFour(REGISTRIES.crowd)).toEqual([PULLED, PULLED, PULLED, PULLED]);
    expect(listExchanges(REGISTRIES.crowd)).toEqual([200]);
  });

  it('pulls anonymously when the registry takes the credential no longer', async () => {
    expect(await cluster.pull('fresh', imageOf(REGISTRIES.open))).toEqual(PULLED);
    // Every token of the registry is void now, and the kubelet keeps one of them.
    registryOf(cluster.cloud.emulator.state, REGISTRIES.open).epoch += 1;
    expect(await cluster.pull('void', imageOf(REGISTRIES.open))).toEqual(PULLED);
    expect(listExchanges(REGISTRIES.open)).toEqual([200]);
  });
});

describe('with the identity of a service account', () => {
  it('pulls with the token that the API server issued for the pod', async () => {
    const pod = describePod('first', imageOf(REGISTRIES.pods), { serviceAccount: 'second' });
    await cluster.admin.apply(pod);
    expect(await waitForPull(cluster.admin, 'first')).toEqual(PULLED);
    await waitForRunning(cluster.admin, 'first');
    await cluster.admin.remove(pod);
    expect(listAssertions('second')).toEqual([expect.objectContaining({ iss: ISSUER, aud: [AUDIENCE] })]);
    expect(listExchanges(REGISTRIES.pods)).toEqual([200]);
  });

  it('refuses an account that Entra does not trust, and says why in the log of the kubelet', async () => {
    expect(await cluster.pull('refused', imageOf(REGISTRIES.pods), { serviceAccount: 'stranger' })).toEqual(REFUSED);
    const line = findLine('docker-credential-acr: error:', REGISTRIES.pods);
    expect(line).toContain(`Cannot sign in for ${REGISTRIES.pods}: no federated credential matches (AADSTS700213)`);
    expect(line).toContain(`system:serviceaccount:default:stranger for ${POD_CLIENT_ID} in tenant ${TENANT_ID}`);
    expect(line).toContain('; hint: ');
    expect(listExchanges(REGISTRIES.pods)).toEqual([]);
  });

  it('gives an account nothing that another one has earned', async () => {
    expect(await cluster.pull('owner', imageOf(REGISTRIES.pods), { serviceAccount: 'puller' })).toEqual(PULLED);
    // The node has the image now, and both the kubelet and the cache on the disk have a token.
    expect(readTokens()).not.toEqual([]);
    cluster.cloud.forget();
    const thief = { serviceAccount: 'stranger' };
    const outcomes = await Promise.all([
      cluster.pull('thief', imageOf(REGISTRIES.pods), thief),
      cluster.pull('heir', imageOf(REGISTRIES.pods), { ...thief, imagePullPolicy: 'IfNotPresent' }),
    ]);
    expect(outcomes).toEqual([REFUSED, REFUSED]);
    expect(cluster.cloud.transfers('GET')).toEqual([]);
  });

  it('pulls from a registry that is open to everybody, although the account is refused', async () => {
    expect(await cluster.pull('public', imageOf(REGISTRIES.openPods), { serviceAccount: 'stranger' })).toEqual(PULLED);
    expect(findLine('docker-credential-acr: error:', REGISTRIES.openPods)).toContain('no federated credential matches');
  });

  it('uses the identity of the node for a static pod, and for an account without annotations', async () => {
    expect(await waitForPull(cluster.admin, 'static-pods-node-1')).toEqual(PULLED);
    expect(await cluster.pull('plain', imageOf(REGISTRIES.pods), { serviceAccount: 'default' })).toEqual(PULLED);
    expect(listAssertions('default')).toEqual([]);
  });

  it('gives the kubelet a token at once while it renews the token', async () => {
    expect(await cluster.askPlugin(imageOf(REGISTRIES.pods), 'renewer')).toMatchObject({ exitCode: 0, stderr: '' });
    const aged = ageTokens('renewer');
    expect(aged).toHaveLength(1);
    cluster.cloud.forget();
    const renewalMs = 4000;
    const fault = { host: REGISTRIES.pods, path: '/oauth2/exchange', delayMs: renewalMs };
    const restore = cluster.cloud.emulator.inject(fault);
    const startedAt = Date.now();
    expect(await cluster.pull('renewal', imageOf(REGISTRIES.pods), { serviceAccount: 'renewer' })).toEqual(PULLED);
    const pulledAfterMs = Date.now() - startedAt;
    expect(pulledAfterMs).toBeLessThan(renewalMs);
    const left = () => readTokens().filter((token) => aged.includes(token));
    await expect.poll(left, { timeout: 10_000 }).toEqual([]).finally(restore);
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(renewalMs);
    // The renewal got the token of the service account too.
    expect(listAssertions('renewer')).toHaveLength(1);
    expect(listExchanges(REGISTRIES.pods)).toEqual([200]);
  });

  it('does not fall back to the client secret of the node', async () => {
    const pulls = ['stranger', 'puller'].map((serviceAccount) =>
      cluster.pull(`secret-${serviceAccount}`, imageOf(REGISTRIES.secret), { serviceAccount }),
    );
    expect(await Promise.all(pulls)).toEqual([REFUSED, PULLED]);
  });
});

describe('AKS’s plug-in in the same cluster', () => {
  it('pulls with the identity of the node, and signs in for each of four images', async () => {
    expect(await pullFour(REGISTRIES.peerNode)).toEqual([PULLED, PULLED, PULLED, PULLED]);
    expect(listExchanges(REGISTRIES.peerNode)).toEqual([200, 200, 200, 200]);
  });

  it('pulls with the identity of a service account, and refuses another one', async () => {
    const pulls = ['puller', 'stranger'].map((serviceAccount) =>
      cluster.pull(`peer-${serviceAccount}`, imageOf(REGISTRIES.peerPods), { serviceAccount }),
    );
    expect(await Promise.all(pulls)).toEqual([PULLED, REFUSED]);
  });

  it('lets every pod pull where the node has a client secret, and gives that secret to the registry', async () => {
    const pod = { serviceAccount: 'intruder' };
    expect(await cluster.pull('peer-secret', imageOf(REGISTRIES.peerSecret), pod)).toEqual(PULLED);
    expect([listAssertions('intruder'), listExchanges(REGISTRIES.peerSecret)]).toEqual([[], []]);
    const logins = cluster.cloud.emulator.requests.filter(({ host }) => host === REGISTRIES.peerSecret);
    expect(logins.map(({ form }) => form['username'])).toContain(NODE_CLIENT_ID);
  });
});

function imageOf(registry: string, repository = 'team/app'): string {
  return `${registry}/${repository}:1`;
}

/** Pulls four images of a registry at once, whose sign-ins take long enough to overlap. */
async function pullFour(registry: string): Promise<readonly PullOutcome[]> {
  const names = ['one', 'two', 'three', 'four'];
  for (const name of names) await cluster.seed(`crowd/${name}`);
  const restore = cluster.cloud.emulator.inject({ host: registry, path: '/oauth2/exchange', delayMs: 1500 });
  const [label] = registry.split('.');
  const pulls = names.map((name) => cluster.pull(`${label}-${name}`, imageOf(registry, `crowd/${name}`)));
  return Promise.all(pulls).finally(restore);
}

/** The first line of the kubelet's log since the test began that has all these texts. */
function findLine(...texts: readonly string[]): string {
  const lines = cluster.node.log().slice(logLength).split('\n');
  return lines.find((line) => texts.every((text) => line.includes(text))) ?? '';
}

/** The statuses of the exchanges for tokens of a registry. */
function listExchanges(registry: string): readonly number[] {
  const requests = cluster.cloud.emulator.requests;
  return requests.flatMap(({ host, path, status }) => (host === registry && path === '/oauth2/exchange' ? status : []));
}

/** The claims of an account's tokens that came to Entra. Pods of other tests may still be on their way. */
function listAssertions(serviceAccount: string): readonly JsonRecord[] {
  return cluster.cloud.emulator.requests.flatMap(({ form }) => {
    const { claims } = decodeToken(form['client_assertion'] ?? '') ?? {};
    return claims?.['sub'] === `system:serviceaccount:default:${serviceAccount}` ? [claims] : [];
  });
}

function listTokenFiles(): readonly string[] {
  const folder = join(cluster.cacheFolder, 'tokens');
  return readdirSync(folder).map((name) => join(folder, name));
}

/** What the program's cache on the node holds. */
function readTokens(): readonly string[] {
  return listTokenFiles().map((file) => readTextFile(file) ?? '');
}

/**
 * Makes the tokens that an account has for registries two and a half hours old, with half an hour left, and takes away
 * its token of Entra.
 * @returns what the cache holds of them now.
 */
function ageTokens(serviceAccount: string): readonly string[] {
  const now = Math.floor(Date.now() / 1000);
  return listTokenFiles().flatMap((file) => {
    const entry = parseJsonRecord(readTextFile(file) ?? '') ?? {};
    if (parseString(entry['identity'])?.includes(serviceAccount) !== true) return [];
    rmSync(file);
    if (parseString(entry['kind'])?.startsWith('entra-token') === true) return [];
    const aged = JSON.stringify({ ...entry, savedAtSeconds: now - 9000, expiresAtSeconds: now + 1800 });
    writeFileSync(file, aged, { mode: 0o600 });
    return [aged];
  });
}
