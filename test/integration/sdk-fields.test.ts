/** Compares our requests to Entra and to the CI with those of Azure's own SDK; each difference has its reason. */

import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createClientCertificate, parseClientCertificate } from '../emulator/certificates.ts';
import {
  FEDERATED_AUDIENCE,
  GITHUB_ISSUER,
  GITHUB_SUBJECT,
  installCi,
  PIPELINES_HOST,
  SERVICE_CONNECTION_ID,
} from '../emulator/ci.ts';
import { CLIENT_ID, CLIENT_SECRET, type RecordedRequest, TENANT_ID } from '../emulator/emulator.ts';
import { type JsonRecord, parseJsonRecord } from '../emulator/json.ts';
import { BINDING_AUDIENCE, startTokenProxy } from '../emulator/token-proxy.ts';
import { decodeToken } from '../emulator/tokens.ts';
import { openWorld, REGISTRY } from './world.ts';

/** The fields in which the SDK describes itself to Microsoft and names its request. */
const TELEMETRY = [
  'client-request-id',
  'x-client-CPU',
  'x-client-OS',
  'x-client-SKU',
  'x-client-VER',
  'x-client-current-telemetry',
  'x-client-last-telemetry',
  'x-ms-lib-capability',
];
/** How far an assertion is backdated, for machines whose clock is ahead. */
const BACKDATED_SECONDS = 240;

type Variables = Readonly<Record<string, string>>;

interface Case {
  /** The credential in `sdk-client.ts`. */
  readonly sdk: string;
  readonly variables: () => Variables;
  /** What only the SDK needs. */
  readonly sdkVariables?: Variables;
}

/** What one program sent. */
interface Sent {
  readonly entra: readonly RecordedRequest[];
  readonly ci: readonly RecordedRequest[];
}

const world = await openWorld();
const ci = await installCi(world.emulator.state);
const proxy = await startTokenProxy(world.emulator.state, now);
const certificateFile = join(world.folder, 'client.pem');
const tokenFile = join(world.folder, 'token');
const boundTokenFile = join(world.folder, 'bound-token');

const CASES: Readonly<Record<'secret' | 'certificate' | 'chain' | 'workload' | 'binding' | 'pipelines', Case>> = {
  secret: { sdk: 'secret', variables: () => ({ AZURE_CLIENT_SECRET: CLIENT_SECRET }) },
  certificate: { sdk: 'certificate', variables: () => ({ AZURE_CLIENT_CERTIFICATE_PATH: certificateFile }) },
  chain: {
    sdk: 'certificate-chain',
    variables: () => ({
      AZURE_CLIENT_CERTIFICATE_PATH: certificateFile,
      AZURE_CLIENT_SEND_CERTIFICATE_CHAIN: 'true',
    }),
  },
  binding: {
    sdk: 'workload-proxy',
    variables: () => ({
      AZURE_FEDERATED_TOKEN_FILE: boundTokenFile,
      AZURE_KUBERNETES_TOKEN_PROXY: `${proxy.url}/proxy`,
      AZURE_KUBERNETES_SNI_NAME: proxy.serverName,
      AZURE_KUBERNETES_CA_DATA: proxy.caPem,
    }),
    // On purpose: the SDK uses the HTTP proxy even for the token proxy, which it cannot reach; we bypass it.
    sdkVariables: { HTTPS_PROXY: '', https_proxy: '', HTTP_PROXY: '', http_proxy: '' },
  },
  workload: { sdk: 'workload', variables: () => ({ AZURE_FEDERATED_TOKEN_FILE: tokenFile }) },
  pipelines: {
    sdk: 'pipelines',
    variables: () => ({ ...ci.pipelinesVariables, TEST_CONNECTION: SERVICE_CONNECTION_ID }),
  },
};

beforeAll(async () => {
  const [own, other] = await Promise.all([createClientCertificate(), createClientCertificate('ca')]);
  world.application.certificates.push(parseClientCertificate(own.certificatePem));
  world.trustJobs(ci);
  writeFileSync(certificateFile, own.privateKeyPem + own.certificatePem + other.certificatePem);
  const claims = { iss: GITHUB_ISSUER, sub: GITHUB_SUBJECT, aud: FEDERATED_AUDIENCE };
  writeFileSync(tokenFile, `${ci.issue(claims, now())}\n`);
  writeFileSync(boundTokenFile, ci.issue({ ...claims, aud: BINDING_AUDIENCE }, now()));
});
afterAll(() => proxy.close());

function now(): number {
  return Math.floor(Date.now() / 1000);
}

/** Runs the SDK, unchanged, in a process of its own. */
async function runSdk({ sdk, variables, sdkVariables }: Case): Promise<Sent> {
  world.forgetRequests();
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [join(import.meta.dirname, '..', 'emulator', 'sdk-client.ts'), sdk],
    {
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: world.folder,
        ...world.emulator.environment(),
        AZURE_TENANT_ID: TENANT_ID,
        AZURE_CLIENT_ID: CLIENT_ID,
        ...variables(),
        ...sdkVariables,
      },
    },
  );
  expect(parseJsonRecord(stdout)).toHaveProperty('result.token');
  return takeSent();
}

async function runOurs({ variables }: Case): Promise<Sent> {
  world.forgetTokens();
  world.forgetRequests();
  await world.get(REGISTRY, { AZURE_CLIENT_SECRET: undefined, ...variables() });
  world.expectNoLeak();
  return takeSent();
}

function takeSent(): Sent {
  const requests = [...world.emulator.requests];
  return {
    entra: requests.filter(({ host }) => host === 'login.microsoftonline.com'),
    ci: requests.filter(({ host }) => host === PIPELINES_HOST),
  };
}

function only(requests: readonly RecordedRequest[]): RecordedRequest {
  const [request] = requests;
  if (request === undefined || requests.length > 1) throw new Error(`${requests.length} requests instead of one`);
  return request;
}

/** The fields without the telemetry, and without the assertion, which is compared by its parts. */
function fieldsOf({ form }: RecordedRequest): Record<string, string> {
  return Object.fromEntries(
    Object.entries(form).filter(([name]) => !TELEMETRY.includes(name) && name !== 'client_assertion'),
  );
}

function assertionOf({ form }: RecordedRequest): { readonly header: JsonRecord; readonly claims: JsonRecord } {
  const decoded = decodeToken(form['client_assertion'] ?? '');
  if (decoded === undefined) throw new Error('there is no assertion');
  return decoded;
}

/** Compares the parts that are the same for every kind of credential. */
function expectSameRequest(ours: RecordedRequest, theirs: RecordedRequest): void {
  expect(ours.method).toBe(theirs.method);
  expect(ours.path).toBe(theirs.path);
  expect(fieldsOf(ours)).toEqual(fieldsOf(theirs));
  expect(ours.headers['content-type']).toBe(theirs.headers['content-type']?.replace(/;.*/, ''));
  // On purpose: a program that is not MSAL tells Microsoft neither its version nor the machine's processor.
  expect(Object.keys(ours.form).filter((name) => TELEMETRY.includes(name))).toEqual([]);
  expect(
    Object.keys(theirs.form)
      .filter((name) => TELEMETRY.includes(name))
      .sort(),
  ).toEqual(TELEMETRY);
  // On purpose: the request id, by which support finds the request, is in a header only and not in the URL as well.
  expect(ours.query).toEqual({});
  expect(Object.keys(theirs.query)).toEqual(['client-request-id']);
  expect(ours.headers['client-request-id']).toMatch(/^[0-9a-f-]{36}$/);
}

describe('our requests', () => {
  test('have the same fields as those of ClientSecretCredential', async () => {
    const theirs = only((await runSdk(CASES.secret)).entra);
    expectSameRequest(only((await runOurs(CASES.secret)).entra), theirs);
  });

  test.each(['certificate', 'chain'] as const)(
    'have the same fields, header and claims as those of ClientCertificateCredential with a %s',
    async (name) => {
      const theirs = only((await runSdk(CASES[name])).entra);
      const ours = only((await runOurs(CASES[name])).entra);
      expectSameRequest(ours, theirs);
      const [mine, others] = [assertionOf(ours), assertionOf(theirs)];
      expect(mine.header).toEqual(others.header);
      expect(Object.keys(mine.header)).toContain('x5t#S256');
      expect(Object.keys(mine.header).includes('x5c')).toBe(name === 'chain');
      expect(Object.keys(mine.claims).sort()).toEqual(Object.keys(others.claims).sort());
      for (const claim of ['aud', 'iss', 'sub']) expect(mine.claims[claim]).toBe(others.claims[claim]);
      expect(mine.claims['jti']).not.toBe(others.claims['jti']);
      // The same lifetime from now on; ours starts earlier on purpose, so that a clock that is ahead does no harm.
      const life = (claims: JsonRecord, from: string) => Number(claims['exp']) - Number(claims[from]);
      for (const from of ['nbf', 'iat']) {
        expect([600, 601]).toContain(life(others.claims, from)); // it looks at the clock twice
        expect(life(mine.claims, from)).toBe(600 + BACKDATED_SECONDS);
      }
    },
  );

  test('have the same fields and the same assertion as those of WorkloadIdentityCredential', async () => {
    const theirs = only((await runSdk(CASES.workload)).entra);
    const ours = only((await runOurs(CASES.workload)).entra);
    expectSameRequest(ours, theirs);
    expect(ours.form['client_assertion']).toBe(theirs.form['client_assertion']);
  });

  test('have the same fields and TLS name as those of WorkloadIdentityCredential at a token proxy', async () => {
    await runSdk(CASES.binding);
    const [theirs] = proxy.requests.splice(0);
    await runOurs(CASES.binding);
    const [ours] = proxy.requests.splice(0);
    expect(ours?.path).toBe(theirs?.path);
    expect(ours?.serverName).toBe(theirs?.serverName);
    const known = Object.entries(theirs?.form ?? {}).filter(([name]) => !TELEMETRY.includes(name));
    expect(ours?.form).toEqual(Object.fromEntries(known));
  });

  test('match those of AzurePipelinesCredential to the CI and to Entra', async () => {
    const theirs = await runSdk(CASES.pipelines);
    const ours = await runOurs(CASES.pipelines);
    expectSameRequest(only(ours.entra), only(theirs.entra));
    const [mine, others] = [only(ours.ci), theirs.ci[0]];
    // On purpose: MSAL asks its callback twice and throws the first token away.
    expect(theirs.ci).toHaveLength(2);
    expect(mine.method).toBe(others?.method);
    expect(mine.path).toBe(others?.path);
    expect(mine.query).toEqual(others?.query);
    expect(mine.body).toBe(others?.body);
    for (const name of ['authorization', 'content-type', 'x-tfs-fedauthredirect']) {
      expect(mine.headers[name]).toBe(others?.headers[name]);
    }
    const [own, sdk] = [assertionOf(only(ours.entra)).claims, assertionOf(only(theirs.entra)).claims];
    for (const claim of ['iss', 'sub', 'aud']) expect(own[claim]).toBe(sdk[claim]);
  });
});
