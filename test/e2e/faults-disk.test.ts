/** Disks that are full or read-only, from the start or in between, and files that must stay small. */
import { rmSync } from 'node:fs';
import { describe, expect, it, type TestContext } from 'vitest';
import { expectAnswer } from './world/answer.ts';
import { LOGIN_SERVER } from './world/cloud.ts';
import { isClearFailure, NEW_PASSWORD, OLD_PASSWORD, OTHER_PASSWORD } from './world/fault-flows.ts';
import { type Disk, mountDisk } from './world/isolation.ts';
import { needParts } from './world/parts.ts';
import { createPlace, findStateProblems, listLeftovers, listTokens, type Place, readPasswords } from './world/place.ts';
import { openCloud } from './world/test-cloud.ts';

const cloud = await openCloud();
const ELSEWHERE = 'elsewhere.azurecr.io';
const STORED = { exitCode: 0, stdout: '' };
const SILENT = { exitCode: 0, stdout: '', stderr: '' };

const login = (ServerURL: string, Secret: string) => JSON.stringify({ ServerURL, Username: 'admin', Secret });

function expectTidy(place: Place): void {
  expect(findStateProblems(place)).toEqual([]);
  expect(listLeftovers(place).map(({ path }) => path)).toEqual([]);
}

/** A place on a disk of its own, with a cached token, and with logins for two other servers. */
async function openDisk(context: TestContext): Promise<{ place: Place; disk: Disk; token: string }> {
  const machine = cloud.addMachine();
  const disk = await mountDisk(context, machine, 'size=128k');
  const place = createPlace(machine, undefined, disk.folder);
  const token = expectAnswer(await place.run('get', LOGIN_SERVER)).secret;
  expect(await place.run('store', login('one.example.com', OLD_PASSWORD))).toMatchObject(STORED);
  expect(await place.run('store', login('two.example.com', OTHER_PASSWORD))).toMatchObject(STORED);
  cloud.forget();
  return { place, disk, token };
}

describe.each([
  ['becomes full', (disk: Disk) => disk.fill(), (disk: Disk) => disk.free()],
  ['becomes read-only', (disk: Disk) => disk.remount('ro'), (disk: Disk) => disk.remount('rw')],
])('when a disk with tokens and logins %s', (_name, breakDisk, repairDisk) => {
  it('get returns the cached token without a request, and signs in for another registry', async (context) => {
    const { place, disk, token } = await openDisk(context);
    await breakDisk(disk);
    expect(expectAnswer(await place.run('get', LOGIN_SERVER)).secret).toBe(token);
    expect(cloud.signIns()).toEqual([]);
    expectAnswer(await place.run('get', ELSEWHERE));
    expectTidy(place);
    await repairDisk(disk);
    expectAnswer(await place.run('get', ELSEWHERE));
    expect(listTokens(place, ELSEWHERE)).toHaveLength(1);
    expectTidy(place);
  });

  it('store fails clearly, the old logins stay, and it works again afterwards', async (context) => {
    const { place, disk } = await openDisk(context);
    await breakDisk(disk);
    const failed = await place.run('store', login('one.example.com', NEW_PASSWORD));
    expect(failed).toSatisfy(isClearFailure);
    expect(readPasswords(place)).toEqual({ 'one.example.com': OLD_PASSWORD, 'two.example.com': OTHER_PASSWORD });
    const { stdout } = await place.run('get', 'one.example.com');
    expect(JSON.parse(stdout)).toMatchObject({ Secret: OLD_PASSWORD });
    expectTidy(place);
    await repairDisk(disk);
    expect(await place.run('store', login('one.example.com', NEW_PASSWORD))).toMatchObject(STORED);
    expect(readPasswords(place)).toEqual({ 'one.example.com': NEW_PASSWORD, 'two.example.com': OTHER_PASSWORD });
    expectTidy(place);
  });

  it('list still shows the logins', async (context) => {
    const { place, disk } = await openDisk(context);
    await breakDisk(disk);
    const { stdout } = await place.run('list');
    expect(JSON.parse(stdout)).toMatchObject({ 'one.example.com': 'admin', 'two.example.com': 'admin' });
    await repairDisk(disk);
  });

  it('erase removes the login and the tokens, or says that they are still there', async (context) => {
    const { place, disk } = await openDisk(context);
    await breakDisk(disk);
    for (const server of ['one.example.com', LOGIN_SERVER]) {
      const { exitCode, stdout, stderr } = await place.run('erase', server);
      expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '' });
      const isLeft = readPasswords(place)?.[server] !== undefined || listTokens(place, server).length > 0;
      expect(stderr !== '', `${server}: ${stderr}`).toBe(isLeft);
    }
    expect(readPasswords(place)).toMatchObject({ 'two.example.com': OTHER_PASSWORD });
    await repairDisk(disk);
    expect(await place.run('erase', 'one.example.com')).toMatchObject(SILENT);
    expect(await place.run('erase', LOGIN_SERVER)).toMatchObject(SILENT);
    expect(readPasswords(place)).toEqual({ 'two.example.com': OTHER_PASSWORD });
    expect(listTokens(place, LOGIN_SERVER)).toEqual([]);
    expectTidy(place);
  });
});

it('a full disk is no reason to keep a login: erase removes it', async (context) => {
  const { place, disk } = await openDisk(context);
  await disk.fill();
  expect(await place.run('erase', 'one.example.com')).toMatchObject(SILENT);
  expect(readPasswords(place)).toEqual({ 'two.example.com': OTHER_PASSWORD });
  expect(await place.run('erase', 'two.example.com')).toMatchObject(SILENT);
  expect(readPasswords(place)).toEqual({});
});

describe.each([0, 100, 1200])('when no file may be larger than %i bytes', (limit) => {
  const launcher = ['prlimit', `--fsize=${limit}`];

  it('get answers, and leaves no part of a file', async (context) => {
    needParts(context, 'prlimit');
    const place = createPlace(cloud.addMachine());
    expectAnswer(await place.run('get', LOGIN_SERVER, { launcher }));
    expectAnswer(await place.run('get', LOGIN_SERVER, { launcher }));
    rmSync(place.logFile, { force: true });
    expectTidy(place);
    expectAnswer(await place.run('get', LOGIN_SERVER));
    expect(listTokens(place, LOGIN_SERVER)).toHaveLength(1);
  });

  it('store keeps the login or fails clearly, and erase removes it', async (context) => {
    needParts(context, 'prlimit');
    const place = createPlace(cloud.addMachine());
    const long = `${NEW_PASSWORD}${'x'.repeat(2000)}`;
    const failed = await place.run('store', login(LOGIN_SERVER, long), { launcher });
    expect(failed).toSatisfy(isClearFailure);
    expect(readPasswords(place)).toEqual({});
    expect(await place.run('store', login(LOGIN_SERVER, long))).toMatchObject(STORED);
    const { exitCode, stderr } = await place.run('erase', LOGIN_SERVER, { launcher });
    const servers = Object.keys(readPasswords(place) ?? {});
    expect({ exitCode, stderr, servers }).toEqual({ exitCode: 0, stderr: '', servers: [] });
    rmSync(place.logFile, { force: true });
    expectTidy(place);
  });
});

it('a log on a full disk does not change any answer', async (context) => {
  const machine = cloud.addMachine();
  const disk = await mountDisk(context, machine, 'size=16k');
  const place = createPlace(machine);
  const environment = { DOCKER_CREDENTIAL_ACR_LOG: `${disk.folder}/log` };
  await place.run('list', '', { environment });
  await disk.fill();
  expectAnswer(await place.run('get', LOGIN_SERVER, { environment }));
  expect(await place.run('store', login(LOGIN_SERVER, NEW_PASSWORD), { environment })).toMatchObject(STORED);
  expect(await place.run('erase', LOGIN_SERVER, { environment })).toMatchObject(SILENT);
});
