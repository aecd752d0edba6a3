/** The built program renews a token before it expires, in a process that nobody waits for. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseJsonRecord, parseNumber, parseString } from '../emulator/json.ts';
import { SUBSCRIPTION_ID, TENANT_ID } from '../emulator/state.ts';
import { decodeToken } from '../emulator/tokens.ts';
import { expectAnswer } from './world/answer.ts';
import { LOGIN_SERVER } from './world/cloud.ts';
import type { Machine } from './world/machine.ts';
import { openCloud } from './world/test-cloud.ts';

const ENTRA_HOST = 'login.microsoftonline.com';

const cloud = await openCloud();
let machine: Machine;
const undo: (() => void)[] = [];

beforeEach(() => {
  machine = cloud.addMachine();
});
afterEach(async () => {
  for (const restore of undo.splice(0)) restore();
  // The tests wait for the renewals, since their folder is removed with the machine.
  await waitUntil(() => listRenewals().every((processId) => !isRunning(processId)));
});

interface Step {
  readonly processId: number;
  readonly step: string | undefined;
  readonly outcome: string | undefined;
}

/** The steps that each process logged. */
function readSteps(): readonly Step[] {
  return machine
    .log()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => parseJsonRecord(line) ?? {})
    .map(({ process: processId, step, outcome }) => ({
      processId: parseNumber(processId) ?? 0,
      step: parseString(step),
      outcome: parseString(outcome),
    }));
}

const countSteps = (outcome: string) => readSteps().filter((step) => step.outcome === outcome).length;

/** The renewal processes so far: those in the log that the test did not start itself. */
function listRenewals(): readonly number[] {
  const steps = readSteps();
  const clients = new Set(asked);
  return [...new Set(steps.map(({ processId }) => processId))].filter((processId) => !clients.has(processId));
}

const asked: number[] = [];

/** Runs `get` as a client does, with one more pipe than the usual three, and waits until every pipe has ended. */
async function get(environment: Readonly<Record<string, string>> = {}): Promise<{ answer: string; processId: number }> {
  const child: ChildProcess = spawn(join(machine.folder, 'bin', 'docker-credential-acr'), ['get'], {
    env: { ...machine.environment, ...environment },
    cwd: join(machine.folder, 'home'),
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
  });
  const streams = { stdout: '', stderr: '' };
  child.stdout?.on('data', (chunk: Buffer) => {
    streams.stdout += chunk.toString();
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    streams.stderr += chunk.toString();
  });
  const extra = child.stdio[3];
  if (extra !== null && extra !== undefined && 'resume' in extra) extra.resume();
  child.stdin?.end(LOGIN_SERVER);
  if (child.pid !== undefined) asked.push(child.pid);
  const [exitCode] = await once(child, 'close');
  const { secret } = expectAnswer({ exitCode: Number(exitCode), ...streams });
  return { answer: secret, processId: child.pid ?? 0 };
}

function listTokenFiles(prefix: string): readonly string[] {
  const folder = join(machine.folder, 'cache', 'tokens');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.startsWith(prefix))
    .map((name) => join(folder, name));
}

const readEntry = (file: string) => parseJsonRecord(readFileSync(file, 'utf8')) ?? {};
const cachedTokens = () => listTokenFiles(LOGIN_SERVER).map((file) => parseString(readEntry(file)['token']));

/** Caches a token with half an hour of its three hours left, and forgets the requests so far. */
async function cacheAgedToken(environment: Readonly<Record<string, string>> = {}): Promise<string> {
  const { answer } = await get(environment);
  ageTokens();
  cloud.forget();
  return answer;
}

function ageTokens(): void {
  const now = Math.floor(Date.now() / 1000);
  for (const file of listTokenFiles(LOGIN_SERVER)) {
    writeFileSync(
      file,
      JSON.stringify({ ...readEntry(file), savedAtSeconds: now - 9000, expiresAtSeconds: now + 1800 }),
    );
  }
}

/** Removes the note about the last renewal, as if it had expired. */
function forgetNotes(): void {
  rmSync(join(machine.folder, 'cache', 'notes'), { recursive: true, force: true });
}

function isRunning(processId: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${processId}/status`, 'utf8'));
  } catch {
    return false;
  }
}

async function waitUntil(isReached: () => boolean): Promise<void> {
  for (let tries = 0; !isReached(); tries += 1) {
    if (tries > 6_000) throw new Error('The expected state was not reached');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const exchanges = () => cloud.emulator.requests.filter(({ path }) => path === '/oauth2/exchange');

/** Delays the exchange of the next renewal until the test kills it. */
function holdExchange(): void {
  undo.push(cloud.emulator.inject({ host: LOGIN_SERVER, delayMs: 20_000, times: 1 }));
}

async function findHeldRenewal(): Promise<number> {
  await waitUntil(() => exchanges().length > 0);
  const running = listRenewals().filter(isRunning);
  expect(running).toHaveLength(1);
  return running[0] ?? 0;
}

async function kill(processId: number): Promise<void> {
  process.kill(processId, 'SIGKILL');
  await waitUntil(() => !isRunning(processId));
}

describe('a token in the last third of its lifetime', () => {
  it('is returned by get, which starts a process that replaces it', async () => {
    const old = await cacheAgedToken();
    const { answer, processId } = await get();
    expect(answer).toBe(old);
    await waitUntil(() => cachedTokens()[0] !== old);
    // The answering process sent no request.
    const own = readSteps().filter((step) => step.processId === processId);
    expect(own.map(({ outcome }) => outcome)).toEqual(['ours', 'hit', 'renewal-started']);
    expect(cloud.signIns()).toEqual(['exchange 200']);
    cloud.forget();
    expect((await get()).answer).toBe(cachedTokens()[0]);
    expect(cloud.emulator.connects).toEqual([]);
  });

  it('is renewed by the same identity with the secret in the environment', async () => {
    const old = await cacheAgedToken();
    for (const file of listTokenFiles('@entra')) rmSync(file);
    await get();
    await waitUntil(() => cachedTokens()[0] !== old);
    expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);
    expect(listTokenFiles(LOGIN_SERVER)).toHaveLength(1);
    const subjectOf = (token = '') => decodeToken(token)?.claims['sub'];
    expect(subjectOf(cachedTokens()[0])).toBe(subjectOf(old));
  });

  it('is renewed with an account of the Azure CLI too', async () => {
    const environment = installAz();
    const old = await cacheAgedToken(environment);
    for (const file of listTokenFiles('@entra')) rmSync(file);
    expect((await get(environment)).answer).toBe(old);
    await waitUntil(() => cachedTokens()[0] !== old);
    expect(readFileSync(join(machine.folder, 'az-calls'), 'utf8')).toBe('x\nx\n');
  });

  it('is renewed once when 64 processes ask at the same time', async () => {
    const old = await cacheAgedToken();
    const answers = await Promise.all(Array.from({ length: 64 }, () => get()));
    await waitUntil(() => cachedTokens()[0] !== old && listRenewals().every((processId) => !isRunning(processId)));
    expect(countSteps('renewal-started')).toBe(1);
    expect(listRenewals()).toHaveLength(1);
    expect(exchanges()).toHaveLength(1);
    expect(new Set(answers.map(({ answer }) => answer)).size).toBeLessThanOrEqual(2);
  });

  it('is not renewed again within a minute after a failure', async () => {
    await cacheAgedToken();
    undo.push(cloud.emulator.inject({ host: LOGIN_SERVER, status: 403, body: '' }));
    await get();
    await waitUntil(() => countSteps('old-token') === 1);
    await get();
    expect(countSteps('renewal-started')).toBe(1);
  });
});

describe('the renewal process', () => {
  it('keeps no client waiting, since it holds none of its pipes', async () => {
    const old = await cacheAgedToken();
    holdExchange();
    expect((await get()).answer).toBe(old);
    const processId = await findHeldRenewal();
    expect(cachedTokens()).toEqual([old]);
    for (const descriptor of [0, 1, 2]) {
      expect(readlinkSync(`/proc/${processId}/fd/${descriptor}`)).toBe('/dev/null');
    }
    expect(readlinkSync(`/proc/${processId}/cwd`)).toBe('/');
    // It leads its own session, so that no Ctrl-C of a terminal reaches it.
    const [, session] = /\) \S (?:\S+ ){2}(\S+)/.exec(readFileSync(`/proc/${processId}/stat`, 'utf8')) ?? [];
    expect(Number(session)).toBe(processId);
    expect(readFileSync(`/proc/${processId}/cmdline`, 'utf8').split('\0').slice(1, 2)).toEqual(['renew']);
    await kill(processId);
  });

  it('leaves a usable cache when it is killed, and the next one renews the token', async () => {
    const old = await cacheAgedToken();
    holdExchange();
    await get();
    await kill(await findHeldRenewal());
    expect((await get()).answer).toBe(old);
    expect(countSteps('renewal-started')).toBe(1);
    forgetNotes();
    cloud.forget();
    expect((await get()).answer).toBe(old);
    await waitUntil(() => cachedTokens()[0] !== old);
    await waitUntil(() => listRenewals().every((processId) => !isRunning(processId)));
    expect(cloud.signIns()).toEqual(['exchange 200']);
    expect(readdirSync(join(machine.folder, 'cache', 'locks'))).toEqual([]);
  });

  it('leaves a usable cache whenever it is killed', async () => {
    await cacheAgedToken();
    for (let moment = 0; moment < 12; moment += 1) {
      ageTokens();
      const child = spawn(join(machine.folder, 'bin', 'docker-credential-acr'), ['renew'], {
        env: { ...machine.environment, DOCKER_CREDENTIAL_RENEW: LOGIN_SERVER },
        stdio: 'ignore',
      });
      setTimeout(() => child.kill('SIGKILL'), 20 + moment * 10);
      await once(child, 'exit');
      await get();
      await waitUntil(() => listRenewals().every((processId) => processId === child.pid || !isRunning(processId)));
    }
  });

  it('does not start when Node.js runs the program from its sources', async () => {
    const old = await cacheAgedToken();
    const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
    const result = await machine.run(process.execPath, [main, 'get'], { input: LOGIN_SERVER, printsSecret: true });
    expect(expectAnswer(result).secret).toBe(old);
    expect(countSteps('renewal-not-started')).toBe(1);
    expect(cloud.emulator.connects).toEqual([]);
  });

  it('does not start when its note cannot be written, and get still answers', async () => {
    const old = await cacheAgedToken();
    forgetNotes();
    writeFileSync(join(machine.folder, 'cache', 'notes'), '');
    expect((await get()).answer).toBe(old);
    expect(countSteps('renewal-started')).toBe(0);
    expect(cloud.emulator.connects).toEqual([]);
  });
});

describe('the internal verb renew', () => {
  it.each([
    ['a missing registry', {}],
    ['a registry without a cached token', { DOCKER_CREDENTIAL_RENEW: 'elsewhere.azurecr.io' }],
    ['a host that is not a login server', { DOCKER_CREDENTIAL_RENEW: 'docker.io' }],
    ['a token that is not due', { DOCKER_CREDENTIAL_RENEW: LOGIN_SERVER }],
  ])('does nothing and prints nothing for %s', async (_name, environment) => {
    await get();
    cloud.forget();
    const result = await machine.helper('renew', '', { environment });
    expect(result).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    expect(cloud.emulator.connects).toEqual([]);
  });
});

describe('20 registries of one identity at the same time, without a cache', () => {
  it.each([
    ['a client secret', () => ({})],
    ['the Azure CLI', () => installAz()],
  ])('need one sign-in with %s and an exchange each', async (_name, prepare) => {
    const environment = prepare();
    const hosts = Array.from({ length: 20 }, (_, index) => `burst${index}.azurecr.io`);
    const results = await Promise.all(hosts.map((host) => machine.helper('get', host, { environment })));
    for (const result of results) expectAnswer(result);
    const hostsSeen = exchanges().map(({ host }) => host);
    expect(hostsSeen.toSorted()).toEqual(hosts.toSorted());
    const isOfAz = 'AZURE_CLIENT_SECRET' in environment;
    const signIns = cloud.emulator.requests.filter(({ host }) => host === ENTRA_HOST);
    expect(signIns).toHaveLength(isOfAz ? 0 : 1);
    if (isOfAz) expect(readFileSync(join(machine.folder, 'az-calls'), 'utf8')).toBe('x\n');
  });
});

/** Installs a fake `az` with an account, which counts its calls and prints tokens of the emulated Entra. */
function installAz(): Readonly<Record<string, string>> {
  const folder = join(machine.folder, 'az-bin');
  const home = join(machine.folder, 'home', '.azure');
  for (const made of [folder, home]) mkdirSync(made);
  const answer = join(machine.folder, 'run', 'az-answer');
  writeFileSync(answer, JSON.stringify({ accessToken: cloud.emulator.entraToken({}) }), { mode: 0o600 });
  const calls = join(machine.folder, 'az-calls');
  writeFileSync(join(folder, 'az'), `#!/bin/sh\necho x >>'${calls}'\ncat '${answer}'\n`, { mode: 0o755 });
  const subscription = {
    id: SUBSCRIPTION_ID,
    name: 'one',
    isDefault: true,
    tenantId: TENANT_ID,
    environmentName: 'AzureCloud',
    user: { name: 'someone@contoso.com', type: 'user' },
  };
  writeFileSync(join(home, 'azureProfile.json'), JSON.stringify({ subscriptions: [subscription] }));
  return { PATH: `${folder}:${machine.environment['PATH'] ?? ''}`, AZURE_CLIENT_SECRET: '' };
}
