/** `get` with the account of a developer tool or with a custom program; shell scripts stand in for them. */

import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Outcome } from '../../src/outcome.ts';
import { CLIENT_SECRET, OBJECT_ID, TENANT_ID, USER_NAME, USER_OBJECT_ID } from '../emulator/emulator.ts';
import { type Answer, EXCHANGE, NOT_FOUND, openWorld, parseAnswer, REGISTRY, readClaims } from './world.ts';

const ACR = 'https://containerregistry.azure.net';
const ARM = 'https://management.azure.com';
const OTHER_TENANT = '33333333-2222-4333-8444-555555555555';

const world = await openWorld();
const bin = join(world.folder, 'bin');

beforeEach(() => {
  for (const name of ['bin', '.azure', '.azd', '.Azure', 'other-azure']) {
    rmSync(join(world.folder, name), { recursive: true, force: true });
  }
  mkdirSync(bin);
});

/** Writes a program that records how it was called and then runs the script. */
function install(name: string, script: string): void {
  const record = `{ printf '%s\\0' "$@"; printf '\\036'; } >>'${bin}/${name}.args'; pwd >'${bin}/${name}.cwd'; env >'${bin}/${name}.env'`;
  writeFileSync(join(bin, name), `#!/bin/sh\n${record}\n${script}\n`);
  chmodSync(join(bin, name), 0o755);
}

/** The arguments of each call. */
function callsOf(name: string): string[][] {
  const file = join(bin, `${name}.args`);
  if (!existsSync(file)) return [];
  const calls = readFileSync(file, 'utf8').split('\0\x1E').slice(0, -1);
  return calls.map((call) => call.split('\0'));
}
const environmentOf = (name: string) => readFileSync(join(bin, `${name}.env`), 'utf8');

const print = (text: string) => `cat <<'END'\n${text}\nEND`;
const fail = (text: string, exitCode = 1) => `cat >&2 <<'END'\n${text}\nEND\nexit ${exitCode}`;

function writeJson(path: readonly string[], value: unknown): void {
  const file = join(world.folder, ...path);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, JSON.stringify(value));
}

const run = (variables: Record<string, string | undefined> = {}) =>
  world.run('get', REGISTRY, { PATH: `${bin}:${process.env['PATH'] ?? ''}`, ...variables });

async function get(variables: Record<string, string | undefined> = {}): Promise<Answer> {
  const { exitCode, stdout, stderr } = await run(variables);
  expect(stderr).toBe('');
  expect(exitCode).toBe(0);
  return parseAnswer(stdout);
}

/** Expects a failure without any request. */
async function getFailure(variables: Record<string, string | undefined> = {}): Promise<Outcome> {
  const outcome = await run(variables);
  expect(outcome.exitCode).toBe(1);
  expect(outcome.stdout).toMatch(/^Cannot sign in for [^\n`]+\n$/);
  expect(outcome.stderr).toMatch(/^docker-credential-acr: error: Cannot [^\n]+\n(cause: [^\n]+\n)*hint: [^\n]+\n$/);
  expect(world.seen()).toEqual([]);
  return outcome;
}

/** Secrets that a child process must never see. */
const SECRETS = {
  AZURE_CLIENT_SECRET: CLIENT_SECRET,
  ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'hidden-request-token',
  SYSTEM_ACCESSTOKEN: 'hidden-system-token',
};

function expectNoSecretFor(name: string): void {
  const environment = environmentOf(name);
  for (const secret of Object.values(SECRETS)) expect(environment).not.toContain(secret);
  expect(environment).toContain(`HOME=${world.folder}`);
}

const userToken = (audience = ACR, objectId = USER_OBJECT_ID) => world.emulator.entraToken({ audience, objectId });

describe('the Azure CLI', () => {
  const subscription = (changes: object = {}) => ({
    id: 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee',
    name: 'Main',
    state: 'Enabled',
    isDefault: true,
    tenantId: TENANT_ID,
    homeTenantId: TENANT_ID,
    environmentName: 'AzureCloud',
    user: { name: USER_NAME, type: 'user' },
    ...changes,
  });
  const signIn = (subscriptions: readonly object[] = [subscription()], folder = '.azure') =>
    writeJson([folder, 'azureProfile.json'], { installationId: 'x', subscriptions });
  /** The output of version 2.54 and later. */
  const answer = (token: string) =>
    JSON.stringify(
      {
        accessToken: token,
        expiresOn: '2030-01-02 03:04:05.000000',
        expires_on: 1893553445,
        subscription: 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee',
        tenant: TENANT_ID,
        tokenType: 'Bearer',
      },
      undefined,
      2,
    );
  const COMMAND = ['account', 'get-access-token', '--output', 'json', '--resource'];

  test('runs once, with only the audience, in its program folder and without a secret', async () => {
    signIn();
    install('az', print(answer(userToken())));
    const first = await get(SECRETS);
    expect(readClaims(first.Secret)).toMatchObject({ aud: REGISTRY });
    expect(callsOf('az')).toEqual([[...COMMAND, ACR]]);
    expect(readFileSync(`${bin}/az.cwd`, 'utf8')).toBe(`${bin}\n`);
    expectNoSecretFor('az');
    expect(environmentOf('az')).toContain('AZURE_CORE_COLLECT_TELEMETRY=no');
    expect((await get(SECRETS)).Secret).toBe(first.Secret);
    expect(callsOf('az')).toHaveLength(1);
    expect(world.seen()).toEqual([EXCHANGE]);
  });

  test.each([
    ['before version 2.54', { accessToken: 'TOKEN', expiresOn: '2030-01-02 03:04:05.000000', tokenType: 'Bearer' }],
    ['in Cloud Shell', { accessToken: 'TOKEN', expiresOn: '2030-01-02T03:04:05+00:00', tokenType: 'Bearer' }],
  ])('supplies a token in the format used %s', async (_version, shape) => {
    signIn();
    install('az', print(JSON.stringify(shape).replace('TOKEN', userToken())));
    await get();
  });

  test('supplies another token when another account signs in, and keeps the first one in the cache', async () => {
    signIn();
    install('az', print(answer(userToken())));
    const first = await get();
    signIn([subscription({ user: { name: 'grace@contoso.onmicrosoft.com', type: 'user' } })]);
    install('az', print(answer(userToken(ACR, OBJECT_ID))));
    const second = await get();
    expect(second.Secret).not.toBe(first.Secret);
    signIn();
    expect((await get()).Secret).toBe(first.Secret);
    expect(callsOf('az')).toHaveLength(2);
  });

  test('signs in at the tenant of the configuration', async () => {
    signIn();
    world.configure({ [REGISTRY]: { tenantId: TENANT_ID } });
    install('az', print(answer(userToken())));
    await get();
    expect(callsOf('az')).toEqual([[...COMMAND, ACR, '--tenant', TENANT_ID]]);
  });

  test('gets the chosen subscription by its id and no tenant with it', async () => {
    const id = 'bbbbbbbb-bbbb-4ccc-8ddd-eeeeeeeeeeee';
    signIn([subscription({ tenantId: OTHER_TENANT }), subscription({ id, name: 'My second one', isDefault: false })]);
    world.configure({
      [REGISTRY]: { identity: { type: 'azure-cli', subscription: 'my SECOND one' }, tenantId: TENANT_ID },
    });
    install('az', print(answer(userToken())));
    await get();
    expect(callsOf('az')).toEqual([[...COMMAND, ACR, '--subscription', id]]);
  });

  test('does not run for a subscription that it does not have', async () => {
    signIn();
    world.configure({ [REGISTRY]: { identity: { type: 'azure-cli', subscription: 'None' } } });
    install('az', print(answer(userToken())));
    const { stderr } = await getFailure();
    expect(stderr).toContain('the Azure CLI has no subscription "None"\nhint: az account list');
    expect(callsOf('az')).toEqual([]);
  });

  test('works in the Azure folder that the configuration names', async () => {
    signIn([subscription({ user: { name: 'other' } })]);
    signIn([subscription()], 'other-azure');
    const configDir = join(world.folder, 'other-azure');
    world.configure({ [REGISTRY]: { identity: { type: 'azure-cli', configDir } } });
    install('az', print(answer(userToken())));
    await get({ AZURE_CONFIG_DIR: '/nowhere' });
    expect(environmentOf('az')).toContain(`AZURE_CONFIG_DIR=${configDir}\n`);
  });

  test.each(['500011', '50001', '650052', '650057'])(
    'is asked for the ARM audience when Entra does not know that of the registry (AADSTS%s)',
    async (code) => {
      signIn();
      const refusal = `ERROR: AADSTS${code}: The resource principal named ${ACR} was not found in the tenant. Trace ID: x`;
      install('az', `case "$*" in *management*) ${print(answer(userToken(ARM)))}\n;; *) ${fail(refusal)}\n;; esac`);
      await get();
      expect(callsOf('az')).toEqual([
        [...COMMAND, ACR],
        [...COMMAND, ARM],
      ]);
    },
  );

  test('leads to the first refusal in the error when Entra knows neither audience', async () => {
    signIn();
    install('az', fail('ERROR: AADSTS500011: The resource principal was not found.'));
    const { stderr } = await getFailure();
    expect(stderr).toContain('(AADSTS500011)');
    expect(callsOf('az')).toHaveLength(2);
  });

  test.each([
    [
      'it names the command that helps',
      `ERROR: AADSTS70043: The refresh token has expired or is invalid. Trace ID: x\nRun the command below to authenticate interactively; additional arguments may be added as needed:\naz logout\naz login --tenant "${TENANT_ID}" --scope "${ACR}/.default"`,
      `the sign-in has expired for the Azure CLI's account ${USER_NAME} (AADSTS70043)`,
      `hint: az login --tenant "${TENANT_ID}" --scope "${ACR}/.default"\n`,
    ],
    [
      'it is an older version',
      `AADSTS50076: Due to a configuration change made by your administrator, you must use multi-factor authentication.\nTo re-authenticate, please run:\naz login --scope ${ACR}/.default`,
      'multi-factor authentication is needed',
      `hint: az login --scope ${ACR}/.default\n`,
    ],
    [
      'it lost its account',
      "ERROR: Please run 'az login' to setup account.",
      'has to sign in again',
      'hint: az login\n',
    ],
    ['it crashes', 'ImportError: No module named x', 'az failed with exit code 1', 'hint: az account get-access-token'],
  ])('is quoted with a hint when %s', async (_what, said, meaning, hint) => {
    signIn();
    install('az', fail(said));
    const { stderr } = await getFailure();
    expect(stderr).toContain(meaning);
    expect(stderr).toContain(`cause: az: ${said.split('\n')[0]}`);
    expect(stderr).toContain(hint);
  });

  test('stops the search when it fails, and the error lists the skipped identities', async () => {
    signIn();
    writeJson(['.azd', 'auth.json'], { auth: { account: { currentUser: { homeAccountId: 'x.y' } } } });
    install('az', fail('it broke'));
    install('azd', print(JSON.stringify({ token: userToken() })));
    const { stderr } = await getFailure();
    expect(stderr).toContain('cause: skipped client-secret: AZURE_CLIENT_SECRET is not set\n');
    expect(callsOf('azd')).toEqual([]);
  });

  test('is skipped when it is no longer installed', async () => {
    signIn();
    const outcome = await run({ PATH: bin, AZURE_TOKEN_CREDENTIALS: 'AzureCliCredential' });
    expect(outcome.stdout).toBe(NOT_FOUND);
    expect(outcome.stderr).toContain('  azure-cli: the Azure CLI has an account, but az is not on PATH\n');
  });

  test('leaks neither its stdout nor a secret on its stderr when it fails', async () => {
    signIn();
    install('az', `echo '${userToken()}'; ${fail(`leak: ${CLIENT_SECRET} ${userToken()}`)}`);
    const { stderr } = await getFailure({ AZURE_CLIENT_SECRET: CLIENT_SECRET });
    expect(stderr).toContain('leak: [redacted] [redacted]');
  });
});

describe('the Azure Developer CLI', () => {
  const COMMAND = ['auth', 'token', '--output', 'json', '--no-prompt', '--scope'];
  beforeEach(() => signIn('oid-1.tid-1'));

  function signIn(homeAccountId: string): void {
    writeJson(['.azd', 'auth.json'], { auth: { account: { currentUser: { homeAccountId } } } });
  }
  const answer = (token: string) => `{\n  "token": "${token}",\n  "expiresOn": "2030-01-02T03:04:05Z"\n}`;

  test('runs once, with the scope, in its program folder and without a secret', async () => {
    install('azd', print(answer(userToken())));
    const first = await get(SECRETS);
    expect(callsOf('azd')).toEqual([[...COMMAND, `${ACR}/.default`]]);
    expect(readFileSync(`${bin}/azd.cwd`, 'utf8')).toBe(`${bin}\n`);
    expectNoSecretFor('azd');
    expect((await get(SECRETS)).Secret).toBe(first.Secret);
    expect(callsOf('azd')).toHaveLength(1);
  });

  test('supplies another token when another account signs in', async () => {
    install('azd', print(answer(userToken())));
    const first = await get();
    signIn('oid-2.tid-1');
    expect((await get()).Secret).not.toBe(first.Secret);
    expect(callsOf('azd')).toHaveLength(2);
  });

  test('signs in at the tenant of the configuration', async () => {
    world.configure({ [REGISTRY]: { tenantId: TENANT_ID } });
    install('azd', print(answer(userToken())));
    await get();
    expect(callsOf('azd')).toEqual([[...COMMAND, `${ACR}/.default`, '--tenant-id', TENANT_ID]]);
  });

  test('is asked for the ARM audience when Entra does not know that of the registry', async () => {
    const refusal = JSON.stringify({
      error: 'fetching token: failed to authenticate:\n(invalid_resource) AADSTS500011: x',
    });
    install('azd', `case "$*" in *management*) ${print(answer(userToken(ARM)))}\n;; *) ${fail(refusal)}\n;; esac`);
    await get();
    expect(callsOf('azd').map((args) => args.at(-1))).toEqual([`${ACR}/.default`, `${ARM}/.default`]);
  });

  const NOT_LOGGED_IN = 'not logged in, run `azd auth login` to login';
  const REAUTHENTICATE = `reauthentication required, run \`azd auth login --scope ${ACR}/.default\` to acquire a new token.`;
  test.each([
    [
      'its version is below 1.23.7',
      JSON.stringify({ type: 'consoleMessage', timestamp: 'x', data: { message: `\nERROR: ${NOT_LOGGED_IN}\n` } }),
      `cause: azd: ERROR: ${NOT_LOGGED_IN.replaceAll('`', "'")}\n`,
      'hint: azd auth login\n',
    ],
    [
      'its version is much older',
      'ERROR: not logged in, run `azd login` to login',
      "cause: azd: ERROR: not logged in, run 'azd login' to login\n",
      'hint: azd login\n',
    ],
    [
      'its version is 1.23.7 to 1.23.15',
      `${JSON.stringify({ type: 'consoleMessage', timestamp: 'x', data: { message: '' } })}\n${JSON.stringify({ error: 'fetching token: AADSTS70043: expired', message: 'ERROR: fetching token', suggestion: REAUTHENTICATE })}`,
      'cause: azd: fetching token: AADSTS70043: expired\n',
      `hint: azd auth login --scope ${ACR}/.default\n`,
    ],
    [
      'its version is 1.24',
      JSON.stringify({ error: NOT_LOGGED_IN, message: NOT_LOGGED_IN, suggestion: '' }),
      `cause: azd: ${NOT_LOGGED_IN.replaceAll('`', "'")}\n`,
      'hint: azd auth login\n',
    ],
    [
      'it asks for a second factor',
      JSON.stringify({ error: 'you must use multi-factor authentication', suggestion: REAUTHENTICATE }),
      'cause: azd: you must use multi-factor authentication\n',
      `hint: azd auth login --scope ${ACR}/.default\n`,
    ],
    [
      'it crashes',
      'panic: runtime error',
      'cause: azd: panic: runtime error\n',
      'hint: azd auth login --check-status\n',
    ],
  ])('is quoted with a hint when %s', async (_what, said, cause, hint) => {
    install('azd', fail(said));
    const { stderr } = await getFailure();
    expect(stderr).toContain(cause);
    expect(stderr).toContain(hint);
  });

  test('is skipped when it is no longer installed', async () => {
    const outcome = await run({ PATH: bin, AZURE_TOKEN_CREDENTIALS: 'AzureDeveloperCliCredential' });
    expect(outcome.stdout).toBe(NOT_FOUND);
    expect(outcome.stderr).toContain('  azure-developer-cli: the Azure Developer CLI has an account, but azd is not');
  });
});

describe('Azure PowerShell', () => {
  beforeEach(() => signIn(USER_NAME));

  function signIn(user: string): void {
    const key = `Main (aaaa) - ${TENANT_ID} - ${user}`;
    const context = { Account: { Id: user, Type: 'User' }, Tenant: { Id: TENANT_ID } };
    writeJson(['.Azure', 'AzureRmContext.json'], { DefaultContextKey: key, Contexts: { [key]: context } });
  }

  test('runs once, with its parameters in the environment, in its program folder and without a secret', async () => {
    install('pwsh', print(`WARNING: A newer version of Az is available.\n{"token":"${userToken()}"}`));
    const first = await get({ ...SECRETS, AZURE_IDENTITY_POWERSHELL_TENANT_ID: 'of-somebody-else' });
    const [args = []] = callsOf('pwsh');
    expect(args.slice(0, 3)).toEqual(['-NoProfile', '-NonInteractive', '-Command']);
    expect(args).toHaveLength(4);
    expect(args[3]).toContain('Get-AzAccessToken');
    expect(args[3]).not.toContain('"'); // nothing that Windows has to quote
    expect(args[3]).not.toContain(ACR);
    expect(environmentOf('pwsh')).toContain(`AZURE_IDENTITY_POWERSHELL_RESOURCE=${ACR}\n`);
    expect(environmentOf('pwsh')).toContain('AZURE_IDENTITY_POWERSHELL_TENANT_ID=\n');
    expect(readFileSync(`${bin}/pwsh.cwd`, 'utf8')).toBe(`${bin}\n`);
    expectNoSecretFor('pwsh');
    expect((await get(SECRETS)).Secret).toBe(first.Secret);
    expect(callsOf('pwsh')).toHaveLength(1);
  });

  test('supplies another token when another account signs in', async () => {
    install('pwsh', print(`{"token":"${userToken()}"}`));
    const first = await get();
    signIn('grace@contoso.onmicrosoft.com');
    expect((await get()).Secret).not.toBe(first.Secret);
    expect(callsOf('pwsh')).toHaveLength(2);
  });

  test('signs in at the tenant of the configuration', async () => {
    world.configure({ [REGISTRY]: { tenantId: TENANT_ID } });
    install('pwsh', print(`{"token":"${userToken()}"}`));
    await get();
    expect(environmentOf('pwsh')).toContain(`AZURE_IDENTITY_POWERSHELL_TENANT_ID=${TENANT_ID}\n`);
  });

  test('leads to a hint at signing in when it lost its account', async () => {
    install('pwsh', fail('Run Connect-AzAccount to login.'));
    const { stderr } = await getFailure();
    expect(stderr).toContain(`the account ${USER_NAME} of Azure PowerShell has to sign in again`);
    expect(stderr).toContain('cause: pwsh: Run Connect-AzAccount to login.\n');
    expect(stderr).toContain('hint: pwsh -Command "Connect-AzAccount"\n');
  });

  test('fails the sign-in when it prints no token', async () => {
    install('pwsh', print('{"token":""}'));
    expect((await getFailure()).stderr).toContain('pwsh returned no token');
  });

  test.each([
    ['pwsh is not on PATH', undefined, 'Azure PowerShell has an account, but pwsh is not on PATH'],
    [
      'the module Az.Accounts is missing',
      fail(
        "The specified module 'Az.Accounts' with version '2.2.0' was not loaded because no valid module file was found in any module directory.",
        3,
      ),
      'pwsh cannot load Az.Accounts: Install-Module Az.Accounts -Scope CurrentUser',
    ],
  ])('is skipped when %s', async (_what, script, reason) => {
    if (script !== undefined) install('pwsh', script);
    const outcome = await run({ PATH: `${bin}:/bin`, AZURE_TOKEN_CREDENTIALS: 'AzurePowerShellCredential' });
    expect(outcome.stdout).toBe(NOT_FOUND);
    expect(outcome.stderr).toContain(`  azure-powershell: ${reason}\n`);
  });
});

describe('a custom program', () => {
  const configure = (...command: string[]) =>
    world.configure({ [REGISTRY]: { identity: { type: 'command', command } } });

  test.each([
    ['alone', (token: string) => token],
    ['as accessToken', (token: string) => JSON.stringify({ accessToken: token })],
    ['as access_token', (token: string) => JSON.stringify({ access_token: token, expires_in: 3599 })],
    ['as token', (token: string) => JSON.stringify({ token }, undefined, 2)],
  ])('supplies a token that it prints %s', async (_how, format) => {
    install('vault-token', print(format(userToken())));
    configure(join(bin, 'vault-token'));
    const first = await get(SECRETS);
    expectNoSecretFor('vault-token');
    const environment = environmentOf('vault-token');
    expect(environment).toContain(`DOCKER_CREDENTIAL_ACR_AUDIENCE=${ACR}\n`);
    expect(environment).toContain(`DOCKER_CREDENTIAL_ACR_REGISTRY=${REGISTRY}\n`);
    expect(readFileSync(`${bin}/vault-token.cwd`, 'utf8')).toBe(`${bin}\n`);
    expect((await get(SECRETS)).Secret).toBe(first.Secret);
    expect(callsOf('vault-token')).toHaveLength(1);
  });

  test('gets its arguments as written, since no shell reads them', async () => {
    const args = ['a b', '', '$(id)', '`id`', '*', "it's", '"', 'a;b', '&', '%PATH%', '--name=é'];
    install('vault-token', print(userToken()));
    configure(join(bin, 'vault-token'), ...args.filter((arg) => arg !== ''));
    await get();
    expect(callsOf('vault-token')).toEqual([args.filter((arg) => arg !== '')]);
  });

  test('is found by its name, and supplies another token for other arguments', async () => {
    install('vault-token', print(userToken()));
    configure('vault-token', 'a');
    const first = await get();
    configure('vault-token', 'b');
    expect((await get()).Secret).not.toBe(first.Secret);
  });

  test('never runs unless the configuration names it', async () => {
    install('command', print(userToken()));
    const outcome = await run({ AZURE_TOKEN_CREDENTIALS: 'EnvironmentCredential' });
    expect(outcome.stdout).toBe(NOT_FOUND);
    expect(outcome.stderr).not.toContain('command');
  });

  test.each([
    [
      'exits with an error',
      fail('vault: permission denied', 3),
      'vault-token failed with exit code 3',
      'vault: permission denied',
    ],
    ['prints nothing', 'exit 0', 'vault-token returned no token', undefined],
    ['prints more than a token', 'echo not a token', 'vault-token returned no token', undefined],
    ['is killed', 'kill -9 $$', 'vault-token failed without an exit code', undefined],
  ])('fails the sign-in when it %s', async (_what, script, what, said) => {
    install('vault-token', script);
    configure(join(bin, 'vault-token'));
    const { stderr } = await getFailure();
    expect(stderr).toContain(`Cannot sign in for ${REGISTRY}: ${what}\n`);
    if (said !== undefined) expect(stderr).toContain(`cause: vault-token: ${said}\n`);
    expect(stderr).not.toContain('not a token');
  });

  test.each([
    ['/there/is/nothing', '/there/is/nothing cannot be run'],
    ['no-such-program-here', 'no-such-program-here is not on PATH'],
    ['./vault-token', 'is neither an absolute path nor a bare name'],
  ])('fails the sign-in when it is configured as %s', async (program, what) => {
    configure(program);
    expect((await getFailure()).stderr).toContain(what);
  });

  test('does not delay the answer when it leaves a process running', async () => {
    const file = join(bin, 'left.pid');
    install('vault-token', `sleep 300 & echo $! >'${file}'; ${print(userToken())}`);
    configure(join(bin, 'vault-token'));
    await get();
    process.kill(Number(readFileSync(file, 'utf8')), 'SIGKILL');
  });
});
