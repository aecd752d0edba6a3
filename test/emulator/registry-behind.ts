/**
 * What the emulator and the registry behind it promise together, whichever registry that is: its own tests put one in
 * memory there, the end-to-end tests, which come when the parts are installed, the real docker-registry.
 */
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Emulator, startEmulator } from './emulator.ts';
import { parseRecord } from './json.ts';
import { digestOf, type LocalRegistry } from './memory-registry.ts';
import { createProxiedClient, type ProxiedClient, V2_URL } from './proxied-client.ts';
import { runSdk } from './sdk-process.ts';
import { CLIENT_SECRET, registryOf, TENANT_ID } from './state.ts';
import { LOGIN_SERVER } from './test-client.ts';

const BLOBS = `${V2_URL}team/hello/blobs`;
const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';

/** Defines the tests; the registry is started anew, and closed, for each of them. */
export function describeRegistryBehind(kind: string, startRegistry: () => Promise<LocalRegistry>): void {
  let registry: LocalRegistry;
  let emulator: Emulator;
  let client: ProxiedClient;
  const ends: (() => Promise<void>)[] = [];

  beforeEach(async () => {
    registry = await startRegistry();
    ends.push(registry.close);
    emulator = await startEmulator({ registryUrl: registry.url });
    ends.push(emulator.close);
    client = await createProxiedClient(emulator);
    ends.push(client.close);
  });

  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });

  describe(`with ${kind} behind it, the emulator`, () => {
    test('takes a chunked upload and gives it back, under the name of the emulated host', async () => {
      const chunks = Array.from({ length: 80 }, () => randomBytes(64 * 1024));
      const headers = { authorization: await client.bearerFor('repository:team/hello:pull,push') };
      const begun = await client.ask(`${BLOBS}/uploads/`, { method: 'POST', headers });
      expect(begun.status).toBe(202);
      expect(begun.headers['location']).toMatch(`${BLOBS}/uploads/`);

      const sent = await client.ask(`${begun.headers['location']}`, {
        method: 'PATCH',
        body: Readable.from(chunks),
        headers: { ...headers, 'content-type': 'application/octet-stream' },
      });
      expect(sent.status).toBe(202);
      const whole = Buffer.concat(chunks);
      const last = new URL(`${sent.headers['location']}`);
      last.searchParams.set('digest', digestOf(whole));
      expect(last.host).toBe(LOGIN_SERVER);
      expect((await client.ask(last.href, { method: 'PUT', headers })).status).toBe(201);

      const url = `${BLOBS}/${digestOf(whole)}`;
      const received = await client.ask(url, { headers });
      expect(received.body.equals(whole)).toBe(true);
      const head = await client.ask(url, { method: 'HEAD', headers });
      expect(head.headers['content-length']).toBe(`${whole.length}`);
      expect(head.headers['x-ms-correlation-request-id']).toBeDefined();
      expect(emulator.requests.at(-1)).toMatchObject({ method: 'HEAD', status: 200, body: '' });
    });

    test.each([
      ['team/hello', 200],
      ['team%2Fhello', 200],
      ['team%2fhello', 200],
      ['team%252Fhello', 404],
      ['team%zzhello', 400],
      ['team%', 400],
      ['team%0D%0Ahello', 404],
    ])('finds the tags of team/hello under the name %s with %d', async (name, status) => {
      await pushImage(registry.url, 'team/hello', ['1']);
      // Straight to the registry, since the emulator asks for a bearer first.
      expect((await fetch(`${registry.url}/v2/${name}/tags/list`)).status).toBe(status);
      expect((await fetch(`${registry.url}/v2/`)).status).toBe(200);
    });

    test('refuses an upload whose digest is that of something else, and keeps nothing of it', async () => {
      const digest = digestOf(Buffer.from('something else'));
      expect((await pushBlob(registry.url, 'team/hello', Buffer.from('{}'), digest)).status).toBe(400);
      expect((await fetch(`${registry.url}/v2/team/hello/blobs/${digest}`)).status).toBe(404);
    });
  });

  describe(`with ${kind} behind it, @azure/container-registry`, () => {
    let listing: object;

    beforeEach(async () => {
      const digest = await pushImage(registry.url, 'team/hello', ['1.0', 'latest']);
      listing = { repositories: [{ name: 'team/hello', tags: ['1.0', 'latest'] }], digest };
    });

    test('lists a registry through challenge, exchange and token', async () => {
      expect(await runSdk(emulator, 'registry', { AZURE_CLIENT_SECRET: CLIENT_SECRET })).toEqual({ result: listing });
      expect(emulator.requests.map(({ method, path }) => `${method} ${path}`).slice(0, 5)).toEqual([
        'GET /acr/v1/_catalog',
        `POST /${TENANT_ID}/oauth2/v2.0/token`,
        'POST /oauth2/exchange',
        'POST /oauth2/token',
        'GET /acr/v1/_catalog',
      ]);
      expect(emulator.requests.every(({ status }) => status === 200 || status === 401)).toBe(true);
    });

    test('lists an anonymous registry without any identity', async () => {
      registryOf(emulator.state, LOGIN_SERVER).anonymousPull = true;
      expect(await runSdk(emulator, 'anonymous')).toEqual({ result: listing });
      expect(emulator.connects).not.toContain('login.microsoftonline.com:443');
    });

    test('is refused by a registry that is not anonymous', async () => {
      expect(parseRecord((await runSdk(emulator, 'anonymous'))['error'])?.['name']).toBe('RestError');
    });
  });
}

/** Pushes one blob and a manifest over it, straight to the registry. @returns the digest of the manifest */
async function pushImage(url: string, name: string, tags: readonly string[]): Promise<string> {
  const blob = Buffer.from('{}');
  await pushBlob(url, name, blob, digestOf(blob));
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', size: blob.length, digest: digestOf(blob) },
    layers: [],
  });
  for (const tag of tags) {
    const headers = { 'content-type': MANIFEST_TYPE };
    const put = await fetch(`${url}/v2/${name}/manifests/${tag}`, { method: 'PUT', headers, body: manifest });
    if (put.status !== 201) {
      throw new Error(`Cannot push the manifest: ${put.status} ${await put.text()}`);
    }
  }
  return digestOf(Buffer.from(manifest));
}

async function pushBlob(url: string, name: string, blob: Buffer<ArrayBuffer>, digest: string): Promise<Response> {
  const begun = await fetch(`${url}/v2/${name}/blobs/uploads/`, { method: 'POST' });
  const location = new URL(begun.headers.get('location') ?? '', url);
  location.searchParams.set('digest', digest);
  return fetch(location, { method: 'PUT', body: blob });
}
