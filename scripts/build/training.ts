/** Finds out what the program calls on its way to an answer, by running it as its users do, without network. */

import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findCache, writeCache } from '../../src/cache/cache.ts';
import { isSkipped, searchIdentities } from '../../src/identity/chain.ts';
import { asJsonObject, type JsonObject, parseJsonObject } from '../../src/json.ts';
import { parseRegistry } from '../../src/registry.ts';
import type { Runtime } from '../../src/system/runtime.ts';
import type { FunctionRange } from './eager.ts';

const PROGRAM = 'start.cjs';
const REGISTRY = 'myregistry.azurecr.io';
const NOT_OURS = 'ghcr.io';
const TENANT = '72f988bf-86f1-41af-91ab-2d7cd011db47';
const SERVICE_PRINCIPAL = {
  AZURE_TENANT_ID: TENANT,
  AZURE_CLIENT_ID: '11111111-2222-4333-8444-555555555555',
  AZURE_CLIENT_SECRET: 'never sent',
};
/** As `az login` leaves it. */
const CLI_PROFILE = {
  subscriptions: [
    { id: TENANT, name: 'One', tenantId: TENANT, isDefault: true, user: { name: 'someone@example.com', type: 'user' } },
  ],
};

const CONFIG = { registries: { '*.azurecr.io': { secret: 'refresh-token' }, [REGISTRY]: { onError: 'fail' } } };

/**
 * Runs the part of the program that every start has: for a server that is not ours, and with a cached token of a service
 * principal, of one with a configuration, of an account of the Azure CLI and of the machine itself.
 *
 * @param node the Node to run it with.
 * @returns where in the code the functions are that were called.
 */
export async function findCalledFunctions(node: string, code: string): Promise<readonly FunctionRange[]> {
  const scratch = await mkdtemp(join(tmpdir(), 'acr-training-'));
  try {
    const program = join(scratch, PROGRAM);
    await writeFile(program, code);
    const config = join(scratch, 'config.json');
    await writeFile(config, JSON.stringify(CONFIG));
    const configured = { ...SERVICE_PRINCIPAL, DOCKER_CREDENTIAL_ACR_CONFIG: config };
    const foreign = await runGet(node, program, NOT_OURS, await createRuntime(join(scratch, 'foreign'), {}));
    const cached = [
      await runGet(node, program, REGISTRY, await createRuntime(join(scratch, 'secret'), SERVICE_PRINCIPAL)),
      await runGet(node, program, REGISTRY, await createRuntime(join(scratch, 'configured'), configured)),
      await runGet(node, program, REGISTRY, await createRuntime(join(scratch, 'cli'), {}, CLI_PROFILE)),
      await runGet(node, program, REGISTRY, await createRuntime(join(scratch, 'machine'), {})),
    ];
    if (!cached.every(({ stdout }) => stdout.includes('"Secret"'))) throw new Error('A cached token was not found');
    return [foreign, ...cached].flatMap(({ called }) => called);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** A machine with one identity, whose token is cached. */
async function createRuntime(home: string, identity: Record<string, string>, profile?: object): Promise<Runtime> {
  const env = { ...identity, HOME: home, USERPROFILE: home, DOCKER_CREDENTIAL_ACR_CACHE_DIR: join(home, 'cache') };
  const { platform } = process;
  const runtime = { env, platform, programName: 'docker-credential-acr', now: Date.now, secrets: new Set<string>() };
  await mkdir(join(home, '.azure'), { recursive: true });
  if (profile !== undefined) await writeFile(join(home, '.azure', 'azureProfile.json'), JSON.stringify(profile));
  const registry = parseRegistry(REGISTRY);
  const cache = await findCache(runtime);
  if (registry === undefined || cache === undefined) throw new Error('There is nothing to keep a token in');
  const found = [...searchIdentities({ runtime, registry, tenantId: undefined, chosen: undefined })];
  const [first] = found.flatMap((one) => (isSkipped(one) ? [] : [one]));
  if (first === undefined) throw new Error('There is no identity');
  const savedAtSeconds = Math.floor(Date.now() / 1000);
  writeCache(
    cache,
    { service: registry.service, identity: first.description, kind: 'refresh-token' },
    { token: 'token', savedAtSeconds, expiresAtSeconds: savedAtSeconds + 10_800 },
  );
  return runtime;
}

async function runGet(node: string, program: string, server: string, { env }: Runtime) {
  const reports = `${env['HOME']}-coverage`;
  const { stdout } = spawnSync(node, [program, 'get'], {
    env: { ...env, SystemRoot: process.env['SystemRoot'], NODE_V8_COVERAGE: reports },
    input: `${server}\n`,
    encoding: 'utf8',
  });
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
