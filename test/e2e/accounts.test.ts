/** Accounts that people signed in with, on the built executable: real clients, crowds, kills, keychains and full disks. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { saveAccount } from '../../src/accounts/account.ts';
import { issueRefreshToken } from '../emulator/entra-user.ts';
import { AZURE_CLI_CLIENT_ID, TENANT_ID } from '../emulator/state.ts';
import { USER_NAME, USER_OBJECT_ID, type User } from '../emulator/state-sign-in.ts';
import { expectAnswer } from './world/answer.ts';
import { LOGIN_SERVER } from './world/cloud.ts';
import { mountDisk } from './world/isolation.ts';
import { startPass, startSecretService } from './world/keychain.ts';
import type { Machine } from './world/machine.ts';
import { needParts, partOf } from './world/parts.ts';
import { openCloud } from './world/test-cloud.ts';

const OTHER = 'fabrikam.azurecr.io';
const ADA: User = { name: USER_NAME, displayName: 'Ada', objectId: USER_OBJECT_ID };
const BOB: User = {
  name: 'bob@contoso.onmicrosoft.com',
  displayName: 'Bob',
  objectId: 'b0b0b0b0-3434-4565-8787-909090909090',
};
const NOBODY = { identity: 'nobody' } as const;

const cloud = await openCloud();
const { state } = cloud.emulator;

type Environment = Readonly<Record<string, string>>;

interface SignedIn {
  readonly user?: User;
  readonly registries?: readonly string[];
  readonly environment?: Environment;
}

/** Signs a person in, as the command `login` does after it has the tokens. @returns the refresh token. */
async function signIn(machine: Machine, signedIn: SignedIn = {}): Promise<string> {
  const { user = ADA, registries = [], environment = {} } = signedIn;
  const of = { user, tenantId: TENANT_ID, clientId: AZURE_CLI_CLIENT_ID };
  const refreshToken = issueRefreshToken(state, of, Math.floor(Date.now() / 1000));
  const account = {
    ...{ id: `${user.objectId}.${TENANT_ID}`, username: user.name, tenantId: TENANT_ID, registries },
    ...{ authority: 'https://login.microsoftonline.com', clientId: AZURE_CLI_CLIENT_ID, familyId: '1' },
  };
  const runtime = {
    env: { ...machine.environment, ...environment },
    ...{ platform: process.platform, programName: 'docker-credential-acr', now: Date.now },
    ...{ secrets: new Set<string>(), secretVariables: new Set<string>() },
  };
  await saveAccount({ runtime, log: undefined }, account, refreshToken);
  return refreshToken;
}

const program = (machine: Machine) => join(machine.folder, 'bin', 'docker-credential-acr');

function command(machine: Machine, args: readonly string[], environment: Environment = {}) {
  return machine.run(program(machine), args, { environment });
}

const accountFolder = (machine: Machine) =>
  join(machine.folder, 'home', '.local', 'share', 'docker-credential-acr', 'accounts');

/** The files beside the index: one for each refresh token. */
const listFiles = (folder: string) => readdirSync(folder).filter((name) => name !== 'index.json');

function readStored(folder: string): string {
  return listFiles(folder)
    .map((name) => readFileSync(join(folder, name), 'utf8'))
    .join('');
}

async function waitUntil(isReached: () => boolean): Promise<void> {
  for (let tries = 0; !isReached(); tries += 1) {
    if (tries > 1_000) throw new Error('The expected state was not reached');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

it('skopeo pulls with the account of a person, with one redemption, and again without one', async (context) => {
  needParts(context, 'skopeo', 'docker-registry');
  await cloud.seed('team/app', '1');
  const machine = cloud.addMachine(NOBODY);
  await signIn(machine);
  const inspect = () => machine.run(partOf('skopeo'), ['inspect', `docker://${LOGIN_SERVER}/team/app:1`]);
  expect(await inspect()).toMatchObject({ exitCode: 0, stderr: '' });
  expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);
  expect(await inspect()).toMatchObject({ exitCode: 0, stderr: '' });
  expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);
});

it('32 processes with an empty cache make one redemption, and leave one refresh token and no lock', async () => {
  const machine = cloud.addMachine(NOBODY);
  const first = await signIn(machine);
  const hosts = [LOGIN_SERVER, OTHER];
  const results = await Promise.all(
    Array.from({ length: 32 }, (_, index) => machine.helper('get', hosts[index % 2] ?? '')),
  );
  for (const { exitCode, stderr } of results) expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(cloud.signIns().toSorted()).toEqual(['entra 200', 'exchange 200', 'exchange 200']);
  expect(listFiles(accountFolder(machine))).toEqual([expect.stringMatching(/^token-[0-9a-f]{40}\.json$/)]);
  expect(readStored(accountFolder(machine))).not.toContain(first);
});

it('two accounts answer for two registries, until one of them signs out', async () => {
  const machine = cloud.addMachine(NOBODY);
  await signIn(machine, { registries: [LOGIN_SERVER] });
  await signIn(machine, { user: BOB, registries: [OTHER] });
  const owner = async (host: string) => expectAnswer(await machine.helper('get', host)).subject;
  expect(await Promise.all([owner(LOGIN_SERVER), owner(OTHER)])).toEqual([ADA.name, BOB.name]);
  const table = await command(machine, ['accounts']);
  expect(table).toMatchObject({ exitCode: 0, stderr: '' });
  expect(table.stdout).toMatch(/^\* {2}bob@.* fabrikam\.azurecr\.io .*$/m);
  expect(await command(machine, ['logout'])).toMatchObject({ exitCode: 2 });
  const signedOut = { exitCode: 0, stdout: '', stderr: `Signed out ${ADA.name}.\n` };
  expect(await command(machine, ['logout', ADA.name])).toEqual(signedOut);
  expect(await Promise.all([owner(LOGIN_SERVER), owner(OTHER)])).toEqual([BOB.name, BOB.name]);
  expect(await command(machine, ['logout'])).toMatchObject({ exitCode: 0 });
  expect(listFiles(accountFolder(machine))).toEqual([]);
  expect(await machine.helper('get', OTHER)).toMatchObject({
    exitCode: 1,
    stdout: expect.stringContaining('not found'),
  });
});

it('a process that is killed between the redemption and the store loses nothing', async () => {
  const machine = cloud.addMachine(NOBODY);
  const folder = join(machine.folder, 'keychain');
  mkdirSync(folder);
  // It takes what it gets; but while "slow" is there, it takes its time.
  const script = [
    '#!/bin/sh',
    `cd '${folder}'`,
    'case "$1" in',
    'store) if [ -e slow ]; then echo x >reached; sleep 60; else cat >entry; fi ;;',
    'get) cat entry ;;',
    'erase) rm -f entry ;;',
    'esac',
  ];
  writeFileSync(join(folder, 'docker-credential-pass'), `${script.join('\n')}\n`, { mode: 0o755 });
  const environment = { PATH: `${folder}:${machine.environment['PATH']}` };
  await signIn(machine, { environment });
  writeFileSync(join(folder, 'slow'), '');
  const child = spawn(program(machine), ['get'], {
    env: { ...machine.environment, ...environment },
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  child.stdin.end(LOGIN_SERVER);
  await waitUntil(() => existsSync(join(folder, 'reached')));
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(cloud.signIns()).toEqual(['entra 200']);
  await machine.run('rm', [join(folder, 'slow')]);
  const before = readFileSync(join(folder, 'entry'), 'utf8');
  expectAnswer(await machine.helper('get', LOGIN_SERVER, { environment }));
  expect(cloud.signIns()).toEqual(['entra 200', 'entra 200', 'exchange 200']);
  expect(readFileSync(join(folder, 'entry'), 'utf8')).not.toBe(before);
  expect(listFiles(accountFolder(machine))).toEqual([]);
});

describe.each([
  ['pass', startPass],
  ['the secret service', startSecretService],
])('with %s', (_name, start) => {
  it('the refresh token is in the keychain alone, is replaced there, and is gone after a sign-out', async (context) => {
    const machine = cloud.addMachine(NOBODY);
    const { environment, ask } = await start(machine, context);
    const refreshToken = await signIn(machine, { environment });
    const [entry = ''] = Object.keys(JSON.parse(await ask('list')));
    expect(entry).toMatch(/^docker-credential-acr-account\.invalid\//);
    const readSecret = async () => JSON.parse(await ask('get', entry)).Secret;
    expect(await readSecret()).toBe(refreshToken);
    expectAnswer(await machine.helper('get', LOGIN_SERVER, { environment }));
    const second = await readSecret();
    expect(second).not.toBe(refreshToken);
    expect(state.signIn.refreshTokens.has(second)).toBe(true);
    expect(Object.keys(JSON.parse(await ask('list')))).toEqual([entry]);
    expect(listFiles(accountFolder(machine))).toEqual([]);
    expect(await command(machine, ['logout'], environment)).toMatchObject({ exitCode: 0 });
    expect(JSON.parse(await ask('list'))).toEqual({});
  });
});

describe.each(['becomes full', 'becomes read-only'])('when the disk with the accounts %s', (how) => {
  it('get answers, and logout signs out or says that it could not', async (context) => {
    const machine = cloud.addMachine(NOBODY);
    const disk = await mountDisk(context, machine, 'size=64k');
    const environment = {
      DOCKER_CREDENTIAL_ACR_DATA_DIR: join(disk.folder, 'data'),
      DOCKER_CREDENTIAL_ACR_CACHE_DIR: join(disk.folder, 'cache'),
    };
    const refreshToken = await signIn(machine, { environment });
    await signIn(machine, { user: BOB, environment });
    if (how === 'becomes full') await disk.fill();
    else await disk.remount('ro');
    expectAnswer(await machine.helper('get', LOGIN_SERVER, { environment }));
    const folder = join(disk.folder, 'data', 'accounts');
    expect(readStored(folder)).toContain(refreshToken);
    expect(listFiles(folder)).toHaveLength(2);
    const { exitCode, stderr } = await command(machine, ['logout', ADA.name], environment);
    if (how === 'becomes full') {
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: `Signed out ${ADA.name}.\n` });
      expect(readStored(folder)).not.toContain(refreshToken);
      await disk.free();
    } else {
      expect(exitCode).toBe(1);
      expect(stderr).toMatch(/cause: ada@\S+: the account is still signed in \(EROFS/);
      await disk.remount('rw');
    }
    expect(expectAnswer(await machine.helper('get', LOGIN_SERVER, { environment })).subject).toBe(BOB.name);
    expect(listFiles(folder)).toHaveLength(how === 'becomes full' ? 1 : 2);
  });
});
