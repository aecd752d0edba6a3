/**
 * Finds the functions that the program calls for a cached token, by running it like its users do, without a network.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { findCache, keyFileName, writeCache } from '../../src/cache/cache.ts';
import { type Lock, LockAttempt } from '../../src/cache/lock.ts';
import { isSkipped, searchIdentities } from '../../src/identity/chain.ts';
import { asJsonObject, type JsonObject, parseJsonObject } from '../../src/json.ts';
import { parseRegistry } from '../../src/registry.ts';
import { makeOwnFolder } from '../../src/system/folders.ts';
import type { FunctionRange } from './eager.ts';
import { useScratchFolder } from './scratch.ts';
import { WAITING_DESCRIPTOR } from './training-signal.ts';

const PROGRAM = 'start.cjs';
const REGISTRY = 'myregistry.azurecr.io';
const NOT_OURS = 'ghcr.io';
const STAGE = pathToFileURL(join(import.meta.dirname, 'training-stage.ts')).href;
/** The program refuses a configuration that others could have written, which a person's umask may allow. */
const OWNER_ONLY = { mode: 0o600 };
const TENANT = '72f988bf-86f1-41af-91ab-2d7cd011db47';
const SERVICE_PRINCIPAL = {
  AZURE_TENANT_ID: TENANT,
  AZURE_CLIENT_ID: '11111111-2222-4333-8444-555555555555',
  AZURE_CLIENT_SECRET: 'never sent',
};
/** The profile that `az login` writes. */
const CLI_PROFILE = {
  subscriptions: [
    { id: TENANT, name: 'One', tenantId: TENANT, isDefault: true, user: { name: 'someone@example.com', type: 'user' } },
  ],
};

const CONFIG = { registries: { '*.azurecr.io': { secret: 'refresh-token' }, [REGISTRY]: { onError: 'fail' } } };

/**
 * Runs the start of the program: for a server that is not Azure's; with a cached token of a service principal, of one
 * with a configuration, of an account of the Azure CLI and of a managed identity; and while another process signs in.
 *
 * @param node the Node executable that runs the code.
 * @returns the positions of the called functions in the code.
 */
export async function findCalledFunctions(node: string, code: string): Promise<readonly FunctionRange[]> {
  return await useScratchFolder(join(tmpdir(), 'acr-training-'), async (scratch) => {
    const program = join(scratch, PROGRAM);
    await writeFile(program, code);
    const config = join(scratch, 'config.json');
    await writeFile(config, JSON.stringify(CONFIG), OWNER_ONLY);
    const configured = { ...SERVICE_PRINCIPAL, DOCKER_CREDENTIAL_ACR_CONFIG: config };
    const machineWith = async (identity: Record<string, string>, profile?: object) =>
      await createMachine(await mkdtemp(join(scratch, 'home-')), identity, profile);

    const foreign = await runGet(node, program, NOT_OURS, await machineWith({}));
    const answered: Run[] = [];
    for (const machine of [
      await machineWith(SERVICE_PRINCIPAL),
      await machineWith(configured),
      await machineWith({}, CLI_PROFILE),
      await machineWith({}),
    ]) {
      machine.keepToken();
      answered.push(await runGet(node, program, REGISTRY, machine));
    }
    answered.push(await runWaiting(node, program, await machineWith(SERVICE_PRINCIPAL)));
    if (!answered.every(({ stdout }) => stdout.includes('"Secret"'))) throw new Error('A cached token was not found');
    return [foreign, ...answered].flatMap(({ called }) => called);
  });
}

/** A simulated machine with one identity. */
interface Machine {
  readonly env: Readonly<Record<string, string>>;
  readonly keepToken: () => void;
  /** Takes the lock of a sign-in with its identity. */
  readonly lock: () => Lock;
}

interface Run {
  readonly stdout: string;
  readonly called: readonly FunctionRange[];
}

async function createMachine(home: string, identity: Record<string, string>, profile?: object): Promise<Machine> {
  const env = { ...identity, HOME: home, USERPROFILE: home, DOCKER_CREDENTIAL_ACR_CACHE_DIR: join(home, 'cache') };
  const { platform } = process;
  const runtime = {
    env,
    platform,
    programName: 'docker-credential-acr',
    now: Date.now,
    secrets: new Set<string>(),
    secretVariables: new Set<string>(),
  };
  await mkdir(join(home, '.azure'), { recursive: true });
  if (profile !== undefined)
    await writeFile(join(home, '.azure', 'azureProfile.json'), JSON.stringify(profile), OWNER_ONLY);
  const registry = parseRegistry(REGISTRY);
  const cache = await findCache(runtime);
  if (registry === undefined || cache === undefined) throw new Error('There is nothing to keep a token in');
  const found = [...searchIdentities({ runtime, registry, tenantId: undefined, chosen: undefined })];
  const [first] = found.flatMap((one) => (isSkipped(one) ? [] : [one]));
  if (first === undefined) throw new Error('There is no identity');
  const key = { service: registry.service, identity: first.description, kind: 'refresh-token' };
  const savedAtSeconds = Math.floor(Date.now() / 1000);
  return {
    env,
    keepToken: () =>
      writeCache(cache, key, { token: 'token', savedAtSeconds, expiresAtSeconds: savedAtSeconds + 10_800 }),
    lock: () => {
      makeOwnFolder(cache.lockFolder);
      const lock = new LockAttempt(cache.lockFolder, keyFileName(key)).try();
      if (lock === undefined) throw new Error('The lock is not free');
      return lock;
    },
  };
}

/** Runs the program while another process holds the lock and gets the token. */
async function runWaiting(node: string, program: string, machine: Machine): Promise<Run> {
  const lock = machine.lock();
  return await runGet(node, program, REGISTRY, machine, () => {
    machine.keepToken();
    lock.release();
  });
}

/** @param whenWaiting called when the program waits for another process. */
async function runGet(
  node: string,
  program: string,
  server: string,
  { env }: Machine,
  whenWaiting?: () => void,
): Promise<Run> {
  const reports = `${env['HOME']}-coverage`;
  const child = spawn(node, ['--import', STAGE, program, 'get'], {
    env: { ...env, SystemRoot: process.env['SystemRoot'], NODE_V8_COVERAGE: reports },
    stdio: ['pipe', 'pipe', 'inherit', 'pipe'],
  });
  const { stdin, stdout: output, stdio } = child;
  if (stdin === null || output === null) throw new Error('The program has no streams');
  stdin.end(`${server}\n`);
  const closed = once(child, 'close');
  if (whenWaiting !== undefined) {
    const waiting = stdio[WAITING_DESCRIPTOR];
    if (waiting) await Promise.race([once(waiting, 'readable'), closed]);
    whenWaiting();
  }
  const [stdout] = await Promise.all([text(output), closed]);
  const [report = ''] = await readdir(reports);
  return { stdout, called: readCalled(await readFile(join(reports, report), 'utf8')) };
}

/** @see https://chromedevtools.github.io/devtools-protocol/tot/Profiler/#type-ScriptCoverage */
function readCalled(report: string): readonly FunctionRange[] {
  const script = asList(parseJsonObject(report)?.['result']).find(({ url }) => String(url).endsWith(`/${PROGRAM}`));
  return asList(script?.['functions']).flatMap(({ ranges }) => {
    const { startOffset, endOffset, count } = asList(ranges)[0] ?? {};
    if (typeof startOffset !== 'number' || typeof endOffset !== 'number' || count === 0) return [];
    return [{ start: startOffset, end: endOffset }];
  });
}

function asList(value: unknown): readonly JsonObject[] {
  const values: unknown[] = Array.isArray(value) ? value : [];
  return values.map((one) => asJsonObject(one)).filter((one) => one !== undefined);
}
