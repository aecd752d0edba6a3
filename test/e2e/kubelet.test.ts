/** The built program as the plug-in of a kubelet, asked by the kubelet's own code. */
import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readTextFile } from '../../scripts/parts/command.ts';
import { parseJsonRecord, parseString } from '../emulator/json.ts';
import { CLIENT_ID, findTenant, NULL_GUID, SUBSCRIPTION_ID, TENANT_ID } from '../emulator/state.ts';
import { BINDING_AUDIENCE, startTokenProxy } from '../emulator/token-proxy.ts';
import { decodeToken } from '../emulator/tokens.ts';
import { LOGIN_SERVER } from './world/cloud.ts';
import { createNode, formatRequest, type Installation, type Plugin, type Pull } from './world/kubelet.ts';
import type { Machine } from './world/machine.ts';
import { needParts, needRoot, PROGRAM } from './world/parts.ts';
import { runProcess } from './world/process.ts';
import { createTemporaryFolder } from './world/temporary-folder.ts';
import { startTerminal } from './world/terminal.ts';
import { openCloud } from './world/test-cloud.ts';

const ENTRA_HOST = 'login.microsoftonline.com';
const IMAGE = `${LOGIN_SERVER}/team/app`;
const ISSUER = 'https://oidc.example.test/cluster/';
const AUDIENCE = 'api://AzureADTokenExchange';
const ANONYMOUS = { username: '', password: '' };
const PLUGIN: Plugin = { name: 'acr-credential-provider' };
const ACCOUNTS: Plugin = { ...PLUGIN, audience: AUDIENCE };
/** The answer of a plug-in that is not there, or whose response a kubelet does not take. */
const NOTHING: Pull['credentials'] = [];

const cloud = await openCloud();
const { state } = cloud.emulator;
const application = findTenant(state, TENANT_ID)?.applications.get(CLIENT_ID);
const keyFolder = createTemporaryFolder('acr-cluster-');
const signingKey = join(keyFolder.path, 'key.pem');
const clusterKey = createClusterKey();
const undo: (() => void)[] = [];
let machine: Machine;

beforeEach(() => {
  machine = cloud.addMachine();
  if (application !== undefined) application.federatedCredentials = [];
});
afterEach(async () => {
  for (const restore of undo.splice(0)) restore();
  await waitUntil(() => listProcesses(machine.folder).length === 0);
});
afterAll(() => keyFolder.remove());

/** The key with which the cluster signs the tokens of its service accounts. */
function createClusterKey(): KeyObject {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  writeFileSync(signingKey, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  return publicKey;
}

function trust(account: string): void {
  const subject = `system:serviceaccount:default:${account}`;
  application?.federatedCredentials.push({ issuer: ISSUER, subject, audience: AUDIENCE, publicKey: clusterKey });
}

/** The flags for a pod with a service account. */
function flagsOf(account: string, annotations: readonly string[] = annotate()): readonly string[] {
  const all = annotations.flatMap((annotation) => ['-annotation', annotation]);
  return ['-service-account', account, '-signing-key', signingKey, '-issuer', ISSUER, ...all];
}

function annotate(prefix = 'kubernetes.azure.com/acr-'): readonly string[] {
  return [`${prefix}client-id=${CLIENT_ID}`, `${prefix}tenant-id=${TENANT_ID}`];
}

/** Expects the token of a registry, and then an anonymous pull. */
function expectToken(pull: Pull | undefined, service = LOGIN_SERVER): string {
  const password = pull?.credentials[0]?.password ?? '';
  expect(pull?.credentials).toEqual([{ username: NULL_GUID, password }, ANONYMOUS]);
  expect(decodeToken(password)?.claims).toMatchObject({ aud: service });
  return password;
}

const errorLines = (text: string) => text.split('\n').filter((line) => line.includes('docker-credential-acr: error:'));

async function waitUntil(isReached: () => boolean): Promise<void> {
  for (let tries = 0; !isReached(); tries += 1) {
    if (tries > 2_000) throw new Error('The expected state was not reached');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** The processes that have a text in their command line, environment or working directory. */
function listProcesses(text: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((name) =>
      ['cmdline', 'environ'].some((file) => readTextFile(`/proc/${name}/${file}`)?.includes(text) === true),
    )
    .map(Number);
}

/** Starts the plug-in as a kubelet does, without a kubelet. */
function startPlugin(environment: Readonly<Record<string, string>>, input: string): ChildProcess {
  const child = spawn(PROGRAM, ['kubelet'], { env: environment, stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin?.end(input);
  child.stdout?.resume();
  child.stderr?.resume();
  return child;
}

/** What the program says to a kubelet when it fails. */
const FAILURE = /^docker-credential-acr: error: Cannot [^\n]+; hint: [^\n]+\n$/;

/** A metadata service that is there, and broken. @returns the variables by which the node uses it. */
async function startBrokenMetadataService(on: Machine): Promise<Readonly<Record<string, string>>> {
  const server = createServer((_request, response) => response.writeHead(502).end('<html>502'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  on.beforeClose(async () => void server.close());
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  return {
    AZURE_POD_IDENTITY_AUTHORITY_HOST: `http://127.0.0.1:${port}`,
    ...on.configure({ registries: { [LOGIN_SERVER]: { identity: 'managed-identity' } } }),
  };
}

/** The files of the cached tokens. */
function listTokenFiles(prefix = LOGIN_SERVER): readonly string[] {
  const folder = join(machine.folder, 'cache', 'tokens');
  return listFiles(folder).filter((file) => file.startsWith(join(folder, prefix)));
}

function listFiles(folder: string): readonly string[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8', withFileTypes: true });
  return files.filter((file) => file.isFile()).map((file) => join(file.parentPath, file.name));
}

const readEntry = (file: string) => parseJsonRecord(readFileSync(file, 'utf8')) ?? {};
const readTokens = () => listTokenFiles().map((file) => parseString(readEntry(file)['token']));

/** Leaves the cached tokens half an hour, and Entra none. */
function ageTokens(): void {
  const now = Math.floor(Date.now() / 1000);
  for (const file of listTokenFiles('@entra')) rmSync(file);
  for (const file of listTokenFiles()) {
    writeFileSync(
      file,
      JSON.stringify({ ...readEntry(file), savedAtSeconds: now - 9000, expiresAtSeconds: now + 1800 }),
    );
  }
}

describe('a kubelet', () => {
  beforeEach((context) => needParts(context, 'reference-kubelet'));

  const installations: readonly (readonly [what: string, plugin: Plugin, installation: Installation])[] = [
    ['a link', PLUGIN, 'link'],
    ['a copy', PLUGIN, 'copy'],
    ['a link for another configuration', { name: 'acr-credential-provider-pods', args: ['-v=2'] }, 'link'],
    ['its own name and an argument', { name: 'docker-credential-acr', args: ['kubelet'] }, 'link'],
  ];
  it('calls the plug-in as a link, a copy or by its own name, and all share one sign-in', async () => {
    const nodes = installations.map(([, plugin, installation]) => createNode(machine, plugin, installation));
    const tokens = await Promise.all(nodes.map(async (node) => expectToken(await node.pullOne(IMAGE))));
    expect(new Set(tokens).size).toBe(1);
    expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);
  });

  it('offers the runtime the token first, then an anonymous pull, for each name of a registry', async () => {
    const custom = 'registry.contoso.com';
    state.extraHosts.set(custom, { kind: 'acr', loginServer: custom });
    const variables = machine.configure({
      clouds: { [custom]: { authorityHost: `https://${ENTRA_HOST}` } },
      registries: { 'scoped1.azurecr.io': { secret: 'access-token', scope: 'repository:app:pull' } },
      store: 'file',
    });
    const edge = { ServerURL: 'edge.local:5000', Username: 'edge', Secret: 'edge-password-1' };
    state.issuedSecrets.add(edge.Secret);
    await machine.helper('store', JSON.stringify(edge), { environment: variables });
    const mirrors = [
      `mirror.test:5000:${LOGIN_SERVER}`,
      `mcr.microsoft.com/dotnet:${LOGIN_SERVER}`,
      `docker.io:${LOGIN_SERVER}`,
    ];
    const node = createNode(machine, { ...PLUGIN, args: [`--registry-mirror=${mirrors.join(',')}`], env: variables });
    const images = {
      [IMAGE]: LOGIN_SERVER,
      [`${LOGIN_SERVER}:443/app:v1`]: LOGIN_SERVER,
      'contoso.eastus.geo.azurecr.io/app': LOGIN_SERVER,
      [`${custom}/app`]: custom,
      'mirror.test:5000/app': LOGIN_SERVER,
      'mcr.microsoft.com/dotnet/runtime:9.0': LOGIN_SERVER,
      nginx: LOGIN_SERVER,
      'scoped1.azurecr.io/app': 'scoped1.azurecr.io',
    };
    const others = ['edge.local:5000/app', 'mcr.microsoft.com/other', 'evil.azurecr.io.test/app', 'quay.io/app'];
    const { found, log } = await node.pull([...Object.keys(images), ...others], { flags: ['-v=5', '-parallel'] });
    // The kubelet's own decoder takes every response.
    expect(log).not.toMatch(/error|fail/i);
    for (const [index, service] of Object.values(images).entries()) expectToken(found[index], service);
    expect(found.slice(-others.length).map(({ credentials }) => credentials)).toEqual([
      [{ username: 'edge', password: 'edge-password-1' }],
      ...[NOTHING, NOTHING, NOTHING],
    ]);
  });

  it('with the tokens of service accounts gives each pod its own, and no other pod one', async () => {
    trust('puller');
    trust('second');
    const node = createNode(machine, ACCOUNTS);
    const [puller, again, second, stranger, nobody] = await Promise.all([
      node.pullOne(IMAGE, flagsOf('puller')),
      node.pullOne(IMAGE, flagsOf('puller', annotate('docker-credential-acr/'))),
      node.pullOne(IMAGE, flagsOf('second')),
      node.pull([IMAGE], { flags: flagsOf('stranger') }),
      node.pullOne(IMAGE, ['-service-account', '']),
    ]);
    const tokens = [puller, second, nobody].map((pull) => expectToken(pull));
    expect(new Set(tokens).size).toBe(3);
    expect(expectToken(again)).toBe(tokens[0]);
    expect(stranger.found[0]?.credentials).toEqual(NOTHING);
    expect(stranger.log).toContain('no federated credential matches (AADSTS700213)');
    expect(stranger.log).toContain('--subject system:serviceaccount:default:stranger');
    expect(cloud.signIns().filter((one) => one === 'exchange 200')).toHaveLength(3);
  });

  it('signs in by an identity binding behind the API server', async (context) => {
    needRoot(context);
    const proxy = await startTokenProxy(state, () => Math.floor(Date.now() / 1000), 443);
    machine.beforeClose(() => proxy.close());
    const caFile = join(machine.folder, 'ca.crt');
    writeFileSync(caFile, proxy.caPem);
    const args = [`--ib-sni-name=${proxy.serverName}`, `--ib-apiserver-ip=${proxy.address}`, `--ib-ca-file=${caFile}`];
    const node = createNode(machine, { ...PLUGIN, args, audience: BINDING_AUDIENCE });
    expectToken(await node.pullOne(IMAGE, flagsOf('anyone')));
    expect(proxy.requests).toMatchObject([{ serverName: proxy.serverName, path: '/' }]);
    expect(cloud.signIns()).toEqual(['exchange 200']);
    // A pod without a service account pulls as the node.
    expectToken(await node.pullOne(IMAGE, ['-service-account', '']));
    expect(proxy.requests).toHaveLength(1);
  });

  it('keeps a response for as long as it says, and asks again after a failure', async () => {
    const node = createNode(machine, PLUGIN);
    const images = [1, 2, 3].map((index) => `${IMAGE}${index}`);
    for (const pull of (await node.pull(images)).found) expectToken(pull);
    // One process of the plug-in for three images of the registry.
    expect(new Set(machine.log().match(/"process":\d+/g)).size).toBe(1);
    rmSync(join(machine.folder, 'cache'), { recursive: true });
    undo.push(cloud.emulator.inject({ host: LOGIN_SERVER, status: 403, body: '', times: 1 }));
    const [failed, good] = (await node.pull(images.slice(1))).found;
    expect(failed?.credentials).toEqual(NOTHING);
    expectToken(good);
  });

  it('gets an answer for ten images in time, with a line for each, wherever it fails', async () => {
    const offNetwork = { HTTPS_PROXY: 'http://127.0.0.1:9', https_proxy: 'http://127.0.0.1:9' };
    undo.push(cloud.emulator.inject({ host: ENTRA_HOST, status: 502, body: '<html>502' }));
    const metadata = cloud.addMachine();
    const crowds = [
      [cloud.addMachine(), offNetwork, 'ECONNREFUSED'],
      [cloud.addMachine(), {}, 'status 502'],
      [metadata, await startBrokenMetadataService(metadata), 'HTTP 502'],
    ] as const;
    const images = Array.from({ length: 10 }, (_, index) => `${IMAGE}${index}`);
    const startedMs = performance.now();
    const pulls = crowds.map(async ([one, environment, problem]) => {
      const { found, log } = await createNode(one, PLUGIN).pull(images, { environment, flags: ['-parallel'] });
      expect(found.map(({ credentials }) => credentials)).toEqual(images.map(() => NOTHING));
      const lines = errorLines(log);
      expect(lines).toHaveLength(images.length);
      expect(lines.filter((line) => !line.includes(problem) || !line.includes('; hint: '))).toEqual([]);
    });
    await Promise.all(pulls);
    expect(performance.now() - startedMs).toBeLessThan(28_000);
  });

  it('signs in once for thirty images while Azure is slow', async () => {
    undo.push(cloud.emulator.inject({ host: /./, delayMs: 700 }));
    const images = Array.from({ length: 30 }, (_, index) => `${IMAGE}${index}`);
    const { found } = await createNode(machine, PLUGIN).pull(images, { flags: ['-parallel'] });
    expect(new Set(found.map((pull) => expectToken(pull))).size).toBe(1);
    expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);
  });

  it('has the old token at once while a process renews it, which shows the token of the service account nowhere', async () => {
    trust('puller');
    const node = createNode(machine, ACCOUNTS, 'copy');
    const old = expectToken(await node.pullOne(IMAGE, flagsOf('puller')));
    ageTokens();
    cloud.forget();
    undo.push(cloud.emulator.inject({ host: ENTRA_HOST, delayMs: 2_000, times: 1 }));
    const pull = await node.pullOne(IMAGE, flagsOf('puller'));
    expect(expectToken(pull)).toBe(old);
    expect(pull.durationMs).toBeLessThan(1_800);
    await waitUntil(() => cloud.emulator.requests.length > 0);
    const token = cloud.emulator.requests[0]?.form['client_assertion'] ?? '';
    expect(decodeToken(token)?.claims).toMatchObject({ sub: 'system:serviceaccount:default:puller' });
    const [renewal = 0, ...more] = listProcesses(machine.folder);
    expect(more).toEqual([]);
    expect(readFileSync(`/proc/${renewal}/cmdline`, 'utf8')).toBe('docker-credential-acr\0kubelet\0--renew\0');
    for (const descriptor of [1, 2]) expect(readlinkSync(`/proc/${renewal}/fd/${descriptor}`)).toBe('/dev/null');
    const signature = token.split('.')[2] ?? '';
    expect(listProcesses(signature)).toEqual([]);
    expect(listFiles(machine.folder).filter((file) => readTextFile(file)?.includes(signature))).toEqual([]);
    await waitUntil(() => readTokens().every((one) => one !== old));
    expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);
    expect(expectToken(await node.pullOne(IMAGE, flagsOf('puller')))).toBe(readTokens()[0]);
  });
});

describe('the plug-in by itself', () => {
  it.each([
    ['without HOME and PATH', { HOME: undefined, PATH: undefined }],
    ['without a cache', { DOCKER_CREDENTIAL_ACR_CACHE_DIR: '/dev/null/cache' }],
  ])('answers %s', async (_what, environment) => {
    const result = await machine.helper('kubelet', formatRequest(IMAGE), { environment, printsSecret: true });
    expect(result).toMatchObject({ exitCode: 0, stderr: '', stdout: expect.stringContaining(LOGIN_SERVER) });
  });

  it('answers with an empty environment, and no node identity', async () => {
    const result = await runProcess(PROGRAM, ['kubelet'], {
      environment: {},
      input: formatRequest('docker.io/library/nginx'),
    });
    expect(result).toMatchObject({ exitCode: 0, stderr: '', stdout: expect.stringContaining('"cacheDuration":"0s"') });
  });

  it.each([
    ['a wrong argument', ['--unknown'], formatRequest(IMAGE)],
    ['a file that is not absolute', ['azure.json'], formatRequest(IMAGE)],
    ['no request', [], ''],
    ['a wrong secret', [], formatRequest(IMAGE)],
  ])('fails with one line for the log after %s', async (_what, args, input) => {
    const environment = { AZURE_CLIENT_SECRET: 'wrong-secret-Q~x' };
    const { exitCode, stdout, stderr } = await machine.run(PROGRAM, ['kubelet', ...args], { input, environment });
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toMatch(FAILURE);
  });

  it('leaves nothing behind when a kubelet kills it, and nothing that holds its pipes', async () => {
    const child = startPlugin({ ...machine.environment, ...installHangingAz() }, formatRequest(IMAGE));
    const started = join(machine.folder, 'az-started');
    await waitUntil(() => existsSync(started));
    // On a busy machine, `az` may run before the program has told its guard which group to watch.
    await new Promise((resolve) => setTimeout(resolve, 500));
    const closed = once(child, 'close');
    child.kill('SIGKILL');
    const killedMs = performance.now();
    await closed;
    expect(performance.now() - killedMs).toBeLessThan(2_000);
    await waitUntil(() => listProcesses(machine.folder).length === 0);
  });

  it('says on a terminal what it waits for, and answers a line', async (context) => {
    needParts(context, 'tmux');
    const terminal = await startTerminal({
      command: [PROGRAM, 'kubelet'],
      environment: machine.environment,
      columns: 200,
    });
    try {
      await terminal.waitFor(/Waiting for the CredentialProviderRequest of a kubelet, in one line, and Enter/);
      await terminal.type(formatRequest('docker.io/library/nginx'));
      await terminal.press('Enter');
      await terminal.waitFor(/"kind":"CredentialProviderResponse".*"cacheDuration":"0s"\}/);
      expect(await terminal.exitCode()).toBe(0);
    } finally {
      await terminal.close();
    }
  });
});

/** Installs an `az` with an account, which starts another program and hangs. */
function installHangingAz(): Readonly<Record<string, string>> {
  const folder = join(machine.folder, 'az-bin');
  const home = join(machine.folder, 'home', '.azure');
  for (const made of [folder, home]) mkdirSync(made);
  const started = join(machine.folder, 'az-started');
  writeFileSync(join(folder, 'az'), `#!/bin/sh\nsleep 600 &\n: >'${started}'\nwait\n`, { mode: 0o755 });
  const subscription = {
    ...{ id: SUBSCRIPTION_ID, name: 'one', isDefault: true, tenantId: TENANT_ID, environmentName: 'AzureCloud' },
    user: { name: 'someone@contoso.com', type: 'user' },
  };
  writeFileSync(join(home, 'azureProfile.json'), JSON.stringify({ subscriptions: [subscription] }));
  return { PATH: `${folder}:${machine.environment['PATH'] ?? ''}`, AZURE_CLIENT_SECRET: '' };
}
