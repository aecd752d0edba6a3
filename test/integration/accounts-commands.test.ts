/** The commands `accounts` and `logout`: what they show and remove, and what they say when something stays. */

import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { AZURE_CLI_CLIENT_ID, TENANT_ID } from '../emulator/emulator.ts';
import { ADA, accountOf, BOB, runCommand, signIn } from './accounts-world.ts';
import { type FakeKeychain, installKeychain } from './fake-keychain.ts';
import { ENTRA, EXCHANGE, openWorld, REGISTRY } from './world.ts';

const OTHER = 'other12.azurecr.io';
const CHINA = 'https://login.partner.microsoftonline.cn';
const NOBODY = { AZURE_TENANT_ID: undefined, AZURE_CLIENT_ID: undefined, AZURE_CLIENT_SECRET: undefined };
const DONE = { exitCode: 0, output: '' };

const world = await openWorld();
const binFolder = join(world.folder, 'bin');
const accountFolder = join(world.dataFolder, 'accounts');
let keychain: FakeKeychain;

beforeEach(() => {
  rmSync(world.dataFolder, { recursive: true, force: true });
  rmSync(binFolder, { recursive: true, force: true });
  mkdirSync(binFolder);
  world.variables['PATH'] = binFolder;
  keychain = installKeychain(binFolder, 'docker-credential-pass');
});

const get = (serverUrl = REGISTRY) => world.get(serverUrl, NOBODY);

/** The names of the files below the data folder that are not the index. */
const listTokenFiles = () => readdirSync(accountFolder).filter((name) => name !== 'index.json');

/** How many tokens are cached. */
function countCached(): number {
  const folder = join(world.cacheFolder, 'tokens');
  return existsSync(folder) ? readdirSync(folder).length : 0;
}

describe('accounts', () => {
  test('says how to sign in when nobody is signed in', async () => {
    const errors = 'Nobody is signed in.\nhint: docker-credential-acr login\n';
    expect(await runCommand(world, ['accounts'])).toEqual({ ...DONE, errors });
    const output = '{\n  "accounts": []\n}\n';
    expect(await runCommand(world, ['accounts', '--json'])).toEqual({ exitCode: 0, output, errors: '' });
  });

  test('lists accounts with tenant, cloud, registries and place, and marks the default of each cloud', async () => {
    await signIn(world, { registries: [REGISTRY, OTHER] });
    world.writeConfig({ store: 'file' });
    await signIn(world, { user: BOB });
    await signIn(world, { user: BOB, authority: CHINA });
    await signIn(world, { user: BOB, authority: 'https://login.example.com' });
    keychain.feel('hangs'); // no program is started
    const { output } = await runCommand(world, ['accounts']);
    const rows = output.trimEnd().split('\n');
    expect(rows.map((row) => row.split(/ {2,}/).map((cell) => cell.trim()))).toEqual([
      ['', 'ACCOUNT', 'TENANT', 'CLOUD', 'REGISTRIES', 'TOKEN', 'STATE'],
      ['*', BOB.name, TENANT_ID, 'login.example.com', 'file', 'signed in'],
      ['*', BOB.name, TENANT_ID, 'China', 'file', 'signed in'],
      ['*', BOB.name, TENANT_ID, 'Public', 'file', 'signed in'],
      ['', ADA.name, TENANT_ID, 'Public', `${REGISTRY} ${OTHER}`, 'keychain (pass)', 'signed in'],
    ]);
    expect(world.seen()).toEqual([]);
  });

  test('writes the same as JSON, without a secret', async () => {
    const { refreshToken } = await signIn(world, { registries: [REGISTRY] });
    const { output } = await runCommand(world, ['accounts', '--json']);
    expect(JSON.parse(output)).toEqual({
      accounts: [
        {
          isDefault: true,
          username: ADA.name,
          id: accountOf().id,
          tenantId: TENANT_ID,
          tenants: { [REGISTRY]: TENANT_ID },
          cloud: 'Public',
          authority: 'https://login.microsoftonline.com',
          clientId: AZURE_CLI_CLIENT_ID,
          registries: [REGISTRY],
          token: 'keychain (pass)',
          state: 'active',
        },
      ],
    });
    expect(output).not.toContain(refreshToken);
  });

  test('shows every tenant of a guest, the own one first', async () => {
    const guest = '22222222-86f1-41af-91ab-2d7cd011db47';
    await signIn(world, { registries: [REGISTRY] });
    await signIn(world, { registries: [OTHER], tenantId: guest });
    const { output } = await runCommand(world, ['accounts']);
    expect(output).toContain(`${TENANT_ID} ${guest}  Public`);
  });

  test.each([
    ['damaged', '{', 0o600, 'is damaged', 'docker-credential-acr login'],
    ['open to others', '{"version":1,"accounts":[]}', 0o666, 'can be opened by others', 'chmod 600 '],
  ])(
    'and logout say that the list is %s, instead of that nobody is signed in',
    async (_what, text, mode, why, hint) => {
      await signIn(world);
      writeFileSync(join(accountFolder, 'index.json'), text);
      chmodSync(join(accountFolder, 'index.json'), mode);
      for (const args of [['accounts'], ['accounts', '--json'], ['logout'], ['logout', '--all']]) {
        const { exitCode, output, errors } = await runCommand(world, args);
        expect([exitCode, output]).toEqual([1, '']);
        expect(errors).toContain(why);
        expect(errors).toContain(hint);
      }
    },
  );

  test('shows a name that moves the cursor as one harmless line', async () => {
    await signIn(world, { user: { ...ADA, name: 'ada\u001B[2J\nroot' } });
    const { output } = await runCommand(world, ['accounts']);
    expect(output.split('\n')).toHaveLength(3);
    expect(output).not.toContain('\u001B');
  });
});

describe('logout', () => {
  test('does nothing, and succeeds, when nobody is signed in', async () => {
    for (const args of [['logout'], ['logout', ADA.name], ['logout', '--all']]) {
      expect(await runCommand(world, args)).toEqual({ ...DONE, errors: 'Nobody is signed in.\n' });
    }
    expect(existsSync(accountFolder)).toBe(false);
  });

  test('finds what a login left in the keychain when it was killed', async () => {
    const [program, real, index] = [
      join(binFolder, 'docker-credential-pass'),
      join(binFolder, 'real'),
      join(accountFolder, 'index.json'),
    ];
    renameSync(program, real);
    // What the index says at the moment when the keychain gets the refresh token.
    const script = `#!/bin/sh\n[ "$1" = get ] || /bin/cp '${index}' '${index}.seen'\nexec '${real}' "$@"\n`;
    writeFileSync(program, script, { mode: 0o755 });
    await signIn(world);
    renameSync(`${index}.seen`, index);
    expect(Object.keys(keychain.contents())).toHaveLength(1);
    expect((await runCommand(world, ['accounts'])).output).toContain('signed out, but not erased');
    expect((await world.run('get', REGISTRY, NOBODY)).stdout).toContain('credentials not found');
    expect(await runCommand(world, ['logout'])).toEqual({ ...DONE, errors: `Signed out ${ADA.name}.\n` });
    expect(keychain.contents()).toEqual({});
  });

  test('finds nobody after a login that the keychain refused', async () => {
    world.writeConfig({ store: 'keychain' });
    keychain.feel('broken');
    await expect(signIn(world)).rejects.toMatchObject({ code: 'STORE_REFUSED' });
    expect(await runCommand(world, ['logout'])).toEqual({ ...DONE, errors: 'Nobody is signed in.\n' });
    world.writeConfig({});
  });

  test('signs out the only account, and a second time finds nobody', async () => {
    await signIn(world);
    expect(await runCommand(world, ['logout'])).toEqual({ ...DONE, errors: `Signed out ${ADA.name}.\n` });
    expect(keychain.contents()).toEqual({});
    expect(await runCommand(world, ['logout'])).toEqual({ ...DONE, errors: 'Nobody is signed in.\n' });
    expect((await world.run('get', REGISTRY, NOBODY)).stdout).toContain('credentials not found');
  });

  test('of several accounts needs a name or --all where nobody can be asked', async () => {
    await signIn(world);
    await signIn(world, { user: BOB });
    const { exitCode, errors } = await runCommand(world, ['logout']);
    expect(exitCode).toBe(2);
    expect(errors).toContain('hint: answer with the name of an account, or --all\n');
    expect(Object.keys(keychain.contents())).toHaveLength(2);
    const everybody = `Signed out ${BOB.name}.\nSigned out ${ADA.name}.\n`;
    expect(await runCommand(world, ['logout', '--all'])).toEqual({ ...DONE, errors: everybody });
    expect(keychain.contents()).toEqual({});
  });

  test.each([
    ['the chosen one is signed out', '\t\r', 0, `Signed out ${BOB.name}.\n`],
    ['nobody is signed out after Ctrl-C', '\u0003', 130, 'Cancelled.\n'],
  ])('of several accounts lets a person choose: %s', async (_what, keys, exitCode, errors) => {
    await signIn(world);
    await signIn(world, { user: BOB });
    const [input, shown] = [new PassThrough(), new PassThrough()];
    shown.once('data', () => setTimeout(() => input.write(keys), 10)); // it reads keys once it has been drawn
    let text = '';
    shown.on('data', (chunk) => {
      text += String(chunk);
    });
    const terminal = { canAsk: true, promptStreams: () => ({ input, output: shown }) };
    expect(await runCommand(world, ['logout'], terminal)).toEqual({ exitCode, output: '', errors });
    expect(text).toContain(ADA.name);
    expect(Object.keys(keychain.contents())).toHaveLength(exitCode === 0 ? 1 : 2);
  });

  test('of an unknown account lists those that there are', async () => {
    await signIn(world);
    await signIn(world, { user: BOB });
    expect(await runCommand(world, ['logout', 'eve\u001B[2J'])).toEqual({
      exitCode: 2,
      output: '',
      errors: `error: There is no account eve [2J\nhint: the accounts are ${BOB.name}, ${ADA.name}\n`,
    });
  });

  test.each([ADA.name.toUpperCase(), accountOf().id])('finds the account %s', async (name) => {
    await signIn(world, { user: BOB });
    await signIn(world);
    expect(await runCommand(world, ['logout', name])).toEqual({ ...DONE, errors: `Signed out ${ADA.name}.\n` });
  });

  test('takes no account together with --all', async () => {
    await signIn(world);
    expect(await runCommand(world, ['logout', ADA.name, '--all'])).toMatchObject({ exitCode: 2 });
  });

  test('removes the cached tokens of the account alone', async () => {
    await get2();
    expect(countCached()).toBe(4);
    await runCommand(world, ['logout', ADA.name]);
    expect(countCached()).toBe(2);
    world.forgetRequests();
    await get(OTHER);
    expect(world.seen()).toEqual([]);
  });

  test('ends a sign-in that is under way: it answers, and nothing of it is kept', async () => {
    await signIn(world);
    const undo = world.emulator.inject({ host: 'login.microsoftonline.com', delayMs: 300, times: 1 });
    world.forgetRequests();
    const answer = get();
    await vi.waitFor(() => expect(world.seen().join()).toContain('POST login.microsoftonline.com/'), 10_000);
    expect(await runCommand(world, ['logout'])).toMatchObject(DONE);
    await answer;
    undo();
    expect(countCached()).toBe(0);
    expect(keychain.contents()).toEqual({});
    expect(listTokenFiles()).toEqual([]);
  });

  test.each(['broken', 'gone'] as const)(
    'with a keychain that is %s says what stays, uses it no more, and removes it later',
    async (how) => {
      await signIn(world);
      await get();
      if (how === 'broken') keychain.feel('broken');
      else keychain.remove();
      const { exitCode, errors } = await runCommand(world, ['logout']);
      expect(exitCode).toBe(1);
      expect(errors).toContain(`error: Cannot erase everything of ${ADA.name}\n`);
      expect(errors).toMatch(/cause: ada@\S+: the refresh token is still in the keychain of docker-credential-pass \(/);
      expect(errors).toContain(`docker-credential-acr logout ${ADA.name}\n`);
      expect(countCached()).toBe(0);
      world.forgetRequests();
      expect((await world.run('get', REGISTRY, NOBODY)).stdout).toContain('credentials not found');
      expect(world.seen()).toEqual([]);
      expect((await runCommand(world, ['accounts'])).output).toContain('signed out, but not erased');
      if (how === 'broken') keychain.feel('works');
      else keychain = installKeychain(binFolder, 'docker-credential-pass');
      expect(await runCommand(world, ['logout'])).toMatchObject({ exitCode: 0 });
      expect(keychain.contents()).toEqual({});
      expect(readFileSync(join(accountFolder, 'index.json'), 'utf8')).not.toContain(ADA.name);
    },
  );

  test('is over when the account signs in again', async () => {
    await signIn(world);
    keychain.feel('broken');
    await runCommand(world, ['logout']);
    keychain.feel('works');
    await signIn(world);
    await get();
    expect(world.seen()).toEqual([ENTRA, EXCHANGE]);
  });
});

/** Two accounts with two cached tokens each. */
async function get2(): Promise<void> {
  await signIn(world, { user: BOB, registries: [OTHER] });
  await get(OTHER);
  await signIn(world, { registries: [REGISTRY] });
  await get();
}
