/** The npm package on Windows, under Wine: how clients start it, logins, commands, and the files of clients. */
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { expectAnswer } from '../e2e/world/answer.ts';
import { LOGIN_SERVER } from '../e2e/world/cloud.ts';
import { parseJsonRecord, parseString } from '../emulator/json.ts';
import { NULL_GUID } from '../emulator/state.ts';
import { openWindows, TOOLS_FOLDER, type WindowsPerson } from './world/windows-person.ts';
import { installNpmPackage, NPM_FOLDER } from './world/windows-program.ts';
import { NODE, SYSTEM_FOLDER } from './world/wine.ts';

const world = openWindows(installNpmPackage);
const { addPerson } = world;

/** Runs the batch file as Windows starts one for a client. */
function runBatchFile(person: WindowsPerson, verb: string, input = '') {
  return world.windows.start(`${SYSTEM_FOLDER}\\system32\\cmd.exe`, {
    args: ['/d', '/s', '/c', `""${NPM_FOLDER}\\docker-credential-acr.cmd" ${verb}"`],
    isVerbatim: true,
    input,
    environment: { ...person.environment, Path: `${SYSTEM_FOLDER}\\system32;C:\\Program Files\\nodejs` },
    folder: person.home,
  }).ended;
}

const store = (secret: string) => JSON.stringify({ ServerURL: LOGIN_SERVER, Username: 'pat', Secret: secret });
const dataFolder = ({ home }: WindowsPerson) => `${home}\\AppData\\Local\\docker-credential-acr\\Data`;
const dockerFile = ({ home }: WindowsPerson) => `${home}\\.docker\\config.json`;

describe('the batch file', () => {
  it('signs in, answers from the cache, and says what it is', async () => {
    const person = addPerson('Jöhn Doe');
    const { secret } = expectAnswer(await runBatchFile(person, 'get', LOGIN_SERVER));
    expect(world.cloud.signIns()).toEqual(['entra 200', 'exchange 200']);
    world.cloud.forget();
    expect(expectAnswer(await runBatchFile(person, 'get', LOGIN_SERVER)).secret).toBe(secret);
    expect(world.cloud.emulator.connects).toEqual([]);
    const { stdout } = await runBatchFile(person, 'version');
    expect(stdout).toMatch(/^docker-credential-acr \(docker-credential-acr\) v\d.*, Node 22\./);
  });

  it('is what doctor finds on the path', async () => {
    const person = addPerson('Doctor');
    const path = `${SYSTEM_FOLDER}\\system32;C:\\Program Files\\nodejs;${NPM_FOLDER}`;
    const { stdout } = await person.run(['doctor'], { environment: { Path: path } });
    expect(stdout).toMatch(/✓ executable +C:\\ProgramData\\npm global\\docker-credential-acr\.cmd is this program/);
    expect(stdout).toContain('start only an .exe, and npm has installed a batch file');
    expect(stdout).not.toMatch(/sudo|\/usr\//);
  });
});

it('renews a token in the background', async () => {
  const person = addPerson('Renewal');
  const { secret } = expectAnswer(await person.get(LOGIN_SERVER));
  const folder = world.windows.findHere(`${person.home}\\AppData\\Local\\docker-credential-acr\\Cache\\tokens`);
  const file = `${folder}/${readdirSync(folder).find((name) => name.startsWith(LOGIN_SERVER))}`;
  const read = () => parseJsonRecord(readFileSync(file, 'utf8')) ?? {};
  const nowSeconds = Math.floor(Date.now() / 1000);
  writeFileSync(
    file,
    JSON.stringify({ ...read(), savedAtSeconds: nowSeconds - 9000, expiresAtSeconds: nowSeconds + 1800 }),
  );
  expect(expectAnswer(await person.get(LOGIN_SERVER)).secret).toBe(secret);
  await expect.poll(() => parseString(read()['token']), { timeout: 20_000, interval: 20 }).not.toBe(secret);
});

it('gives a library that knows variables in any case, and renews in a thread', async () => {
  const person = addPerson('Library');
  const script = `${person.home}\\ask.cjs`;
  const lines = [
    `const { getCredential } = require(${JSON.stringify(`${NPM_FOLDER}\\node_modules\\docker-credential-acr`)});`,
    `const fs = require('fs'), { LOCALAPPDATA: local, AZURE_CLIENT_SECRET: secret, ...rest } = process.env;`,
    `const env = { ...rest, LocalAppData: local, azure_client_secret: secret };`,
    `const get = () => getCredential('${LOGIN_SERVER}', { env });`,
    `(async () => {`,
    `  const { username, secret } = await get(), folder = local + '\\\\docker-credential-acr\\\\Cache\\\\tokens\\\\';`,
    `  const file = folder + fs.readdirSync(folder).find((name) => name.startsWith('${LOGIN_SERVER}'));`,
    `  const read = () => JSON.parse(fs.readFileSync(file, 'utf8')), now = Math.floor(Date.now() / 1000);`,
    `  fs.writeFileSync(file, JSON.stringify({ ...read(), savedAtSeconds: now - 9000, expiresAtSeconds: now + 1800 }));`,
    `  const isOld = (await get()).secret === secret;`,
    `  for (let tries = 0; read().token === secret && tries < 400; tries += 1) await new Promise((r) => setTimeout(r, 50));`,
    `  console.log(JSON.stringify({ username, isOld, isRenewed: read().token !== secret }));`,
    `})();`,
  ];
  world.windows.write(script, lines.join('\n'));
  const { environment, home: folder } = person;
  const { exitCode, stdout, stderr } = await world.windows.start(NODE, { args: [script], environment, folder }).ended;
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(JSON.parse(stdout)).toEqual({ username: NULL_GUID, isOld: true, isRenewed: true });
});

describe('a login', () => {
  it('is kept in %LOCALAPPDATA% where there is no keychain, until the logout', async () => {
    const person = addPerson('No keychain', 'nobody');
    const { exitCode, stderr } = await person.run(['store'], { input: store('pass-word-1234') });
    expect(exitCode).toBe(0);
    expect(stderr).toContain(`unencrypted in ${dataFolder(person)}\\credentials.json`);
    expect(stderr).toContain('docker-credential-wincred is not on PATH');
    expect(expectAnswer(await person.get(LOGIN_SERVER))).toMatchObject({ username: 'pat', secret: 'pass-word-1234' });
    expect((await person.run(['list'])).stdout).toBe(`{"${LOGIN_SERVER}":"pat"}\n`);
    expect(await person.run(['erase'], { input: LOGIN_SERVER })).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    expect((await person.run(['list'])).stdout).toBe('{}\n');
    expect(world.windows.read(`${dataFolder(person)}\\credentials.json`)).not.toContain('pass-word-1234');
  });

  // Wine forgets the attributes of what is in its Credential Manager, by which the real program knows its own entries. So
  // a batch file that speaks the same protocol stands in for it.
  it('is kept in the keychain, unless its secret is longer than Windows can store', async () => {
    const person = addPerson('Keychain', 'nobody');
    const file = writeKeychain(person);
    const read = () => JSON.stringify(parseJsonRecord(world.windows.read(file) ?? ''));
    expect(await person.run(['store'], { input: store('pass-word-5678') })).toMatchObject({ exitCode: 0, stderr: '' });
    expect(read()).toContain('pass-word-5678');
    expect(world.windows.read(`${dataFolder(person)}\\credentials.json`)).not.toContain('pass-word-5678');
    expect(expectAnswer(await person.get(LOGIN_SERVER)).secret).toBe('pass-word-5678');
    await person.run(['erase'], { input: LOGIN_SERVER });
    expect(read()).toBe('{}');

    const long = `x${'1234567890'.repeat(260)}`;
    const { stderr } = await person.run(['store'], { input: store(long) });
    expect(stderr).toContain('the secret is longer than the 2560 bytes that Windows can store');
    expect(read()).toBe('{}');
    expect(expectAnswer(await person.get(LOGIN_SERVER)).secret).toBe(long);
  });
});

/** Puts a keychain on the path of a person. @returns the file in which it keeps its entries. */
function writeKeychain({ home, environment }: WindowsPerson): string {
  const entries = `${home}\\entries.json`;
  const lines = [
    `const fs = require('fs'), file = ${JSON.stringify(entries)}, input = fs.readFileSync(0, 'utf8').trim();`,
    `const all = fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : {};`,
    `const save = () => fs.writeFileSync(file, JSON.stringify(all));`,
    `const fail = () => { console.log('credentials not found in native keychain'); process.exitCode = 1; };`,
    `({ store() { const one = JSON.parse(input); all[one.ServerURL] = one; save(); },`,
    `   get() { all[input] ? console.log(JSON.stringify(all[input])) : fail(); },`,
    `   erase() { delete all[input]; save(); } })[process.argv[2]]();`,
  ];
  world.windows.write(`${TOOLS_FOLDER}\\wincred.cjs`, lines.join('\n'));
  world.windows.write(
    `${TOOLS_FOLDER}\\docker-credential-wincred.cmd`,
    `@"${environment['ProgramFiles']}\\nodejs\\node.exe" "%~dp0wincred.cjs" %*\r\n`,
  );
  return entries;
}

describe('configure', () => {
  const TEXT = '\uFEFF{\r\n\t"auths": {},\r\n\t"credsStore": "desktop"\r\n}\r\n';

  it('changes %USERPROFILE%\\.docker\\config.json and nothing else in it, and unconfigure changes it back', async () => {
    const person = addPerson('Äda', 'nobody');
    world.windows.write(dockerFile(person), TEXT);
    const { exitCode, stdout } = await person.run(['configure', LOGIN_SERVER, '--yes']);
    expect({ exitCode, stdout }).toEqual({
      exitCode: 0,
      stdout: `Configured ${LOGIN_SERVER} in C:\\users\\Äda\\.docker\\config.json (docker)\n`,
    });
    expect(world.windows.read(dockerFile(person))).toBe(
      TEXT.replace('"desktop"\r\n', `"desktop",\r\n\t"credHelpers": {\r\n\t\t"${LOGIN_SERVER}": "acr"\r\n\t}\r\n`),
    );
    expect((await person.run(['unconfigure', LOGIN_SERVER, '--yes'])).exitCode).toBe(0);
    expect(world.windows.read(dockerFile(person))).toBe(TEXT);
  });

  it('says that a file is marked as read-only', async () => {
    const person = addPerson('Read-only', 'nobody');
    world.windows.write(dockerFile(person), TEXT);
    chmodSync(world.windows.findHere(dockerFile(person)), 0o444);
    const { exitCode, stderr } = await person.run(['configure', LOGIN_SERVER, '--yes']);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`Cannot change ${dockerFile(person)}: it is marked as read-only`);
    expect(world.windows.read(dockerFile(person))).toBe(TEXT);
  });

  it('says that another program has the file open, and replaces it afterwards', async () => {
    const person = addPerson('Open', 'nobody');
    world.windows.write(dockerFile(person), TEXT);
    const release = await world.windows.hold(dockerFile(person), true);
    const { exitCode, stderr } = await person.run(['configure', LOGIN_SERVER, '--yes']);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 1,
      stderr: expect.stringContaining(`Cannot change ${dockerFile(person)}: another program has it open`),
    });
    expect(world.windows.read(dockerFile(person))).toBe(TEXT);
    const folder = world.windows.findHere(`${person.home}\\.docker`);
    expect(readdirSync(folder)).toEqual(['config.json']);

    await release();
    expect((await person.run(['configure', LOGIN_SERVER, '--yes'])).exitCode).toBe(0);
    expect(world.windows.read(dockerFile(person))).toContain(LOGIN_SERVER);
  });
});

it('shows what it knows with status, token, cache list and config path', async () => {
  const person = addPerson('Curious');
  expectAnswer(await person.get(LOGIN_SERVER));
  const [status, token, cache, config] = await Promise.all([
    person.run(['status', '--json']),
    person.run(['token', LOGIN_SERVER], { printsSecret: true }),
    person.run(['cache', 'list']),
    person.run(['config', 'path']),
  ]);
  expect(status.stdout).toContain(LOGIN_SERVER);
  expect(token.stdout).toMatch(/^eyJ[\w.-]+\n$/);
  expect(cache.stdout).toContain(LOGIN_SERVER);
  expect(cache.stderr).toContain(`${person.home}\\AppData\\Local\\docker-credential-acr\\Cache\\tokens`);
  expect(config.stdout).toBe(`${person.home}\\AppData\\Roaming\\docker-credential-acr\\Config\\config.json\n`);
  expect(world.cloud.signIns()).toEqual(['entra 200', 'exchange 200']);
});
