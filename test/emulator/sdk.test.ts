import { createPrivateKey } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createClientCertificate, parseClientCertificate } from './certificates.ts';
import { type Emulator, startEmulator } from './emulator.ts';
import { parseRecord, parseString } from './json.ts';
import { runSdk } from './sdk-process.ts';
import { CLIENT_ID, CLIENT_SECRET, findTenant, TENANT_ID } from './state.ts';
import { USER_NAME } from './state-sign-in.ts';
import { decodeToken } from './tokens.ts';

const TOKEN_PATH = `/${TENANT_ID}/oauth2/v2.0/token`;

let emulator: Emulator;
let folder: string;

beforeAll(async () => {
  emulator = await startEmulator();
  folder = await mkdtemp(join(tmpdir(), 'azure-sdk-'));
});

afterAll(async () => {
  await Promise.all([emulator.close(), rm(folder, { recursive: true, force: true })]);
});

beforeEach(() => emulator.resetRequests());

function paths(): string[] {
  return emulator.requests.map(({ method, path }) => `${method} ${path}`);
}

const SECRET = { AZURE_CLIENT_SECRET: CLIENT_SECRET };

describe('@azure/identity', () => {
  test.each(['secret', 'environment'])('gets a token with one POST and no discovery: %s', async (name) => {
    const result = parseRecord((await runSdk(emulator, name, SECRET))['result']);
    expect(emulator.secrets).toContain(parseString(result?.['token']));
    expect(result?.['expiresAtSeconds']).toBeGreaterThan(Date.now() / 1000 + 3500);
    expect(paths()).toEqual([`POST ${TOKEN_PATH}`]);
    expect(emulator.connects).toEqual(['login.microsoftonline.com:443']);
  });

  test('reaches the authority of another cloud', async () => {
    const environment = { ...SECRET, AZURE_AUTHORITY_HOST: 'https://login.chinacloudapi.cn/' };
    expect(await runSdk(emulator, 'environment', environment)).toHaveProperty('result');
    expect(emulator.connects).toEqual(['login.partner.microsoftonline.cn:443']);
  });

  test.each([
    ['environment', 'AuthenticationError'],
    ['secret', 'AuthenticationRequiredError'],
  ])('reads a wrong secret as an authentication error with its code: %s', async (name, errorName) => {
    const { error } = await runSdk(emulator, name, { AZURE_CLIENT_SECRET: 'wrong' });
    expect(parseRecord(error)?.['name']).toBe(errorName);
    expect(parseRecord(error)?.['message']).toContain('AADSTS7000215: Invalid client secret provided.');
    expect(paths()).toEqual([`POST ${TOKEN_PATH}`]);
  });

  test('signs in with a certificate', async () => {
    const { certificatePem, privateKeyPem } = await createClientCertificate();
    const file = join(folder, 'client.pem');
    await writeFile(file, privateKeyPem + certificatePem);
    const environment = { AZURE_CLIENT_CERTIFICATE_PATH: file };
    const before = await runSdk(emulator, 'certificate', environment);
    expect(parseRecord(before['error'])?.['message']).toContain('AADSTS700027');

    application().certificates.push(parseClientCertificate(certificatePem));
    expect(await runSdk(emulator, 'certificate', environment)).toHaveProperty('result');
  });

  test('signs a person in with a device code', async () => {
    Object.assign(emulator.state.signIn, { intervalSeconds: 1, pendingPolls: 1 });
    const result = parseRecord((await runSdk(emulator, 'device'))['result']);
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
    expect(await runSdk(emulator, 'assertion', { TEST_ASSERTION: assertion })).toHaveProperty('result');
    expect(emulator.secrets).toContain(assertion);
  });
});

function application() {
  const found = findTenant(emulator.state, TENANT_ID)?.applications.get(CLIENT_ID);
  if (found === undefined) {
    throw new Error('The state has no application');
  }
  return found;
}
