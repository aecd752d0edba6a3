/** The demo's own pull succeeds with the credential only, and with nothing but what was pushed. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type PullStep, pullWithNode } from '../../../scripts/demo/node-pull.ts';
import { seedImage } from '../../e2e/world/image.ts';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { digestOf, type LocalRegistry, startMemoryRegistry } from '../../emulator/memory-registry.ts';
import { createProxiedClient, member, TOKEN_URL } from '../../emulator/proxied-client.ts';
import { NULL_GUID, registryOf } from '../../emulator/state.ts';
import { LOGIN_SERVER, secretForm } from '../../emulator/test-client.ts';

let registry: LocalRegistry;
let emulator: Emulator;
let steps: PullStep[];

beforeEach(async () => {
  registry = await startMemoryRegistry();
  await seedImage(registry.url, 'demo/hello', '1', { hello: 'Hello\n' });
  emulator = await startEmulator({ registryUrl: registry.url });
  steps = [];
});

afterEach(async () => {
  await emulator.close();
  await registry.close();
});

function pull(runHelper: () => Promise<string>): Promise<void> {
  return pullWithNode(emulator, 'demo/hello', '1', runHelper, (step) => steps.push(step));
}

/** What the program answers: a refresh token of the registry. */
async function answerAsHelper(): Promise<string> {
  const client = await createProxiedClient(emulator);
  const entra = await client.post(TOKEN_URL, secretForm());
  const exchanged = await client.post(`https://${LOGIN_SERVER}/oauth2/exchange`, {
    grant_type: 'access_token',
    service: LOGIN_SERVER,
    access_token: member(entra, 'access_token'),
  });
  await client.close();
  return JSON.stringify({ ServerURL: LOGIN_SERVER, Username: NULL_GUID, Secret: member(exchanged, 'refresh_token') });
}

it('tells each step: refused without the credential, given everything with it', async () => {
  await pull(answerAsHelper);
  expect(steps.map(({ status, what }) => `${status ?? ''} ${what.replace(/:.{8}…/, '')}`)).toEqual([
    `401 GET ${LOGIN_SERVER}/v2/`,
    `401 GET ${LOGIN_SERVER}/oauth2/token`,
    `401 GET ${LOGIN_SERVER}/v2/demo/hello/manifests/1`,
    ' docker-credential-acr get',
    `200 GET ${LOGIN_SERVER}/oauth2/token`,
    `200 GET ${LOGIN_SERVER}/v2/demo/hello/manifests/1`,
    `200 GET ${LOGIN_SERVER}/v2/demo/hello/blobs/sha256`,
    `200 GET ${LOGIN_SERVER}/v2/demo/hello/blobs/sha256`,
  ]);
});

it.each([
  ['a wrong credential', JSON.stringify({ Username: NULL_GUID, Secret: 'wrong' }), 'answered 401 instead of 200'],
  ['no credential', 'credentials not found in native keychain', 'Cannot read the answer of the helper'],
])('fails with %s', async (_what, answer, reason) => {
  await expect(pull(async () => answer)).rejects.toThrow(reason);
});

it('fails at a registry that gives everybody a token, since the credential would prove nothing', async () => {
  registryOf(emulator.state, LOGIN_SERVER).anonymousPull = true;
  await expect(pull(answerAsHelper)).rejects.toThrow('answered 200 instead of 401');
});

it('fails at a manifest that names content which is not there', async () => {
  const digest = digestOf(Buffer.from('what nobody pushed'));
  const descriptor = { mediaType: 'application/octet-stream', size: 1, digest };
  const type = 'application/vnd.oci.image.manifest.v1+json';
  const body = JSON.stringify({ schemaVersion: 2, mediaType: type, config: descriptor, layers: [] });
  await fetch(`${registry.url}/v2/demo/hello/manifests/1`, { method: 'PUT', headers: { 'content-type': type }, body });
  await expect(pull(answerAsHelper)).rejects.toThrow('answered 404 instead of 200');
});

it('fails at a blob that is not what its digest says', async () => {
  const { url } = registry;
  const liar = createServer(async ({ url: path = '' }, response) => {
    const reply = await fetch(url + path);
    const body = Buffer.from(await reply.arrayBuffer());
    response.end(path.includes('/blobs/') ? Buffer.concat([body, Buffer.from('more')]) : body);
  });
  await once(liar.listen(0, '127.0.0.1'), 'listening');
  const address = liar.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  await emulator.close();
  emulator = await startEmulator({ registryUrl: `http://127.0.0.1:${port}` });
  await expect(pull(answerAsHelper)).rejects.toThrow('answered with the content of sha256:');
  liar.closeAllConnections();
  liar.close();
});
