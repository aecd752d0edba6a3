/** `login`: every way to sign in and every way to fail, against the emulated Entra, and what the next `get` finds. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { listAccounts } from '../../src/accounts/account.ts';
import { listStoredAccounts } from '../../src/accounts/account-index.ts';
import { rememberChallenge } from '../../src/accounts/rotation.ts';
import { run } from '../../src/cli.ts';
import { parseJsonObject } from '../../src/json.ts';
import type { Runtime } from '../../src/system/runtime.ts';
import { findLeak } from '../e2e/world/leak.ts';
import { AZURE_CLI_CLIENT_ID, TENANT_ID, USER_NAME, USER_OBJECT_ID } from '../emulator/emulator.ts';
import { findTenant } from '../emulator/state.ts';
import { makeStreams, makeTerminal } from '../unit/streams.ts';
import { makeToken } from '../unit/token.ts';
import { CLIENT_SECRET_VARIABLES, ENTRA, EXCHANGE, openWorld, parseAnswer, REGISTRY } from './world.ts';

const world = await openWorld();
const { emulator } = world;
const ACCOUNT_ID = `${USER_OBJECT_ID}.${TENANT_ID}`;
const AUTHORIZE = /https:\/\/\S+\/oauth2\/v2\.0\/authorize\?\S+/;

interface Login {
  readonly output: () => string;
  readonly errors: () => string;
  /** The URL that the program shows. */
  readonly url: () => Promise<string>;
  readonly exitCode: Promise<number>;
  readonly runtime: Runtime;
}

/** Starts `login` in process. Nothing that it writes may hold a secret. */
function startLogin(args: readonly string[], variables: Record<string, string | undefined> = {}): Login {
  const terminal = makeTerminal();
  const runtime: Runtime = {
    env: { ...world.variables, BROWSER: '/bin/true', ...variables },
    platform: process.platform,
    programName: 'docker-credential-acr',
    now: () => Date.now() + world.aheadSeconds * 1000,
    secrets: new Set(),
    secretVariables: new Set(),
  };
  const { written } = terminal;
  const exitCode = run(['login', ...args], makeStreams('', terminal), runtime).then((outcome) => {
    const verifiers = emulator.requests.map(({ form }) => form['code_verifier'] ?? '');
    const secrets = [...emulator.secrets, ...verifiers];
    expect(findLeak(`${written.output}\n${written.errors}`, secrets)).toBeUndefined();
    return outcome.exitCode;
  });
  const url = async () => {
    for (let tries = 0; tries < 400; tries += 1) {
      const [found] = AUTHORIZE.exec(written.errors) ?? [];
      if (found !== undefined) return found;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    throw new Error(`no URL was shown: ${written.errors}`);
  };
  return { output: () => written.output, errors: () => written.errors, url, exitCode, runtime };
}

/** Signs in with the browser. */
async function signIn(args: readonly string[] = [REGISTRY], variables: Record<string, string | undefined> = {}) {
  const login = startLogin(['--browser', ...args], variables);
  const page = await emulator.browse(await login.url());
  return { ...login, page, code: await login.exitCode };
}

/** Runs a login that ends without a browser. */
async function runLogin(args: readonly string[], variables: Record<string, string | undefined> = {}) {
  const login = startLogin(args, variables);
  return { ...login, code: await login.exitCode };
}

/** The program's own requests so far. */
function sent(): readonly string[] {
  return world.seen().filter((request) => !request.startsWith('GET '));
}

function forgetAccounts(): void {
  world.variables['DOCKER_CREDENTIAL_ACR_DATA_DIR'] = join(world.folder, `data-${Math.random()}`);
}

function beginEach(): void {
  forgetAccounts();
  Object.assign(emulator.state.signIn, {
    declines: false,
    refusal: undefined,
    pendingPolls: 0,
    intervalSeconds: 1,
  });
}

describe('with the browser', () => {
  test('signs in, stores the account and gets the token that the next get returns', async () => {
    beginEach();
    const { code, page, output, errors, runtime } = await signIn();
    expect(errors()).toContain('The browser opens.');
    expect(output()).toMatch(
      new RegExp(
        `^Signed in as ${USER_NAME} \\(tenant ${TENANT_ID}\\)\\.\nGot a token of ${REGISTRY}, valid until \\d\\d:\\d\\d; .*\n$`,
      ),
    );
    expect(code).toBe(0);
    expect(page.status).toBe(200);
    expect(page.text).toContain('<h1>You are signed in</h1>');
    expect(page.text).toContain(`The account is ${USER_NAME}.`);
    expect(await listAccounts(runtime)).toEqual([
      {
        id: ACCOUNT_ID,
        username: USER_NAME,
        tenantId: TENANT_ID,
        authority: 'https://login.microsoftonline.com',
        clientId: AZURE_CLI_CLIENT_ID,
        familyId: '1',
        registries: [REGISTRY],
      },
    ]);
    expect(sent()).toEqual([ENTRA.replace(TENANT_ID, 'organizations'), ENTRA, EXCHANGE]);
    world.forgetRequests();
    const { exitCode, stdout } = await world.run('get', REGISTRY);
    expect(exitCode).toBe(0);
    expect(parseAnswer(stdout).ServerURL).toBe(REGISTRY);
    expect(world.seen()).toEqual([]);
  });

  test('asks for a code with PKCE, a state, a nonce and a form, for the port on which it listens', async () => {
    beginEach();
    const login = startLogin([
      '--browser',
      REGISTRY,
      '--username',
      'ada+1@contoso.com',
      '--tenant',
      'contoso.onmicrosoft.com',
    ]);
    const url = new URL(await login.url());
    expect(url.pathname).toBe('/contoso.onmicrosoft.com/oauth2/v2.0/authorize');
    const query = Object.fromEntries(url.searchParams);
    expect(query).toEqual({
      client_id: AZURE_CLI_CLIENT_ID,
      response_type: 'code',
      redirect_uri: expect.stringMatching(/^http:\/\/localhost:\d+$/),
      response_mode: 'form_post',
      scope: 'https://containerregistry.azure.net/.default openid profile offline_access',
      state: expect.stringMatching(/^[\w-]{43}$/),
      nonce: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
      prompt: 'select_account',
      login_hint: 'ada+1@contoso.com',
    });
    await emulator.browse(url.href);
    expect(await login.exitCode).toBe(0);
    const redeemed = emulator.requests.find(({ method }) => method === 'POST')?.form ?? {};
    expect(redeemed['redirect_uri']).toBe(query['redirect_uri']);
    expect(redeemed['client_info']).toBe('1');
    await expect(fetch(query['redirect_uri'] ?? '')).rejects.toThrow(); // it listens no longer
  });

  test('signs in without a registry, and asks none for a token', async () => {
    beginEach();
    const { code, output } = await signIn([]);
    expect(output()).toBe(`Signed in as ${USER_NAME} (tenant ${TENANT_ID}).\n`);
    expect(code).toBe(0);
    expect(sent()).toEqual([ENTRA.replace(TENANT_ID, 'organizations')]);
  });

  test('prints JSON and nothing else', async () => {
    beginEach();
    const { code, output } = await signIn([REGISTRY, '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(output())).toEqual({
      account: ACCOUNT_ID,
      username: USER_NAME,
      tenantId: TENANT_ID,
      authority: 'https://login.microsoftonline.com',
      clientId: AZURE_CLI_CLIENT_ID,
      method: 'browser',
      registry: REGISTRY,
      hasToken: true,
      expiresAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      warnings: [expect.stringContaining('the refresh token is stored unencrypted')],
    });
  });

  test('says that the person declined, on the page and in the terminal', async () => {
    beginEach();
    emulator.state.signIn.declines = true;
    const { code, page, errors, output, runtime } = await signIn();
    expect(code).toBe(1);
    expect(page.text).toContain('The sign-in was declined, and nothing was stored.');
    expect(errors()).toMatch(
      /error: Cannot sign in for myregistry.azurecr.io: the sign-in was declined \(AADSTS65004\)\n/,
    );
    expect(output()).toBe('');
    expect(await listAccounts(runtime)).toEqual([]);
    expect(sent()).toEqual([]);
  });

  test.each([
    [50_076, 'interaction_required', 'multi-factor authentication is needed (AADSTS50076)'],
    [53_003, 'access_denied', 'a Conditional Access policy blocks the sign-in (AADSTS53003)'],
    [65_001, 'invalid_grant', 'consent is missing (AADSTS65001)'],
    [700_016, 'unauthorized_client', 'the application is not in this tenant (AADSTS700016)'],
    [500_011, 'invalid_resource', 'the tenant does not know Azure Container Registry (AADSTS500011)'],
  ])('says why Entra refuses the code: %i', async (code, error, meaning) => {
    beginEach();
    emulator.state.signIn.refusal = { error, code, text: 'A <b>text</b>.' };
    const { code: exitCode, page, errors, runtime } = await signIn();
    expect(exitCode).toBe(1);
    expect(errors()).toContain(`error: Cannot sign in for ${REGISTRY}: ${meaning}\n`);
    expect(errors()).not.toMatch(/\baz |AZURE_/);
    expect(page.text).toContain('<h1>You are not signed in</h1>');
    expect(page.text).toContain(meaning);
    expect(await listAccounts(runtime)).toEqual([]);
  });

  test.each([
    ['', 'the sign-in was declined (access_denied)', `docker-credential-acr login ${REGISTRY}`, 'was declined, and'],
    [
      'AADSTS65004: User declined to consent.',
      'the sign-in was declined (AADSTS65004)',
      `docker-credential-acr login ${REGISTRY}`,
      'was declined, and',
    ],
    [
      'AADSTS53003: Blocked.',
      'a Conditional Access policy blocks the sign-in (AADSTS53003)',
      "ask the tenant's administrator which policy applies",
      'The sign-in failed.',
    ],
  ])('tells a person who declines from a policy: %j', async (description, meaning, hint, paragraph) => {
    beginEach();
    const login = startLogin(['--browser', REGISTRY]);
    const { searchParams } = new URL(await login.url());
    const body = new URLSearchParams({ error: 'access_denied', state: searchParams.get('state') ?? '' });
    if (description !== '') body.set('error_description', description);
    const page = await fetch(searchParams.get('redirect_uri') ?? '', { method: 'POST', body });
    expect(await page.text()).toContain(paragraph);
    expect(await login.exitCode).toBe(1);
    expect(login.errors()).toContain(`error: Cannot sign in for ${REGISTRY}: ${meaning}\n`);
    expect(login.errors()).toContain(`hint: ${hint}`);
  });

  test('escapes and quotes what a stranger sends', async () => {
    beginEach();
    const login = startLogin(['--browser', REGISTRY]);
    const url = new URL(await login.url());
    const description = '<script>alert(1)</script>\u001b[31mred\u202e';
    const body = new URLSearchParams({
      error: '<img src=x>',
      error_description: description,
      state: url.searchParams.get('state') ?? '',
    });
    const page = await (await fetch(url.searchParams.get('redirect_uri') ?? '', { method: 'POST', body })).text();
    expect(await login.exitCode).toBe(1);
    expect(page).not.toMatch(/<script|<img/);
    expect(page).toContain('&lt;img');
    for (const control of ['\u001b', '\u202e']) expect(login.errors()).not.toContain(control);
  });

  test.each([
    ['another nonce', { nonce: 'other' }, 'the id token is for another request'],
    ['another application', { aud: 'other' }, 'the id token is for another application'],
    ['another tenant', { tid: '00000000-0000-4000-8000-000000000000' }, 'the id token is from another tenant'],
    ['no tenant', { tid: undefined }, 'they do not say who signed in'],
  ])('refuses an id token with %s', async (_what, changes, why) => {
    beginEach();
    const restore = emulator.inject({
      path: /\/oauth2\/v2\.0\/token$/,
      times: 1,
      tamper: (response) => {
        const body = parseJsonObject(response.body) ?? {};
        const [head = '', payload = ''] = String(body['id_token']).split('.');
        const claims = parseJsonObject(Buffer.from(payload, 'base64url').toString()) ?? {};
        const changed = Buffer.from(JSON.stringify({ ...claims, ...changes })).toString('base64url');
        return { ...response, body: JSON.stringify({ ...body, id_token: `${head}.${changed}.x` }) };
      },
    });
    const { code, errors, page, runtime } = await signIn([REGISTRY, '--tenant', TENANT_ID]);
    restore();
    expect(code).toBe(1);
    expect(errors()).toContain(why);
    expect(page.text).toContain('You are not signed in');
    expect(await listAccounts(runtime)).toEqual([]);
  });

  test('says on the page that the sign-in cannot be stored', async () => {
    beginEach();
    writeFileSync(join(world.folder, 'file'), '');
    const variables = { DOCKER_CREDENTIAL_ACR_DATA_DIR: join(world.folder, 'file', 'data') };
    const { code, errors, page } = await signIn([REGISTRY], variables);
    expect(code).toBe(1);
    expect(errors()).toContain(`error: Cannot store the refresh token of ${USER_NAME}: `);
    expect(page.text).toContain('You are not signed in');
    expect(world.seen()).not.toContain(EXCHANGE);
  });

  test('keeps the sign-in when the account has no role, and says so', async () => {
    beginEach();
    const restore = emulator.inject({ path: '/oauth2/exchange', status: 403, body: '{}' });
    const { code, output, errors, runtime, page } = await signIn();
    restore();
    expect(code).toBe(1);
    expect(page.text).toContain('You are signed in');
    expect(output()).toBe(`Signed in as ${USER_NAME} (tenant ${TENANT_ID}).\n`);
    expect(errors()).toContain(`error: The sign-in is saved, but ${USER_NAME} gets no token of ${REGISTRY}: `);
    expect(await listAccounts(runtime)).toHaveLength(1);
  });

  test('succeeds with a token that expires later than any date', async () => {
    beginEach();
    const body = JSON.stringify({ refresh_token: makeToken({ exp: 1e300 }) });
    const restore = emulator.inject({ path: '/oauth2/exchange', status: 200, body });
    const { code, output } = await signIn([REGISTRY, '--json']);
    restore();
    expect(code).toBe(0);
    expect(parseJsonObject(output())).toMatchObject({
      hasToken: true,
      expiresAt: '+275760-09-13T00:00:00.000Z',
    });
  });

  test('proves a new sign-in with new tokens, although old ones are cached', async () => {
    beginEach();
    await signIn();
    world.forgetRequests();
    const { code } = await signIn();
    expect(code).toBe(0);
    expect(world.seen()).toContain(EXCHANGE);
  });

  test('signs in to the tenant of the last sign-in for the registry', async () => {
    beginEach();
    await signIn();
    const login = startLogin(['--browser', REGISTRY]);
    const url = new URL(await login.url());
    expect(url.pathname.split('/')[1]).toBe(TENANT_ID);
    await emulator.browse(url.href);
    expect(await login.exitCode).toBe(0);
  });

  test('passes on what Entra asked for when a renewal failed', async () => {
    beginEach();
    const { runtime } = await signIn();
    const [account] = listStoredAccounts(runtime);
    const claims = '{"access_token":{"acrs":{"essential":true,"value":"p1"}}}';
    if (account !== undefined) await rememberChallenge({ runtime, log: undefined, account }, claims);
    const login = startLogin(['--browser', REGISTRY]);
    const url = new URL(await login.url());
    expect(url.searchParams.get('claims')).toBe(claims);
    expect(url.searchParams.get('login_hint')).toBe(USER_NAME);
    await emulator.browse(url.href);
    expect(await login.exitCode).toBe(0);
    expect(listStoredAccounts(runtime)[0]?.challenge).toBeUndefined();
  });

  test.each([
    ['the name of a registry', ['myregistry.azurecr.cn'], {}, 'login.partner.microsoftonline.cn'],
    ['--cloud', ['--cloud', 'us-government'], {}, 'login.microsoftonline.us'],
    [
      'a variable',
      [],
      { AZURE_AUTHORITY_HOST: 'https://login.partner.microsoftonline.cn/' },
      'login.partner.microsoftonline.cn',
    ],
  ])('signs in to the cloud of %s', async (_what, args, variables, host) => {
    beginEach();
    const { code, runtime } = await signIn(args, variables);
    expect(code).toBe(0);
    expect((await listAccounts(runtime))[0]?.authority).toBe(`https://${host}`);
    expect(sent()[0]).toBe(`POST ${host}/organizations/oauth2/v2.0/token`);
  });

  test("signs in to the configuration's application and tenant", async () => {
    beginEach();
    const clientId = 'abababab-1234-4234-8234-565656565656';
    findTenant(emulator.state, TENANT_ID)?.applications.set(clientId, {
      clientId,
      objectId: clientId,
      secrets: [],
      certificates: [],
      federatedCredentials: [],
      enabled: true,
      isPublic: true,
    });
    world.configure({ [REGISTRY]: { identity: { type: 'login', clientId, tenantId: TENANT_ID } } });
    const { code, runtime } = await signIn();
    expect(code).toBe(0);
    expect(await listAccounts(runtime)).toEqual([expect.objectContaining({ clientId, familyId: undefined })]);
    expect(sent()).toEqual([ENTRA, ENTRA, EXCHANGE]);
  });
});

describe('with a device code', () => {
  test('is chosen over SSH: shows the code, waits, and gets the token', async () => {
    beginEach();
    emulator.state.signIn.pendingPolls = 1;
    const { code, errors, output, runtime } = await runLogin([REGISTRY], { SSH_CONNECTION: '10.0.0.1 1 10.0.0.2 22' });
    expect(code).toBe(0);
    expect(errors()).toMatch(
      /^No browser can be opened: this is an SSH session\. \(--browser .*\)\nOpen this page on any device, and type the code:\n\n {2}https:\/\/microsoft\.com\/devicelogin\n {2}[0-9A-F]{9}\n\n/,
    );
    expect(output()).toContain(`Signed in as ${USER_NAME}`);
    expect(await listAccounts(runtime)).toHaveLength(1);
    const polls = emulator.requests.filter(({ form }) => form['device_code'] !== undefined);
    expect(polls.map(({ status }) => status)).toEqual([400, 200]);
    expect(polls[0]?.form).toEqual({
      client_id: AZURE_CLI_CLIENT_ID,
      grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
      device_code: expect.any(String),
      client_info: '1',
    });
  });

  test('fails when a policy forbids it, and names the other way', async () => {
    beginEach();
    emulator.state.signIn.refusal = { error: 'access_denied', code: 53_003, text: 'Blocked.' };
    const { code, errors, output, runtime } = await runLogin([REGISTRY, '--device-code', '--json']);
    expect(code).toBe(1);
    expect(errors()).toContain(
      `error: Cannot sign in for ${REGISTRY}: a Conditional Access policy blocks the sign-in (AADSTS53003)\n`,
    );
    expect(errors()).toContain(
      `hint: the policy may forbid device codes; where there is a browser: docker-credential-acr login ${REGISTRY} --browser\n`,
    );
    expect(output()).toBe('');
    expect(await listAccounts(runtime)).toEqual([]);
  });
});

describe('refuses, and sends nothing,', () => {
  test.each([
    ['a server that is not a registry', ['docker.io'], {}, 'error: "docker.io" is not a registry', 2],
    ['the name of a registry alone', ['myregistry'], {}, 'login myregistry.azurecr.io\n', 2],
    ['both ways at once', [REGISTRY, '--browser', '--device-code'], {}, '--browser and --device-code exclude', 2],
    ['a cloud beside a registry', [REGISTRY, '--cloud', 'china'], {}, '--cloud is for a sign-in without a registry', 2],
    ['an unknown cloud', ['--cloud', 'mars'], {}, 'hint: it is one of public, us-government, china', 2],
    ['a client id that is none', [REGISTRY, '--client-id', 'x'], {}, 'is not the id of an application', 2],
    ['a tenant that is none', [REGISTRY, '--tenant', '../x'], {}, 'is not a tenant', 2],
    [
      'a secret in the environment',
      [REGISTRY],
      CLIENT_SECRET_VARIABLES,
      'the identity of this machine takes precedence: client-secret',
      1,
    ],
    [
      'a variable that allows other identities only',
      [REGISTRY],
      { AZURE_TOKEN_CREDENTIALS: 'prod' },
      'AZURE_TOKEN_CREDENTIALS does not allow it',
      1,
    ],
    [
      'an authority that is no URL',
      [REGISTRY],
      { AZURE_AUTHORITY_HOST: 'http://x' },
      `error: Cannot sign in for ${REGISTRY}: AZURE_AUTHORITY_HOST is not an https URL\n`,
      1,
    ],
  ])('%s', async (_what, args, variables, text, exitCode) => {
    beginEach();
    const { code, errors, output } = await runLogin(args, variables);
    expect(errors()).toContain(text);
    expect(errors()).toContain('error: ');
    expect(code).toBe(exitCode);
    expect(output()).toBe('');
    world.expectNothingSent();
  });

  test.each([
    ['another identity', { identity: 'azure-cli' }, 'the configuration chooses the identity (azure-cli) for it'],
    ['nobody', { anonymous: true }, 'the configuration says that it is anonymous'],
  ])('a registry for which the configuration chooses %s', async (_what, entry, why) => {
    beginEach();
    world.configure({ [REGISTRY]: entry });
    const { code, errors } = await runLogin([REGISTRY, '--device-code']);
    expect(errors()).toContain(`error: Cannot sign in for ${REGISTRY}: ${why}\n`);
    expect(code).toBe(1);
    world.expectNothingSent();
  });

  test('a registry with "strict" that the configuration does not name', async () => {
    beginEach();
    world.writeConfig({ strict: true });
    const { code, errors } = await runLogin([REGISTRY]);
    expect(errors()).toContain('"strict" forbids it');
    expect(code).toBe(1);
  });

  test('a registry with a stored login', async () => {
    beginEach();
    const login = { ServerURL: REGISTRY, Username: 'ci', Secret: 'not-a-real-password' };
    expect((await world.run('store', JSON.stringify(login))).exitCode).toBe(0);
    const { code, errors } = await runLogin([REGISTRY]);
    expect(errors()).toContain(`a stored login (ci) takes precedence\n`);
    expect(errors()).toContain(`hint: docker logout ${REGISTRY}\n`);
    expect(code).toBe(1);
  });
});

test.each([
  ['a registry', [REGISTRY]],
  ['none', []],
])('says before the sign-in for %s that "strict" lets it store nothing', async (_what, args) => {
  beginEach();
  world.writeConfig({ strict: true, registries: { [REGISTRY]: { identity: 'login' } } });
  const { code, errors } = await runLogin(['--device-code', ...args]);
  world.writeConfig({});
  expect(code).toBe(1);
  expect(errors()).toMatch(/^error: Cannot store a refresh token: "strict" in .* forbids it\nhint: [^\n]*\n$/);
  expect(world.seen()).toEqual([]);
});

test('names what sets up the identity that takes precedence', async () => {
  beginEach();
  const { errors } = await runLogin([REGISTRY], CLIENT_SECRET_VARIABLES);
  expect(errors()).toMatch(
    /hint: unset what sets it up \([^)]*AZURE_CLIENT_SECRET[^)]*\), or set "identity": "login" in /,
  );
});

test('warns without a registry that another identity takes precedence', async () => {
  beginEach();
  const { code, errors } = await signIn([], CLIENT_SECRET_VARIABLES);
  expect(code).toBe(0);
  expect(errors()).toContain('warning: registries use the identity of this machine instead: client-secret');
});
