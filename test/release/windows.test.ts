/**
 * The executable for Windows, under Wine: sign-ins, the cache and the lock, renewal, and the programs that it starts.
 *
 * It is made as for a release, but with a Node that Wine 8 can start. Wine checks no access rights, so who may open a file
 * is not tested here.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { expectAnswer, expectFailure, expectNotFound } from '../e2e/world/answer.ts';
import { LOGIN_SERVER } from '../e2e/world/cloud.ts';
import { parseJsonRecord, parseString } from '../emulator/json.ts';
import { SUBSCRIPTION_ID, TENANT_ID } from '../emulator/state.ts';
import { openWindows, TOOLS_FOLDER, type WindowsPerson } from './world/windows-person.ts';
import { installExecutable } from './world/windows-program.ts';
import { NODE, SYSTEM_FOLDER } from './world/wine.ts';

const ENTRA_HOST = 'login.microsoftonline.com';
const world = openWindows((windows) => installExecutable(windows, 'C:\\Program Files\\Contoso Tools'));
const { addPerson } = world;
const undo: (() => void)[] = [];

afterEach(() => {
  for (const restore of undo.splice(0)) restore();
});

const cacheFolder = ({ home }: WindowsPerson) => `${home}\\AppData\\Local\\docker-credential-acr\\Cache`;

function listNames(folder: string): readonly string[] {
  return readdirSync(world.windows.findHere(folder)).toSorted();
}

/** The path of the registry's token in the cache. */
function findToken(person: WindowsPerson): string {
  const folder = `${cacheFolder(person)}\\tokens`;
  const name = listNames(folder).find((one) => one.startsWith(LOGIN_SERVER)) ?? 'no token';
  return `${folder}\\${name}`;
}

function readToken(person: WindowsPerson): string | undefined {
  return parseString(parseJsonRecord(world.windows.read(findToken(person)) ?? '')?.['token']);
}

async function waitUntil(isReached: () => boolean): Promise<void> {
  for (let tries = 0; !isReached(); tries += 1) {
    if (tries > 4_000) throw new Error('The expected state was not reached');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe('get', () => {
  it('signs in through the proxy, and answers from %LOCALAPPDATA% without a connection', async () => {
    const person = addPerson('Jöhn Doe');
    const { secret } = expectAnswer(await person.get(LOGIN_SERVER));
    expect(world.cloud.signIns()).toEqual(['entra 200', 'exchange 200']);
    expect(listNames(`${cacheFolder(person)}\\tokens`)).toEqual([
      expect.stringMatching(/^@entra_[0-9a-f]+\.json$/),
      expect.stringMatching(/^contoso\.azurecr\.io_[0-9a-f]+\.json$/),
    ]);
    world.cloud.forget();
    expect(expectAnswer(await person.get(`https://${LOGIN_SERVER}`)).secret).toBe(secret);
    expect(world.cloud.emulator.connects).toEqual([]);
  });

  it('finds variables in any letter case, and folders that they name', async () => {
    const person = addPerson('Letters');
    const { https_proxy: proxy, LOCALAPPDATA: _local, ...others } = person.environment;
    const environment = { https_proxy: undefined, LOCALAPPDATA: undefined, azure_tenant_id: others['AZURE_TENANT_ID'] };
    const changes = { Https_Proxy: proxy, AZURE_TENANT_ID: undefined, localappdata: 'C:\\Data of all\\Ünï' };
    expectAnswer(await person.get(LOGIN_SERVER, { environment: { ...environment, ...changes } }));
    expect(listNames('C:\\Data of all\\Ünï\\docker-credential-acr\\Cache\\tokens')).toHaveLength(2);
  });

  it('says how it failed, in one line for the client', async () => {
    const environment = { AZURE_CLIENT_SECRET: 'wrong-secret-Q~x' };
    const said = expectFailure(await addPerson('Wrong').get(LOGIN_SERVER, { environment }));
    expect(said).toContain('AADSTS7000215');
  });

  it('looks for every identity in the profile of the person, and leaves the server to others', async () => {
    const person = addPerson('Nobody', 'nobody');
    const context = {
      Account: { Id: 'ada@contoso.com' },
      Tenant: { Id: TENANT_ID },
      Environment: { Name: 'AzureCloud' },
    };
    const saved = { DefaultContextKey: 'one', Contexts: { one: context } };
    world.windows.write(`${person.home}\\.Azure\\AzureRmContext.json`, JSON.stringify(saved));
    const { hint, sources } = expectNotFound(await person.get(LOGIN_SERVER));
    expect(hint).not.toBe('');
    expect(Object.fromEntries(sources)).toMatchObject({
      'azure-cli': 'the Azure CLI is not signed in',
      'azure-powershell': 'Azure PowerShell has an account, but pwsh is not on PATH',
    });
    expect(await addPerson('Stranger').get('ghcr.io')).toEqual({
      ...{ exitCode: 1, stdout: 'credentials not found in native keychain\n', stderr: '' },
    });
  });
});

describe('many processes', () => {
  it('sign in once, and leave no lock behind', async () => {
    const person = addPerson('Crowd');
    const results = await Promise.all(Array.from({ length: 10 }, () => person.get(LOGIN_SERVER)));
    expect(new Set(results.map((result) => expectAnswer(result).secret)).size).toBe(1);
    expect(world.cloud.signIns()).toEqual(['entra 200', 'exchange 200']);
    expect(listNames(`${cacheFolder(person)}\\locks`)).toEqual([]);
  });

  it('do not wait for one that was ended by the Task Manager', async () => {
    const person = addPerson('Killed');
    undo.push(world.cloud.emulator.inject({ host: ENTRA_HOST, delayMs: 20_000, times: 1 }));
    const holder = person.start(['get'], { input: LOGIN_SERVER, printsSecret: true });
    await waitUntil(() => world.cloud.emulator.requests.length > 0);
    const waiters = [person.get(LOGIN_SERVER), person.get(LOGIN_SERVER)];
    await holder.kill();
    expect((await holder.ended).stdout).toBe('');
    for (const waiter of waiters) expectAnswer(await waiter);
    // The one that was ended, and one for both others.
    expect(world.cloud.emulator.requests.filter(({ host }) => host === ENTRA_HOST)).toHaveLength(2);
    expect(world.cloud.emulator.requests.filter(({ path }) => path === '/oauth2/exchange')).toHaveLength(1);
  });
});

describe('a cached token', () => {
  it('is renewed by a process in the background, for which no client waits', async () => {
    const person = addPerson('Renewal');
    const { secret } = expectAnswer(await person.get(LOGIN_SERVER));
    const file = world.windows.findHere(findToken(person));
    const nowSeconds = Math.floor(Date.now() / 1000);
    const times = { savedAtSeconds: nowSeconds - 9000, expiresAtSeconds: nowSeconds + 1800 };
    writeFileSync(file, JSON.stringify({ ...parseJsonRecord(readFileSync(file, 'utf8')), ...times }));
    world.cloud.forget();
    undo.push(world.cloud.emulator.inject({ host: LOGIN_SERVER, delayMs: 500, times: 1 }));
    // The answer is complete when nobody holds the output any more.
    expect(expectAnswer(await person.get(LOGIN_SERVER)).secret).toBe(secret);
    expect(readToken(person)).toBe(secret);
    await waitUntil(() => readToken(person) !== secret);
    expect(world.cloud.signIns()).toEqual(['exchange 200']);
  });

  it('is obtained anew while another program keeps its file to itself', async () => {
    const person = addPerson('Held');
    expectAnswer(await person.get(LOGIN_SERVER));
    const before = world.windows.read(findToken(person));
    world.cloud.forget();
    const release = await world.windows.hold(findToken(person), false);
    expectAnswer(await person.get(LOGIN_SERVER));
    await release();
    expect(world.cloud.signIns()).toEqual(['exchange 200']);
    expect(world.windows.read(findToken(person))).toBe(before);
    // No temporary file is left.
    expect(listNames(`${cacheFolder(person)}\\tokens`)).toHaveLength(2);
  });
});

describe('a logout', () => {
  it('erases the tokens, also those that a client is reading', async () => {
    const person = addPerson('Logout');
    expectAnswer(await person.get(LOGIN_SERVER));
    const release = await world.windows.hold(findToken(person), true);
    expect(await person.run(['erase'], { input: LOGIN_SERVER })).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    await release();
    expect(listNames(`${cacheFolder(person)}\\tokens`)).toEqual([]);
  });

  it('says that a token is still there, which another program keeps to itself', async () => {
    const person = addPerson('No logout');
    expectAnswer(await person.get(LOGIN_SERVER));
    const release = await world.windows.hold(findToken(person), false);
    const { exitCode, stderr } = await person.run(['erase'], { input: LOGIN_SERVER });
    await release();
    expect({ exitCode, stderr }).toEqual({
      exitCode: 0,
      stderr: `docker-credential-acr: warning: cannot erase a token of ${LOGIN_SERVER}; it is still there\n`,
    });
  });
});

/**
 * Writes a program that notes how it was called and prints a token as the Azure CLI does.
 * @returns its script, for Node.
 */
function writeTool(folder: string, { home }: WindowsPerson): string {
  const script = `${folder}\\tool.cjs`;
  const notes = JSON.stringify(`${home}\\calls.json`);
  world.windows.write(
    script,
    `require('fs').writeFileSync(${notes}, JSON.stringify([process.argv.slice(2), process.cwd(), process.env]));
    console.log(JSON.stringify({ accessToken: '${world.cloud.emulator.entraToken()}' }));`,
  );
  return script;
}

/** Writes a batch file that starts the program as `az.cmd` starts Python. */
function writeBatchFile(file: string, person: WindowsPerson): void {
  writeTool(file.slice(0, file.lastIndexOf('\\')), person);
  world.windows.write(file, `@echo off\r\n"${NODE}" "%~dp0tool.cjs" %*\r\n`);
}

/** The arguments, the working directory and the environment of the last call. */
function readCall({ home }: WindowsPerson) {
  const [args, folder, environment] = Object.values(
    parseJsonRecord(`{"call":${world.windows.read(`${home}\\calls.json`)}}`) ?? {},
  ).flat();
  return { args, folder, environment };
}

describe('a batch file', () => {
  it('is az.cmd below Program Files (x86), without a secret in its environment', async () => {
    const person = addPerson('Azure CLI & me', 'nobody');
    const user = { name: 'jane@contoso.com', type: 'user' };
    const account = { id: SUBSCRIPTION_ID, name: 'Main', state: 'Enabled', isDefault: true, tenantId: TENANT_ID, user };
    const profile = JSON.stringify({ subscriptions: [{ ...account, environmentName: 'AzureCloud' }] });
    world.windows.write(`${person.home}\\.azure\\azureProfile.json`, `\uFEFF${profile}`);
    const folder = 'C:\\Program Files (x86)\\Microsoft SDKs\\Azure\\CLI2\\wbin';
    writeBatchFile(`${folder}\\az.cmd`, person);
    // Where nobody looks: the working directory belongs to a repository.
    world.windows.write(`${person.home}\\repository\\az.cmd`, `@echo planted > "${person.home}\\planted.txt"\r\n`);
    const changes = {
      Path: `.;${SYSTEM_FOLDER}\\system32; "${folder}"`,
      azure_client_secret: 'abandoned-secret-1',
    };
    expectAnswer(await person.get(LOGIN_SERVER, { environment: changes, folder: `${person.home}\\repository` }));
    const { args, folder: where, environment } = readCall(person);
    expect(args).toEqual([
      ...['account', 'get-access-token', '--output', 'json', '--resource', 'https://containerregistry.azure.net'],
    ]);
    expect(where).toBe(SYSTEM_FOLDER);
    expect(JSON.stringify(environment)).not.toContain('abandoned-secret-1');
    expect(JSON.stringify(environment)).toContain('AZURE_CORE_ONLY_SHOW_ERRORS');
    expect(world.windows.read(`${person.home}\\planted.txt`)).toBe(undefined);
    rmSync(world.windows.findHere(`${folder}\\az.cmd`));
  });

  it('is a "command" that gets its arguments as they are, since cmd.exe runs none of them', async () => {
    const person = addPerson('Command', 'nobody');
    const file = 'C:\\Program Files (x86)\\Tools & Co\\print token (1).cmd';
    writeBatchFile(file, person);
    const args = ['two words', 'a=b', "it's", 'C:\\a folder\\x.txt', 'größe'];
    person.configure({ registries: { [LOGIN_SERVER]: { identity: { type: 'command', command: [file, ...args] } } } });
    expectAnswer(await person.get(LOGIN_SERVER));
    expect(readCall(person).args).toEqual(args);
  });

  it('is not started with an argument that cmd.exe could run', async () => {
    const file = `${TOOLS_FOLDER}\\unsafe.cmd`;
    world.windows.write(file, '@echo started > "%~dp0started.txt"\r\n');
    const unsafe = ['a & echo x', 'a"b', '%PATH%', '^', 'two words\\'];
    const results = await Promise.all(
      unsafe.map((argument, index) => {
        const person = addPerson(`Unsafe ${index}`, 'nobody');
        person.configure({
          registries: { [LOGIN_SERVER]: { identity: { type: 'command', command: [file, argument] } } },
        });
        return person.get(LOGIN_SERVER);
      }),
    );
    for (const result of results) {
      expect(expectFailure(result)).toContain('one of its arguments cannot be passed to a batch file safely');
    }
    expect(listNames(TOOLS_FOLDER)).not.toContain('started.txt');
  });
});

describe('a program', () => {
  it('gets the same arguments from a "command", since no shell reads them', async () => {
    const person = addPerson('Program', 'nobody');
    const script = writeTool(`${person.home}\\my tools`, person);
    const args = ['a & echo x', 'a"b', '%PATH%', '^', 'two words\\', '\\"', "it's", 'größe'];
    person.configure({
      registries: { [LOGIN_SERVER]: { identity: { type: 'command', command: [NODE, script, ...args] } } },
    });
    expectAnswer(await person.get(LOGIN_SERVER));
    expect(readCall(person).args).toEqual(args);
  });

  it('ends with the program that started it', async () => {
    const person = addPerson('Caller', 'nobody');
    const [script, alive] = [`${person.home}\\wait.cjs`, `${person.home}\\alive.txt`];
    world.windows.write(
      script,
      `setInterval(() => require('fs').writeFileSync(${JSON.stringify(alive)}, String(Date.now())), 20);`,
    );
    person.configure({ registries: { [LOGIN_SERVER]: { identity: { type: 'command', command: [NODE, script] } } } });
    const caller = person.start(['get'], { input: LOGIN_SERVER });
    await waitUntil(() => (world.windows.read(alive) ?? '') !== '');
    await caller.kill();
    await caller.ended;
    await new Promise((resolve) => setTimeout(resolve, 300));
    const last = world.windows.read(alive);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(world.windows.read(alive)).toBe(last);
  });
});

describe('doctor', () => {
  it('knows the executable, the folders and the proxy', async () => {
    const person = addPerson('Döctor');
    const folder = world.program.file.slice(0, world.program.file.lastIndexOf('\\'));
    const environment = { Path: `${SYSTEM_FOLDER}\\system32;${folder}` };
    const { stdout } = await person.run(['doctor', LOGIN_SERVER], { environment });
    expect(stdout).toMatch(
      /✓ executable +C:\\Program Files\\Contoso Tools\\docker-credential-acr\.exe is this program/,
    );
    expect(stdout).toContain(`${person.home}\\AppData\\Roaming\\docker-credential-acr\\Config\\config.json`);
    expect(stdout).toContain('✓ exchange');
    expect(stdout).toContain('docker-credential-wincred is not on PATH');
    expect(stdout).not.toMatch(/sudo|\/usr\//);
    const elsewhere = await person.run(['doctor']);
    expect(elsewhere.stdout).toContain("fix: put 'C:\\Program Files\\Contoso Tools' on the PATH of your account");
    expect(elsewhere.stdout).not.toMatch(/sudo|\/usr\//);
  });
});
