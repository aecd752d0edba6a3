/** Processes that start with too little: closed descriptors, low limits, no devices, no home, and any umask. */
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { NULL_GUID } from '../emulator/state.ts';
import { expectAnswer } from './world/answer.ts';
import { LOGIN_SERVER } from './world/cloud.ts';
import { describeResult, isClearFailure, NEW_PASSWORD } from './world/fault-flows.ts';
import { needNamespaces, withEmptyFolders, withShell } from './world/isolation.ts';
import { needParts } from './world/parts.ts';
import { createPlace, findStateProblems, listFiles, listLeftovers, type Place, readPasswords } from './world/place.ts';
import { openCloud } from './world/test-cloud.ts';

const cloud = await openCloud();
const LOGIN = JSON.stringify({ ServerURL: LOGIN_SERVER, Username: 'admin', Secret: NEW_PASSWORD });
const SILENT = { exitCode: 0, stdout: '', stderr: '' };

function expectTidy(place: Place): void {
  expect(findStateProblems(place)).toEqual([]);
  expect(listLeftovers(place).map(({ path }) => path)).toEqual([]);
}

/** Expects that an answer of `get` went nowhere but to stdout. */
function expectNoAnswerInFiles(place: Place): void {
  const files = readdirSync(place.folder, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
  for (const file of files) {
    const path = join(file.parentPath, file.name);
    if (path.endsWith('/answer')) continue;
    const text = readFileSync(path, 'utf8');
    expect(text, path).not.toMatch(/"ServerURL"|"Secret"/);
    expect(text, path).not.toMatch(/^(Cannot|docker-credential-acr:)/m);
  }
}

const CLOSED = ['0', '1', '2', '0 and 1', '0 and 2', '1 and 2', '0, 1 and 2'];

describe.each(CLOSED)('with the closed descriptors %s', (text) => {
  const descriptors: readonly string[] = text.match(/\d/g) ?? [];
  // The input is on descriptor 0 unless that is closed, and the answer in a file unless descriptor 1 is closed.
  const redirect = (place: Place) =>
    [
      `<'${place.folder}/input'`,
      `>'${place.folder}/answer'`,
      ...descriptors.map((descriptor) => (descriptor === '0' ? '0<&-' : `${descriptor}>&-`)),
    ].join(' ');
  const run = (place: Place, verb: string, input: string) =>
    place.run(verb, '', {
      launcher: ['sh', '-c', `printf %s '${input}' >'${place.folder}/input'; "$@" ${redirect(place)}`, 'sh'],
    });
  const isHeard = !descriptors.includes('0');
  const isToldAnswer = !descriptors.includes('1');

  it('get writes its answer into no other file, and no file is torn', async () => {
    const place = createPlace(cloud.addMachine());
    for (const _state of ['cold', 'hot']) {
      await run(place, 'get', LOGIN_SERVER);
      expectNoAnswerInFiles(place);
      expectTidy(place);
      const answer = existsSync(join(place.folder, 'answer')) ? readFileSync(join(place.folder, 'answer'), 'utf8') : '';
      if (!isToldAnswer) expect(answer).toBe('');
      else expect(answer).toMatch(isHeard ? /^\{"ServerURL":.*\}\n?$/ : /^no credentials server URL\n$/);
    }
    expectAnswer(await place.run('get', LOGIN_SERVER));
  });

  it('store keeps the login and erase removes it, where they can read their input', async () => {
    const place = createPlace(cloud.addMachine());
    await run(place, 'store', LOGIN);
    expect(readPasswords(place)).toEqual(isHeard ? { [LOGIN_SERVER]: NEW_PASSWORD } : {});
    expectTidy(place);
    await run(place, 'erase', LOGIN_SERVER);
    expect(readPasswords(place)).toEqual({});
    expectTidy(place);
  });
});

describe('with few descriptors', () => {
  it('each verb works or fails clearly from the number with which Node.js starts', async (context) => {
    needParts(context, 'prlimit');
    const machine = cloud.addMachine();
    const template = createPlace(machine);
    expectAnswer(await template.run('get', LOGIN_SERVER));
    const launcher = (limit: number) => ['prlimit', `--nofile=${limit}`];
    const starts = async (limit: number) =>
      template.run('version', '', { launcher: launcher(limit) }).then(
        ({ exitCode }) => exitCode === 0,
        () => false, // Node.js itself crashes
      );
    let lowest = 12;
    while (!(await starts(lowest))) lowest += 1;
    expect(lowest).toBeLessThan(40);
    const problems: string[] = [];
    for (let limit = lowest; limit < lowest + 10; limit += 1) {
      const options = { launcher: launcher(limit) };
      for (const [name, verb, input, place] of [
        ['cold get', 'get', LOGIN_SERVER, createPlace(machine)],
        ['hot get', 'get', LOGIN_SERVER, createPlace(machine, template)],
        ['store', 'store', LOGIN, createPlace(machine)],
        ['erase', 'erase', LOGIN_SERVER, createPlace(machine, template)],
      ] as const) {
        const result = await place.run(verb, input, options);
        // Node.js itself warns when it cannot open the file of NODE_EXTRA_CA_CERTS.
        const stderr = result.stderr.replace(/^Warning: Ignoring extra certs[^\n]*\n/, '');
        if (result.exitCode !== 0 && !isClearFailure({ ...result, stderr })) {
          problems.push(`${name} with ${limit} descriptors: ${describeResult(result)}`);
        }
        const isKept = readPasswords(place)?.[LOGIN_SERVER] === NEW_PASSWORD;
        if (verb === 'store' && isKept !== (result.exitCode === 0)) problems.push(`store with ${limit}: wrong answer`);
        // A process that can open no file cannot make sure that a lock is still its own: the next run removes it.
        if (name === 'cold get') expectAnswer(await place.run('get', LOGIN_SERVER));
        const states = [...findStateProblems(place), ...listLeftovers(place).map(({ path }) => `${path} stays`)];
        problems.push(...states.map((problem) => `${name} with ${limit} descriptors: ${problem}`));
      }
    }
    expect(problems).toEqual([]);
  });
});

describe.each([
  ['/dev', 'without /dev/null and /dev/urandom'],
  ['/proc', 'without /proc'],
  ['/sys', 'without /sys'],
])('on a machine with an empty %s', (folder, name) => {
  it(`get, store, list and erase work ${name}`, async (context) => {
    needNamespaces(context, '-m');
    const place = createPlace(cloud.addMachine());
    const options = { launcher: withEmptyFolders(folder) };
    const { secret } = expectAnswer(await place.run('get', LOGIN_SERVER, options));
    expect(expectAnswer(await place.run('get', LOGIN_SERVER, options)).secret).toBe(secret);
    expect(await place.run('store', LOGIN, options)).toMatchObject({ exitCode: 0, stdout: '' });
    expect(JSON.parse((await place.run('list', '', options)).stdout)).toMatchObject({ [LOGIN_SERVER]: 'admin' });
    expect(JSON.parse((await place.run('get', LOGIN_SERVER, options)).stdout)).toMatchObject({ Secret: NEW_PASSWORD });
    expect(await place.run('erase', LOGIN_SERVER, options)).toMatchObject(SILENT);
    expect(readPasswords(place)).toEqual({});
    expectTidy(place);
  });
});

it('no answer goes into a file when the descriptors are closed and there is no /dev/null either', async (context) => {
  needNamespaces(context, '-m');
  const place = createPlace(cloud.addMachine());
  const launcher = [...withEmptyFolders('/dev'), 'sh', '-c', '"$@" 1>&- 2>&-; exit 0', 'sh'];
  await place.run('get', LOGIN_SERVER, { launcher });
  if (existsSync(place.cacheFolder)) expectTidy(place);
  expectNoAnswerInFiles(place);
  expectAnswer(await place.run('get', LOGIN_SERVER));
});

describe.each(['000', '077', '777'])('with the umask %s', (umask) => {
  it('every file and folder is for the owner alone, and the owner can use it', async () => {
    const place = createPlace(cloud.addMachine());
    const options = { launcher: withShell(`umask ${umask};`) };
    expectAnswer(await place.run('get', LOGIN_SERVER, options));
    expect(await place.run('store', LOGIN, options)).toMatchObject({ exitCode: 0, stdout: '' });
    expect(listFiles(place).length).toBeGreaterThan(2);
    expectTidy(place);
    expect(await place.run('erase', LOGIN_SERVER, options)).toMatchObject(SILENT);
    expectTidy(place);
  });
});

const FOLDERS = { DOCKER_CREDENTIAL_ACR_CACHE_DIR: undefined, DOCKER_CREDENTIAL_ACR_DATA_DIR: undefined };

describe.each([
  ['no HOME', undefined],
  ['an empty HOME', ''],
  ['a HOME in the working directory', '.'],
  ['a relative HOME', 'sub'],
  ['a HOME that does not exist', '/nonexistent/home'],
  ['a HOME that is a file', '/etc/hostname'],
])('with %s', (_name, home) => {
  it('each verb works or fails clearly, and nothing is written to the working directory', async (context) => {
    needNamespaces(context, '-m');
    const place = createPlace(cloud.addMachine());
    const work = join(place.folder, 'work');
    mkdirSync(join(work, 'sub'), { recursive: true });
    const environment = { ...FOLDERS, HOME: home, XDG_CONFIG_HOME: undefined, DOCKER_CREDENTIAL_ACR_LOG: undefined };
    // Without HOME the system's list of users names the home, which stays as it is.
    const [, , , , script = ''] = withEmptyFolders('/root');
    const launcher = ['unshare', '-m', 'sh', '-c', `cd '${work}' && ${script}`, 'sh'];
    const options = { environment, launcher };
    expectAnswer(await place.run('get', LOGIN_SERVER, options));
    const token = { ServerURL: LOGIN_SERVER, Username: NULL_GUID, Secret: 'not a token' };
    for (const input of [LOGIN, JSON.stringify(token)]) {
      const stored = await place.run('store', input, options);
      if (stored.exitCode !== 0) expect(stored).toSatisfy(isClearFailure);
    }
    expect(await place.run('erase', LOGIN_SERVER, options)).toMatchObject(SILENT);
    expect(await place.run('list', '', options)).toMatchObject({ exitCode: 0, stderr: '' });
    expect(readdirSync(work, { recursive: true })).toEqual(['sub']);
  });
});
