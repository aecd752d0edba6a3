/** Files and folders of other users, and root with the home of somebody else. */
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, type TestContext } from 'vitest';
import { expectAnswer } from './world/answer.ts';
import { LOGIN_SERVER } from './world/cloud.ts';
import { isClearFailure, NEW_PASSWORD } from './world/fault-flows.ts';
import { asOtherUser, needNamespaces, OTHER_USER, withEmptyFolders } from './world/isolation.ts';
import type { Machine } from './world/machine.ts';
import { needParts, needRoot } from './world/parts.ts';
import { createPlace, findStateProblems, listTokens, type Place, readPasswords } from './world/place.ts';
import { openCloud } from './world/test-cloud.ts';

const cloud = await openCloud();
const LOGIN = JSON.stringify({ ServerURL: LOGIN_SERVER, Username: 'admin', Secret: NEW_PASSWORD });
let machine: Machine;

beforeEach(() => {
  machine = cloud.addMachine();
});

function needUsers(context: TestContext): void {
  needRoot(context);
  needParts(context, 'setpriv');
}

/** A place that the other user can reach, with the certificate of the emulator. */
function createSharedPlace(): { place: Place; environment: Readonly<Record<string, string>> } {
  const place = createPlace(machine);
  chmodSync(machine.folder, 0o711);
  chmodSync(place.folder, 0o711);
  const certificate = join(place.folder, 'ca.pem');
  copyFileSync(cloud.emulator.caFile, certificate);
  chmodSync(certificate, 0o644);
  return { place, environment: { NODE_EXTRA_CA_CERTS: certificate, SSL_CERT_FILE: certificate } };
}

/** All paths below a folder, with the folder itself. */
function listAll(folder: string): readonly string[] {
  return [folder, ...readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name))];
}

function giveTo(folder: string, user: number): void {
  for (const path of listAll(folder)) chownSync(path, user, user);
}

describe('a cache folder of another user', () => {
  it('is not used when the folder of the tokens belongs to them', async (context) => {
    needUsers(context);
    const { place } = createSharedPlace();
    const tokens = join(place.cacheFolder, 'tokens');
    mkdirSync(tokens, { recursive: true, mode: 0o755 });
    chownSync(tokens, OTHER_USER, OTHER_USER);
    expectAnswer(await place.run('get', LOGIN_SERVER));
    expect(readdirSync(tokens)).toEqual([]);
  });

  it('shows them no token when only the folder around it is theirs', async (context) => {
    needUsers(context);
    const { place } = createSharedPlace();
    mkdirSync(place.cacheFolder, { mode: 0o755 });
    chownSync(place.cacheFolder, OTHER_USER, OTHER_USER);
    expectAnswer(await place.run('get', LOGIN_SERVER));
    const [as = '', ...args] = asOtherUser();
    const shown = await machine.run(as, [...args, 'find', place.cacheFolder, '-type', 'f']);
    expect(shown.stdout).toBe('');
  });

  it('serves root no token that the other user has put there', async (context) => {
    needUsers(context);
    const { place } = createSharedPlace();
    expectAnswer(await place.run('get', LOGIN_SERVER));
    const [planted = ''] = listTokens(place, LOGIN_SERVER);
    giveTo(place.cacheFolder, OTHER_USER);
    expect(expectAnswer(await place.run('get', LOGIN_SERVER)).secret).not.toBe(planted);
  });

  it('costs the other user speed, and no answer, when it is root’s', async (context) => {
    needUsers(context);
    const { place, environment } = createSharedPlace();
    mkdirSync(place.cacheFolder, { mode: 0o700 });
    for (const folder of ['home', 'config']) giveTo(join(place.folder, folder), OTHER_USER);
    const options = { environment: { ...environment, DOCKER_CREDENTIAL_ACR_LOG: undefined }, launcher: asOtherUser() };
    expectAnswer(await place.run('get', LOGIN_SERVER, options));
    mkdirSync(place.dataFolder, { mode: 0o755 });
    expect(await place.run('store', LOGIN, options)).toSatisfy(isClearFailure);
    expect(await place.run('erase', LOGIN_SERVER, options)).toMatchObject({ exitCode: 0, stdout: '' });
    expect(listAll(place.cacheFolder)).toEqual([place.cacheFolder]);
    expect(listAll(place.dataFolder)).toEqual([place.dataFolder]);
  });
});

describe('logins of another user', () => {
  it.for(['the index', 'the folder'])(
    'stay as they are, and store fails clearly, when %s belongs to them',
    async (what, context) => {
      needUsers(context);
      const { place } = createSharedPlace();
      expect(await place.run('store', LOGIN)).toMatchObject({ exitCode: 0, stdout: '' });
      chownSync(
        what === 'the folder' ? place.dataFolder : join(place.dataFolder, 'credentials.json'),
        OTHER_USER,
        OTHER_USER,
      );
      expect(await place.run('store', LOGIN.replace(NEW_PASSWORD, 'Changed+pass=4'))).toSatisfy(isClearFailure);
      expect(readPasswords(place)).toEqual({ [LOGIN_SERVER]: NEW_PASSWORD });
      if (what === 'the index') expectAnswer(await place.run('get', LOGIN_SERVER));
    },
  );
});

it('the root of a user namespace changes its own files as an ordinary user does', async (context) => {
  needUsers(context);
  const { place } = createSharedPlace();
  const launcher = [...asOtherUser(), 'unshare', '--map-root-user'];
  const [as = '', ...args] = launcher;
  if ((await machine.run(as, [...args, 'true'])).exitCode !== 0) context.skip('no user namespaces here');
  const home = join(place.folder, 'home');
  const file = join(home, '.docker', 'config.json');
  mkdirSync(join(home, '.docker'));
  writeFileSync(file, '{ }\n');
  for (const folder of ['home', 'config']) giveTo(join(place.folder, folder), OTHER_USER);
  const environment = {
    DOCKER_CONFIG: join(home, '.docker'),
    DOCKER_CREDENTIAL_ACR_DATA_DIR: join(home, 'data'),
    DOCKER_CREDENTIAL_ACR_LOG: undefined,
  };
  const run = (verb: string) => place.run(verb, '', { environment, launcher, args: [LOGIN_SERVER, '--yes'] });
  expect(await run('configure')).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('Configured') });
  expect(readFileSync(file, 'utf8')).toContain(LOGIN_SERVER);
  expect(statSync(file).uid).toBe(OTHER_USER);
  expect(await run('unconfigure')).toMatchObject({ exitCode: 0 });
  expect(readFileSync(file, 'utf8')).toBe('{ }\n');
});

describe('a configuration file', () => {
  it.for<readonly [name: string, spoil: (file: string) => void]>([
    ['that belongs to another user', (file) => chownSync(file, OTHER_USER, OTHER_USER)],
    ['that its group can write to', (file) => chmodSync(file, 0o660)],
    ['that everybody can write to', (file) => chmodSync(file, 0o666)],
  ])('%s is refused with a clear error', async ([, spoil], context) => {
    needUsers(context);
    for (const isNamed of [false, true]) {
      const { place } = createSharedPlace();
      spoil(place.configFile);
      const environment = isNamed ? { DOCKER_CREDENTIAL_ACR_CONFIG: place.configFile } : {};
      for (const [verb, input] of [
        ['get', LOGIN_SERVER],
        ['store', LOGIN],
      ] as const) {
        const result = await place.run(verb, input, { environment });
        expect(result).toSatisfy(isClearFailure);
        expect(result.stdout).toContain(place.configFile);
      }
      expect(cloud.emulator.connects).toEqual([]);
    }
  });

  it('of root, or that everybody can read, is used', async (context) => {
    needUsers(context);
    const { place, environment } = createSharedPlace();
    writeFileSync(place.configFile, JSON.stringify({ registries: { [LOGIN_SERVER]: { anonymous: true } } }));
    chmodSync(place.configFile, 0o644);
    giveTo(join(place.folder, 'home'), OTHER_USER);
    for (const folder of ['config', 'config/docker-credential-acr']) chmodSync(join(place.folder, folder), 0o755);
    const options = { environment: { ...environment, DOCKER_CREDENTIAL_ACR_LOG: undefined }, launcher: asOtherUser() };
    const { stdout } = await place.run('get', LOGIN_SERVER, options);
    expect(stdout).toBe('credentials not found in native keychain\n');
  });
});

describe('root with the home of another user', () => {
  /** Root's own home is empty for this program only. */
  function openHome(context: TestContext) {
    needUsers(context);
    needNamespaces(context, '-m');
    const { place } = createSharedPlace();
    const home = join(place.folder, 'home');
    writeFileSync(join(home, '.profile'), '');
    giveTo(home, OTHER_USER);
    const environment = {
      DOCKER_CREDENTIAL_ACR_CACHE_DIR: undefined,
      DOCKER_CREDENTIAL_ACR_DATA_DIR: undefined,
      DOCKER_CREDENTIAL_ACR_LOG: undefined,
      XDG_CONFIG_HOME: undefined,
    };
    return { place, home, options: { environment, launcher: withEmptyFolders('/root') } };
  }

  it('creates nothing of its own in it', async (context) => {
    const { place, home, options } = openHome(context);
    expectAnswer(await place.run('get', LOGIN_SERVER, options));
    await place.run('store', LOGIN, options);
    await place.run('get', LOGIN_SERVER, options);
    await place.run('list', '', options);
    await place.run('erase', LOGIN_SERVER, options);
    expect(listAll(home).filter((path) => statSync(path).uid === 0)).toEqual([]);
  });

  it('leaves what the owner of the home has there, and the owner can go on', async (context) => {
    const { place, home, options } = openHome(context);
    const { environment: shared } = createSharedPlace();
    const owner = { environment: { ...options.environment, ...shared }, launcher: asOtherUser() };
    const { secret } = expectAnswer(await place.run('get', LOGIN_SERVER, owner));
    expectAnswer(await place.run('get', LOGIN_SERVER, options));
    await place.run('store', LOGIN, options);
    await place.run('erase', LOGIN_SERVER, options);
    expect(listAll(home).filter((path) => statSync(path).uid === 0)).toEqual([]);
    expect(expectAnswer(await place.run('get', LOGIN_SERVER, owner)).secret).toBe(secret);
    expect(findStateProblems(place)).toEqual([]);
  });
});
