import { execFile } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createClientCertificate, parseClientCertificate } from './certificates.ts';
import { findDockerRegistry, startDockerRegistry } from './docker-registry.ts';
import { type Emulator, startEmulator } from './emulator.ts';
import { type JsonRecord, parseJsonRecord, parseRecord, parseString } from './json.ts';
import { digestOf, type LocalRegistry, startMemoryRegistry } from './memory-registry.ts';
import { CLIENT_ID, CLIENT_SECRET, findTenant, registryOf, TENANT_ID } from './state.ts';
import { USER_NAME } from './state-sign-in.ts';
import { LOGIN_SERVER } from './test-client.ts';
import { decodeToken } from './tokens.ts';

const TOKEN_PATH = `/${TENANT_ID}/oauth2/v2.0/token`;
const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';

let emulator: Emulator;
let registry: LocalRegistry;
let folder: string;
let manifestDigest: string;

beforeAll(async () => {
  const program = findDockerRegistry();
  registry = program === undefined ? await startMemoryRegistry() : await startDockerRegistry(program);
  manifestDigest = await pushImage(registry.url, 'team/hello', ['1.0', 'latest']);
  emulator = await startEmulator({ registryUrl: registry.url });
  folder = await mkdtemp(join(tmpdir(), 'azure-sdk-'));
});

afterAll(async () => {
  await Promise.all([emulator.close(), registry.close(), rm(folder, { recursive: true, force: true })]);
});

beforeEach(() => {
  emulator.resetRequests();
  registryOf(emulator.state, LOGIN_SERVER).anonymousPull = false;
});

/** Pushes one blob and a manifest over it, straight to the registry. */
async function pushImage(url: string, name: string, tags: readonly string[]): Promise<string> {
  const blob = Buffer.from('{}');
  const begun = await fetch(`${url}/v2/${name}/blobs/uploads/`, { method: 'POST' });
  const location = new URL(begun.headers.get('location') ?? '', url);
  location.searchParams.set('digest', digestOf(blob));
  await fetch(location, { method: 'PUT', body: blob });
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

/** Runs one case of `sdk-client.ts` in a fresh process that knows nothing but what it is given. */
async function runSdk(name: string, environment: Record<string, string> = {}): Promise<JsonRecord> {
  const { stdout } = await promisify(execFile)(process.execPath, [join(import.meta.dirname, 'sdk-client.ts'), name], {
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: folder,
      ...emulator.environment(),
      AZURE_TENANT_ID: TENANT_ID,
      AZURE_CLIENT_ID: CLIENT_ID,
      TEST_ENDPOINT: `https://${LOGIN_SERVER}`,
      ...environment,
    },
  });
  return parseJsonRecord(stdout) ?? {};
}

function paths(): string[] {
  return emulator.requests.map(({ method, path }) => `${method} ${path}`);
}

const SECRET = { AZURE_CLIENT_SECRET: CLIENT_SECRET };

describe('@azure/identity', () => {
  test.each(['secret', 'environment'])('gets a token with one POST and no discovery: %s', async (name) => {
    const result = parseRecord((await runSdk(name, SECRET))['result']);
    expect(emulator.secrets).toContain(parseString(result?.['token']));
    expect(result?.['expiresAtSeconds']).toBeGreaterThan(Date.now() / 1000 + 3500);
    expect(paths()).toEqual([`POST ${TOKEN_PATH}`]);
    expect(emulator.connects).toEqual(['login.microsoftonline.com:443']);
  });

  test('reaches the authority of another cloud', async () => {
    const environment = { ...SECRET, AZURE_AUTHORITY_HOST: 'https://login.chinacloudapi.cn/' };
    expect(await runSdk('environment', environment)).toHaveProperty('result');
    expect(emulator.connects).toEqual(['login.partner.microsoftonline.cn:443']);
  });

  test.each([
    ['environment', 'AuthenticationError'],
    ['secret', 'AuthenticationRequiredError'],
  ])('reads a wrong secret as an authentication error with its code: %s', async (name, errorName) => {
    const { error } = await runSdk(name, { AZURE_CLIENT_SECRET: 'wrong' });
    expect(parseRecord(error)?.['name']).toBe(errorName);
    expect(parseRecord(error)?.['message']).toContain('AADSTS7000215: Invalid client secret provided.');
    expect(paths()).toEqual([`POST ${TOKEN_PATH}`]);
  });

  test('signs in with a certificate', async () => {
    const { certificatePem, privateKeyPem } = await createClientCertificate();
    const file = join(folder, 'client.pem');
    await writeFile(file, privateKeyPem + certificatePem);
    const environment = { AZURE_CLIENT_CERTIFICATE_PATH: file };
    const before = await runSdk('certificate', environment);
    expect(parseRecord(before['error'])?.['message']).toContain('AADSTS700027');

    application().certificates.push(parseClientCertificate(certificatePem));
    expect(await runSdk('certificate', environment)).toHaveProperty('result');
  });

  test('signs a person in with a device code', async () => {
    Object.assign(emulator.state.signIn, { intervalSeconds: 1, pendingPolls: 1 });
    const result = parseRecord((await runSdk('device'))['result']);
    expect(decodeToken(parseString(result?.['token']) ?? '')?.claims).toMatchObject({ upn: USER_NAME });
    expect(emulator.requests.map(({ status }) => status)).toEqual([200, 400, 200]);
  });

  test('signs in with the assertion of a trusted issuer', async () => {
    const { certificatePem, privateKeyPem } = await createClientCertificate();
    const { publicKey } = parseClientCertificate(certificatePem);
    const [issuer, subject, audience] = ['https://ci.example', 'repo:a/b', 'api://AzureADTokenExchange'];
    application().federatedCredentials.push({ issuer, subject, audience, publicKey });
    const assertion = await new SignJWT()
      .setProtectedHeader({ alg: 'RS256' })
      .setIssuer(issuer)
      .setSubject(subject)
      .setAudience(audience)
      .setIssuedAt()
      .setExpirationTime('5 minutes')
      .sign(createPrivateKey(privateKeyPem));
    expect(await runSdk('assertion', { TEST_ASSERTION: assertion })).toHaveProperty('result');
    expect(emulator.secrets).toContain(assertion);
  });
});

describe('@azure/container-registry', () => {
  const listing = () => ({ repositories: [{ name: 'team/hello', tags: ['1.0', 'latest'] }], digest: manifestDigest });

  test('lists a registry through challenge, exchange and token', async () => {
    expect(await runSdk('registry', SECRET)).toEqual({ result: listing() });
    expect(paths().slice(0, 5)).toEqual([
      'GET /acr/v1/_catalog',
      `POST ${TOKEN_PATH}`,
      'POST /oauth2/exchange',
      'POST /oauth2/token',
      'GET /acr/v1/_catalog',
    ]);
    expect(emulator.requests.every(({ status }) => status === 200 || status === 401)).toBe(true);
  });

  test('lists an anonymous registry without any identity', async () => {
    registryOf(emulator.state, LOGIN_SERVER).anonymousPull = true;
    expect(await runSdk('anonymous')).toEqual({ result: listing() });
    expect(emulator.connects).not.toContain('login.microsoftonline.com:443');
  });

  test('is refused by a registry that is not anonymous', async () => {
    expect(parseRecord((await runSdk('anonymous'))['error'])?.['name']).toBe('RestError');
  });
});

function application() {
  const found = findTenant(emulator.state, TENANT_ID)?.applications.get(CLIENT_ID);
  if (found === undefined) {
    throw new Error('The state has no application');
  }
  return found;
}
