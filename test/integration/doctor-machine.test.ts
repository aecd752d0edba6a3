/** What `doctor` tells of this machine: the cache, locks and the keychain. */

import { chmodSync, existsSync, mkdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { DoctorMachine, type Seen } from './diagnosis.ts';
import { installKeychain } from './fake-keychain.ts';
import { openWorld, REGISTRY } from './world.ts';

const world = await openWorld();
const machine = new DoctorMachine(world);
beforeEach(() => machine.reset());

const diagnose = (variables: Readonly<Record<string, string | undefined>> = {}, target = '') =>
  machine.diagnose({ target, variables });
const linesOf = ({ results }: Seen, check: string) =>
  results.filter((one) => one.check === check).map(({ status, what }) => `${status}: ${what}`);

describe('the cache', () => {
  test('is made by the first sign-in, and then counted', async () => {
    expect(linesOf(await diagnose(), 'cache')[0]).toMatch(/^note: .*tokens does not exist yet/);
    expect(existsSync(world.cacheFolder)).toBe(false);
    await world.get();
    expect(linesOf(await diagnose(), 'cache')).toEqual([
      expect.stringMatching(/^ok: .* is yours alone, with 2 tokens$/),
    ]);
  });

  test('tells whether the token that get would return is still accepted', async () => {
    await world.get();
    const { find } = await diagnose({}, REGISTRY);
    const accepted = /^get returns a cached token, which ends in .*; myregistry\.azurecr\.io accepts it$/;
    expect(find('cache', 'ok')).toBeDefined();
    expect(
      linesOf(await diagnose({}, REGISTRY), 'cache')
        .at(-1)
        ?.replace('ok: ', ''),
    ).toMatch(accepted);
  });

  test.each([
    ['a relative path', { DOCKER_CREDENTIAL_ACR_CACHE_DIR: 'here' }, /is not an absolute path, so nothing is cached/],
    ['no home folder', { DOCKER_CREDENTIAL_ACR_CACHE_DIR: undefined, HOME: 'none' }, /there is no home folder/],
  ])('warns of %s', async (_name, variables, what) => {
    expect((await diagnose(variables)).find('cache', 'warning')?.what).toMatch(what);
  });

  test.each([
    [
      'others can write to',
      () => chmodSync(join(world.cacheFolder, 'tokens'), 0o777),
      /^others can write to .*, so no token is saved in it$/,
    ],
    [
      'is a link',
      () => {
        rmSync(join(world.cacheFolder, 'tokens'), { recursive: true });
        symlinkSync('/nowhere', join(world.cacheFolder, 'tokens'));
      },
      /is not a folder/,
    ],
  ])('warns of a folder that %s', async (_name, spoil, what) => {
    await world.get();
    spoil();
    expect((await diagnose()).find('cache', 'warning')?.what).toMatch(what);
  });

  test('tells who is signing in, and which locks were left', async () => {
    const locks = join(world.cacheFolder, 'locks');
    mkdirSync(locks, { recursive: true, mode: 0o700 });
    const write = (name: string, ageSeconds: number) => {
      const file = join(locks, name);
      writeFileSync(file, JSON.stringify({ process: 4321 }), { mode: 0o600 });
      const at = Date.now() / 1000 - ageSeconds;
      utimesSync(file, at, at);
    };
    write(`${REGISTRY}_abc.1`, 0);
    write(`${REGISTRY}_def.1`, 60);
    write(`${REGISTRY}_def.failed`, 60);
    const lines = linesOf(await diagnose(), 'cache');
    expect(lines).toContain(`note: process 4321 is signing in right now (${REGISTRY}_abc.1)`);
    expect(lines).toContain('note: 1 lock of killed processes: they delay nothing for long');
  });

  test('tells that the configuration forbids it', async () => {
    world.writeConfig({ cacheTokens: false });
    const lines = linesOf(await diagnose({}, REGISTRY), 'cache');
    expect(lines.at(-1)).toMatch(/^note: the configuration forbids to cache the tokens/);
  });
});

describe('the keychain', () => {
  const store = (variables: Readonly<Record<string, string>> = { PATH: machine.bin }) =>
    world.run('store', JSON.stringify({ ServerURL: REGISTRY, Username: 'u', Secret: 'the-password' }), variables);

  test('is asked for something that is not in it, and nothing else', async () => {
    const keychain = installKeychain(machine.bin, 'docker-credential-pass');
    expect(linesOf(await diagnose(), 'keychain')).toEqual(['ok: docker-credential-pass answers']);
    expect(keychain.calls()).toEqual(['get']);
    expect(keychain.contents()).toEqual({});
  });

  test('is not needed', async () => {
    expect(linesOf(await diagnose(), 'keychain')[0]).toMatch(
      /^note: neither docker-credential-secretservice nor docker-credential-pass is on PATH, so stored logins are in a file/,
    );
    world.writeConfig({ store: 'keychain' });
    expect(linesOf(await diagnose(), 'keychain')[0]).toMatch(/^warning: .*so no login can be stored$/);
  });

  test('is a problem when it keeps a login and does not work', async () => {
    const keychain = installKeychain(machine.bin, 'docker-credential-pass');
    await store();
    expect(keychain.contents()).not.toEqual({});
    expect(linesOf(await diagnose(), 'keychain')[0]).toBe(
      'ok: docker-credential-pass answers, and keeps stored logins',
    );
    keychain.feel('locked');
    const locked = await diagnose({}, REGISTRY);
    expect(locked.find('keychain', 'problem')?.what).toMatch(/^docker-credential-pass does not work; it keeps/);
    expect(locked.find('login', 'problem')).toMatchObject({
      what: `the stored login for ${REGISTRY} cannot be read`,
      fix: expect.stringContaining(`docker logout ${REGISTRY}`),
    });
    keychain.remove();
    const gone = await diagnose({}, REGISTRY);
    expect(gone.find('keychain', 'problem')?.what).toBe(
      'docker-credential-pass keeps stored logins, and is not on PATH',
    );
  });

  test('has a login that was moved elsewhere, which stays there', async () => {
    const keychain = installKeychain(machine.bin, 'docker-credential-pass');
    await store();
    world.writeConfig({ store: 'file' });
    await diagnose({}, REGISTRY);
    expect(keychain.contents()).not.toEqual({});
    expect(keychain.calls()).not.toContain('erase');
  });
});
