/** Machines and containers that share the folders: host names that change, and process ids that mean something else. */
import { afterEach, expect, it } from 'vitest';
import { expectAnswer } from './world/answer.ts';
import { LOGIN_SERVER } from './world/cloud.ts';
import { NEW_PASSWORD, prepareFlow } from './world/fault-flows.ts';
import { inContainer, needNamespaces, onHost } from './world/isolation.ts';
import { needParts, partOf } from './world/parts.ts';
import { createPlace, listLeftovers, listTokens, type Place, readPasswords } from './world/place.ts';
import { openCloud } from './world/test-cloud.ts';

const ENTRA_HOST = 'login.microsoftonline.com';
const CONTAINER = ['--uts', '--pid', '--fork', '--mount-proc'];
/** A holder of a lock on another machine is dead when its lock has not been touched for three seconds. */
const SOON_MS = 4_500;

const cloud = await openCloud();
const undo: (() => void)[] = [];
afterEach(() => {
  for (const restore of undo.splice(0)) restore();
});

/** What is killed, how it is started, how the next one is started, and what that needs. */
type Row = readonly [name: string, before: readonly string[], after: readonly string[], options: readonly string[]];

/** A shell makes the signal that ended a program its exit code. */
const SHELL = ['sh', '-c', '"$@"; exit $?', 'sh'];
/** Kills a program when it is about to rename a file. */
const KILL_AT_RENAME = ['strace', '-qq', '-o', '/dev/null', '-e', 'inject=rename:signal=SIGKILL'];
/** Starts a program with a process id that a container with few processes does not have. */
const LATER_PROCESS = ['sh', '-c', 'for i in $(seq 60); do (exec true) & done; wait; "$@"; exit $?', 'sh'];
const expectNothingLeft = (place: Place) => expect(listLeftovers(place).map(({ path }) => path)).toEqual([]);

function slowEntra(delayMs: number): void {
  undo.push(cloud.emulator.inject({ host: ENTRA_HOST, delayMs }));
}

async function waitForRequest(): Promise<void> {
  while (cloud.emulator.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
}

it('two containers with one host name share a sign-in, since neither takes the other for dead', async (context) => {
  needNamespaces(context, ...CONTAINER);
  const place = createPlace(cloud.addMachine());
  // Longer than a dead holder would be waited for.
  slowEntra(4_000);
  const first = place.run('get', LOGIN_SERVER, { launcher: [...inContainer('same'), ...LATER_PROCESS] });
  await waitForRequest();
  const second = await place.run('get', LOGIN_SERVER, { launcher: inContainer('same') });
  expect(expectAnswer(second).secret).toBe(expectAnswer(await first).secret);
  expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);
  expectNothingLeft(place);
});

it('two hosts that share the folders share a sign-in', async (context) => {
  needNamespaces(context, ...CONTAINER);
  const place = createPlace(cloud.addMachine());
  slowEntra(1_500);
  const first = place.run('get', LOGIN_SERVER, { launcher: inContainer('one') });
  await waitForRequest();
  const second = await place.run('get', LOGIN_SERVER, { launcher: inContainer('two') });
  expect(expectAnswer(second).secret).toBe(expectAnswer(await first).secret);
  expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);
  expectNothingLeft(place);
});

it.for<Row>([
  ['a container with another host name', inContainer('one'), inContainer('two'), CONTAINER],
  ['a container with the same host name', inContainer('same'), inContainer('same'), CONTAINER],
  ['this machine under its former name', onHost('before'), onHost('after'), ['--uts']],
])(
  'a sign-in that was killed in %s delays the next one for a moment only',
  async ([, before, after, options], context) => {
    needNamespaces(context, ...options);
    needParts(context, 'strace');
    const place = createPlace(cloud.addMachine());
    await place.run('get', LOGIN_SERVER, { launcher: [...SHELL, ...before, ...SHELL, ...KILL_AT_RENAME] });
    // One for the registry's token, and one for Entra's.
    expect(listLeftovers(place).filter(({ kind }) => kind === 'lock')).toHaveLength(2);
    const result = await place.run('get', LOGIN_SERVER, { launcher: after });
    expectAnswer(result);
    expect(result.durationMs).toBeLessThan(SOON_MS);
    // Nobody can tell whether the writer of a temporary file runs in another container, so that it stays for a minute.
    expect(listLeftovers(place).filter(({ kind }) => kind !== 'temporary')).toEqual([]);
    await place.run('erase', LOGIN_SERVER);
    expectNothingLeft(place);
  },
);

it.for<Row>([
  ['a container with another host name', inContainer('one'), inContainer('two'), CONTAINER],
  ['this machine under its former name', onHost('before'), onHost('after'), ['--uts']],
])(
  'a renewal that was killed in %s does not stop the renewals of the key',
  async ([, before, after, options], context) => {
    needNamespaces(context, ...options);
    needParts(context, 'strace');
    const machine = cloud.addMachine();
    const { template: place, environment } = await prepareFlow('a renewal', machine);
    const [old] = listTokens(place, LOGIN_SERVER);
    await place.run('renew', '', { environment, launcher: [...SHELL, ...before, ...SHELL, ...KILL_AT_RENAME] });
    expect(listLeftovers(place).map(({ kind }) => kind)).toContain('lock');
    expect(listTokens(place, LOGIN_SERVER)).toEqual([old]);
    const renewed = await place.run('renew', '', { environment, launcher: after });
    expect(renewed).toMatchObject({ exitCode: 0, stdout: '', stderr: '' });
    expect(renewed.durationMs).toBeLessThan(SOON_MS);
    expect(listTokens(place, LOGIN_SERVER)).not.toContain(old);
    await place.run('erase', LOGIN_SERVER);
    expectNothingLeft(place);
  },
);

it('a get that was killed in another container while it started a renewal does not stop the renewals', async (context) => {
  needNamespaces(context, ...CONTAINER);
  needParts(context, 'strace', 'faketime');
  const { template: place } = await prepareFlow('get that starts a renewal', cloud.addMachine());
  const [old = ''] = listTokens(place, LOGIN_SERVER);
  await place.run('get', LOGIN_SERVER, { launcher: [...SHELL, ...inContainer('one'), ...SHELL, ...KILL_AT_RENAME] });
  expect(listLeftovers(place).length).toBeGreaterThan(0);
  // Once a minute at most, so that the next attempt is later.
  const later = [partOf('faketime'), '-f', '+2m'];
  expect(expectAnswer(await place.run('get', LOGIN_SERVER, { launcher: later })).secret).toBe(old);
  for (let tries = 0; listTokens(place, LOGIN_SERVER).includes(old) && tries < 200; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  expect(listTokens(place, LOGIN_SERVER)).not.toContain(old);
});

it('a store that was killed in another container delays the next one for a moment only', async (context) => {
  needNamespaces(context, ...CONTAINER);
  needParts(context, 'strace');
  const place = createPlace(cloud.addMachine());
  const login = JSON.stringify({ ServerURL: LOGIN_SERVER, Username: 'admin', Secret: NEW_PASSWORD });
  await place.run('store', login, { launcher: [...SHELL, ...inContainer('one'), ...SHELL, ...KILL_AT_RENAME] });
  expect(listLeftovers(place).map(({ kind }) => kind)).toEqual(expect.arrayContaining(['lock', 'temporary']));
  const result = await place.run('store', login, { launcher: inContainer('two') });
  expect(result).toMatchObject({ exitCode: 0, stdout: '' });
  expect(result.durationMs).toBeLessThan(SOON_MS);
  expect(readPasswords(place)).toEqual({ [LOGIN_SERVER]: NEW_PASSWORD });
  expectNothingLeft(place);
});
