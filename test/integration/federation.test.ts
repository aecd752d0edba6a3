/** `get` with a federated token of Kubernetes, GitLab or another issuer, with and without a token proxy. */

import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { FEDERATED_AUDIENCE, installCi } from '../emulator/ci.ts';
import { CLIENT_ID, TENANT_ID } from '../emulator/emulator.ts';
import { BINDING_AUDIENCE, startTokenProxy } from '../emulator/token-proxy.ts';
import { ENTRA, EXCHANGE, openWorld, REGISTRY } from './world.ts';

const ISSUER = 'https://eastus.oic.prod-aks.azure.com/tenant/cluster/';
const SUBJECT = 'system:serviceaccount:builds:runner';

const world = await openWorld();
const { application } = world;
const ci = await installCi(world.emulator.state);
const proxy = await startTokenProxy(world.emulator.state, () => Math.floor(Date.now() / 1000));
const tokenFile = join(world.folder, 'azure-identity-token');
const caFile = join(world.folder, 'ca.crt');

beforeEach(() => {
  proxy.requests.length = 0;
  application.federatedCredentials = [];
  ci.trust(application, ISSUER, SUBJECT);
  writeFileSync(tokenFile, `${issue()}\n`);
  writeFileSync(caFile, proxy.caPem);
});
afterAll(() => proxy.close());

function issue(claims: Record<string, unknown> = {}): string {
  const now = Math.floor(Date.now() / 1000);
  return ci.issue({ iss: ISSUER, sub: SUBJECT, aud: [FEDERATED_AUDIENCE], ...claims }, now);
}

/** The variables that the webhook of a cluster puts into a pod. */
function pod(more: Record<string, string | undefined> = {}): Record<string, string | undefined> {
  return {
    AZURE_CLIENT_SECRET: undefined,
    AZURE_FEDERATED_TOKEN_FILE: tokenFile,
    AZURE_AUTHORITY_HOST: 'https://login.microsoftonline.com/',
    ...more,
  };
}

/** An environment with the token in the named variable. */
function withToken(name: string, more: Record<string, string | undefined> = {}): Record<string, string | undefined> {
  return { AZURE_CLIENT_SECRET: undefined, [name]: issue(), ...more };
}

describe('a pod with a workload identity', () => {
  test('signs in with the trimmed token of its file', async () => {
    const token = issue();
    writeFileSync(tokenFile, `\n ${token} \r\n`);
    await world.get(REGISTRY, pod());
    expect(world.seen()).toEqual([ENTRA, EXCHANGE]);
    expect(world.emulator.requests[0]?.form).toEqual({
      client_id: CLIENT_ID,
      scope: 'https://containerregistry.azure.net/.default',
      grant_type: 'client_credentials',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: token,
    });
  });

  test('reads the file again at each sign-in, and not at all for an answer from the cache', async () => {
    const first = await world.get(REGISTRY, pod());
    rmSync(tokenFile);
    expect((await world.get(REGISTRY, pod())).Secret).toBe(first.Secret);
    const token = issue();
    writeFileSync(tokenFile, token);
    world.forgetTokens();
    world.forgetRequests();
    await world.get(REGISTRY, pod());
    expect(world.emulator.requests[0]?.form['client_assertion']).toBe(token);
  });

  const files: readonly (readonly [what: string, text: string | undefined, line: string])[] = [
    ['is missing', undefined, 'there is no file'],
    ['is empty', '', 'there is no token in'],
    ['holds only blanks', ' \n', 'there is no token in'],
    ['holds no token', '<html>', 'does not contain a signed token'],
    ['holds half a token', 'eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0', 'does not contain a signed token'],
    ['holds two lines', 'a.b.c\nd.e.f', 'does not contain a signed token'],
  ];
  test.each(files)('reports that its token file %s, without any request', async (_what, text, line) => {
    if (text === undefined) rmSync(tokenFile);
    else writeFileSync(tokenFile, text);
    const { stdout, stderr } = await world.fail(REGISTRY, pod());
    expect(stdout).toContain(line);
    expect(stdout).toContain(tokenFile);
    expect(stderr).toContain(`hint: ls -l ${tokenFile}`);
    world.expectNothingSent();
  });

  test('reports a folder in place of its token file', async () => {
    const { stdout } = await world.fail(REGISTRY, pod({ AZURE_FEDERATED_TOKEN_FILE: world.folder }));
    expect(stdout).toContain(`the token in ${world.folder} cannot be read`);
  });

  const claims: readonly (readonly [code: string, claims: Record<string, unknown>, cause: string])[] = [
    ['700211', { iss: `${ISSUER}x` }, `iss ${ISSUER}x, sub ${SUBJECT}, aud ${FEDERATED_AUDIENCE}`],
    ['700212', { aud: 'api://other' }, `iss ${ISSUER}, sub ${SUBJECT}, aud api://other`],
    ['700213', { sub: 'system:serviceaccount:a:b' }, `iss ${ISSUER}, sub system:serviceaccount:a:b, aud `],
    ['7002138', { sub: SUBJECT.toUpperCase() }, `sub ${SUBJECT.toUpperCase()}`],
  ];
  test.each(claims)(
    'reports the claims of its token when Entra rejects it with AADSTS%s',
    async (code, changed, cause) => {
      writeFileSync(tokenFile, issue(changed));
      const { stdout, stderr } = await world.fail(REGISTRY, pod());
      expect(stdout).toContain(`no federated credential matches (AADSTS${code})`);
      expect(stderr).toContain(cause);
      expect(stderr).toContain(`hint: az ad app federated-credential list --id ${CLIENT_ID}`);
    },
  );

  test('reports how long ago its token expired', async () => {
    const now = Math.floor(Date.now() / 1000);
    writeFileSync(tokenFile, issue({ exp: now - 720, nbf: now - 4320, iat: now - 4320 }));
    const { stderr } = await world.fail(REGISTRY, pod());
    expect(stderr).toContain('the assertion is outside its validity period (AADSTS700024)');
    expect(stderr).toMatch(/aud api:\/\/AzureADTokenExchange, and expired 72\d s ago\n/);
    expect(stderr).toContain("this machine's clock agrees with that of login.microsoftonline.com");
    expect(stderr).toContain('hint: get a new assertion');
  });

  test('reports missing and hostile claims of its token safely', async () => {
    writeFileSync(tokenFile, issue({ iss: { a: 1 }, sub: '\u001b[31m\n', aud: undefined }));
    const { stderr } = await world.fail(REGISTRY, pod());
    expect(stderr).toContain('aud (none)');
    expect(stderr).not.toContain('\u001b');
  });
});

describe('a token in a variable', () => {
  test.each(['AZURE_FEDERATED_TOKEN', 'ARM_OIDC_TOKEN'])('signs in when the variable is %s', async (name) => {
    await world.get(REGISTRY, withToken(name));
    expect(world.seen()).toEqual([ENTRA, EXCHANGE]);
  });

  test('signs in when the configuration names the variable, as in GitLab', async () => {
    const identity = { type: 'workload-identity', clientId: CLIENT_ID, tenantId: TENANT_ID, tokenEnv: 'GITLAB_OIDC' };
    world.configure({ [REGISTRY]: { identity } });
    await world.get(REGISTRY, { AZURE_CLIENT_ID: undefined, AZURE_TENANT_ID: undefined, GITLAB_OIDC: ` ${issue()}\n` });
    expect(world.emulator.requests[0]?.form['client_secret']).toBeUndefined();
  });

  test("signs in with Terraform's client when Terraform's variables are set", async () => {
    const ids = { ARM_CLIENT_ID: CLIENT_ID, ARM_TENANT_ID: TENANT_ID };
    const nobody = { AZURE_CLIENT_ID: undefined, AZURE_TENANT_ID: undefined, AZURE_CLIENT_SECRET: undefined };
    await world.get(REGISTRY, { ...nobody, ...ids, ARM_OIDC_TOKEN_FILE_PATH: tokenFile });
    expect(world.seen()).toEqual([ENTRA, EXCHANGE]);
  });

  test('is reported as missing when the configuration names a variable that is not set', async () => {
    world.configure({ [REGISTRY]: { identity: { type: 'workload-identity', tokenEnv: 'GITLAB_OIDC' } } });
    expect((await world.fail()).stdout).toContain('GITLAB_OIDC is not set');
  });

  test('is reported as malformed without being quoted when it is not a token', async () => {
    const { stdout, stderr } = await world.fail(
      REGISTRY,
      withToken('X', { AZURE_FEDERATED_TOKEN: 'not-a-token-at-all' }),
    );
    expect(stdout).toContain('AZURE_FEDERATED_TOKEN does not contain a signed token');
    expect(stdout + stderr).not.toContain('not-a-token-at-all');
  });
});

describe('a pod with an identity binding', () => {
  /** The variables of a pod for which the webhook added a binding. */
  function bound(more: Record<string, string | undefined> = {}): Record<string, string | undefined> {
    writeFileSync(tokenFile, issue({ aud: [BINDING_AUDIENCE] }));
    return pod({
      AZURE_KUBERNETES_TOKEN_PROXY: proxy.url,
      AZURE_KUBERNETES_SNI_NAME: proxy.serverName,
      AZURE_KUBERNETES_CA_FILE: caFile,
      ...more,
    });
  }

  test('signs in at the token proxy under its TLS name and bypasses the HTTP proxy', async () => {
    await world.get(REGISTRY, { ...bound(), NO_PROXY: undefined, no_proxy: undefined });
    expect(world.seen()).toEqual([EXCHANGE]);
    expect(new Set(world.emulator.connects)).toEqual(new Set([`${REGISTRY}:443`]));
    expect(proxy.requests).toHaveLength(1);
    const [request] = proxy.requests;
    expect(request?.serverName).toBe(proxy.serverName);
    expect(request?.path).toBe(`/${TENANT_ID}/oauth2/v2.0/token`);
    expect(Object.keys(request?.form ?? {})).toEqual([
      'client_id',
      'scope',
      'grant_type',
      'client_assertion_type',
      'client_assertion',
    ]);
  });

  test.each(['/proxy', '/proxy/'])('keeps the path prefix %s of the token proxy', async (path) => {
    await world.get(REGISTRY, bound({ AZURE_KUBERNETES_TOKEN_PROXY: `${proxy.url}${path}` }));
    expect(proxy.requests[0]?.path).toBe(`/proxy/${TENANT_ID}/oauth2/v2.0/token`);
  });

  test('takes the certificates from a variable', async () => {
    await world.get(REGISTRY, bound({ AZURE_KUBERNETES_CA_FILE: undefined, AZURE_KUBERNETES_CA_DATA: proxy.caPem }));
    expect(proxy.requests).toHaveLength(1);
  });

  test('goes to Entra with a token of another audience, whatever the variables say', async () => {
    const variables = bound({ AZURE_KUBERNETES_TOKEN_PROXY: 'nonsense' });
    writeFileSync(tokenFile, issue());
    await world.get(REGISTRY, variables);
    expect(world.seen()).toEqual([ENTRA, EXCHANGE]);
    expect(proxy.requests).toEqual([]);
  });

  test('reports the missing annotation when no token proxy is set', async () => {
    const none = { AZURE_KUBERNETES_TOKEN_PROXY: '', AZURE_KUBERNETES_SNI_NAME: '', AZURE_KUBERNETES_CA_FILE: '' };
    const { stdout, stderr } = await world.fail(REGISTRY, bound(none));
    expect(stdout).toContain('no federated credential matches (AADSTS700212)');
    expect(stderr).toContain('aud api://AKSIdentityBinding');
    expect(stderr).toMatch(/hint: .*azure\.workload\.identity\/use-identity-binding: "true"/);
  });

  const wrong: readonly (readonly [what: string, Record<string, string>, line: string])[] = [
    [
      'a TLS name without a proxy',
      { AZURE_KUBERNETES_TOKEN_PROXY: '', AZURE_KUBERNETES_CA_FILE: '' },
      'AZURE_KUBERNETES_SNI_NAME is set, but AZURE_KUBERNETES_TOKEN_PROXY is not',
    ],
    [
      'certificates without a proxy',
      { AZURE_KUBERNETES_TOKEN_PROXY: '', AZURE_KUBERNETES_SNI_NAME: '' },
      'AZURE_KUBERNETES_CA_FILE is set, but AZURE_KUBERNETES_TOKEN_PROXY is not',
    ],
    ['an http URL', { AZURE_KUBERNETES_TOKEN_PROXY: 'http://127.0.0.1:1' }, 'is not an https URL'],
    ['a value that is not a URL', { AZURE_KUBERNETES_TOKEN_PROXY: 'kubernetes' }, 'is not an https URL'],
    [
      'a URL with a user name',
      { AZURE_KUBERNETES_TOKEN_PROXY: 'https://user:secret-word@host' },
      'is not an https URL',
    ],
    ['a URL with a query', { AZURE_KUBERNETES_TOKEN_PROXY: 'https://host/?a=b' }, 'is not an https URL'],
    ['a URL with a fragment', { AZURE_KUBERNETES_TOKEN_PROXY: 'https://host/#a' }, 'is not an https URL'],
    [
      'certificates in a file and in a variable',
      { AZURE_KUBERNETES_CA_DATA: 'x' },
      'both AZURE_KUBERNETES_CA_FILE and AZURE_KUBERNETES_CA_DATA are set',
    ],
    [
      'a variable without a certificate',
      { AZURE_KUBERNETES_CA_FILE: '', AZURE_KUBERNETES_CA_DATA: 'x' },
      'AZURE_KUBERNETES_CA_DATA contains no certificate',
    ],
    [
      'a certificate file of the working directory',
      { AZURE_KUBERNETES_CA_FILE: './ca.crt' },
      'AZURE_KUBERNETES_CA_FILE is not an absolute path',
    ],
    [
      'a missing certificate file',
      { AZURE_KUBERNETES_CA_FILE: '/nowhere/ca.crt' },
      'AZURE_KUBERNETES_CA_FILE names /nowhere/ca.crt, but there is no such file',
    ],
  ];
  test.each(wrong)('rejects %s before anything is sent', async (_what, changed, line) => {
    const { stdout } = await world.fail(REGISTRY, bound(changed));
    expect(stdout).toContain(line);
    expect(stdout).not.toContain('secret-word');
    world.expectNothingSent();
    expect(proxy.requests).toEqual([]);
  });

  test('rejects a certificate file without certificates', async () => {
    writeFileSync(caFile, 'nothing');
    expect((await world.fail(REGISTRY, bound())).stdout).toContain(`${caFile} contains no certificate`);
  });

  test('trusts only what the machine trusts when the certificate file is empty', async () => {
    writeFileSync(caFile, '');
    const { stdout, stderr } = await world.fail(REGISTRY, bound());
    expect(stdout).toMatch(/the certificate of 127\.0\.0\.1:\d+ is not trusted/);
    expect(stderr).toContain('hint: check AZURE_KUBERNETES_TOKEN_PROXY');
    expect(proxy.requests).toEqual([]);
  });

  test('sends nothing when the certificate has another name', async () => {
    const { stdout } = await world.fail(REGISTRY, bound({ AZURE_KUBERNETES_SNI_NAME: 'other.example' }));
    expect(stdout).toContain('is for another name (ERR_TLS_CERT_ALTNAME_INVALID)');
    expect(proxy.requests).toEqual([]);
  });

  test('names the token proxy when it refuses the token', async () => {
    const other = '44444444-5555-4666-8777-888888888888';
    const { stderr } = await world.fail(REGISTRY, bound({ AZURE_CLIENT_ID: other }));
    expect(stderr).toMatch(new RegExp(`cause: 127\\.0\\.0\\.1:\\d+ refused the token in ${tokenFile} for ${other}`));
  });
});
