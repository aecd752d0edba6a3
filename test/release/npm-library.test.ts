/** The npm package's library, in programs that have nothing but the installed package. */
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { findPackageChecker } from '../../scripts/parts/package-checkers.ts';
import { blocksOf, ROOT } from '../docs/markdown.ts';
import { expectAnswer } from '../e2e/world/answer.ts';
import { LOGIN_SERVER } from '../e2e/world/cloud.ts';
import type { Machine, MachineRunOptions } from '../e2e/world/machine.ts';
import { type RunResult, runProcess } from '../e2e/world/process.ts';
import { openCloud } from '../e2e/world/test-cloud.ts';
import { CLIENT_ID, CLIENT_SECRET, findTenant, NULL_GUID, TENANT_ID } from '../emulator/state.ts';
import { createNpmFolder, NODES, PACKAGE } from './world/npm.ts';

const ENTRA_HOST = 'login.microsoftonline.com';
const TSC = join(ROOT, 'node_modules/typescript/bin/tsc');

const cloud = await openCloud();
const project = createNpmFolder();
const undo: (() => void)[] = [];
let machine: Machine;

beforeAll(async () => {
  writeFileSync(join(project.path, 'package.json'), '{ "private": true }');
  await project.npm('install', PACKAGE);
  for (const name of ['ask.cjs', 'ask.mjs'])
    copyFileSync(join(import.meta.dirname, 'library', name), join(project.path, name));
});
afterAll(() => project.remove());
beforeEach(() => {
  machine = cloud.addMachine();
});
afterEach(() => {
  for (const restore of undo.splice(0)) restore();
});

/** Runs Node in the project. */
function runNode(args: readonly string[], options: MachineRunOptions = {}, folder = join(process.execPath, '..')) {
  return machine.run(join(folder, 'node'), args, { folder: project.path, printsSecret: true, ...options });
}

let programs = 0;

/** Runs a program of the project, whose last expression is what it prints as JSON. */
async function evaluate(lines: string, environment: MachineRunOptions['environment'] = {}): Promise<unknown> {
  programs += 1;
  const file = join(project.path, `program-${programs}.mjs`);
  writeFileSync(
    file,
    `import { CredentialError, createCredentialProvider, getCredential } from 'docker-credential-acr';
    const server = '${LOGIN_SERVER}';
    const fail = (promise) => promise.then(
      () => 'no error',
      (error) => ({ ...error, name: error.name, message: error.message, isOurs: error instanceof CredentialError }),
    );
    const result = await (async () => { ${lines} })();
    console.log(JSON.stringify(result ?? null));`,
  );
  const { exitCode, stdout, stderr } = await runNode([file], { environment });
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return JSON.parse(stdout);
}

const readSecret = ({ stdout }: RunResult): unknown => JSON.parse(stdout).secret;

it('has nothing but itself', () => {
  const names = readdirSync(join(project.path, 'node_modules')).filter((name) => !name.startsWith('.'));
  expect(names).toEqual(['docker-credential-acr']);
});

describe.each(NODES)('on Node %s', (_version, folder) => {
  it('gets a credential for import, require and the program, with one sign-in', async () => {
    const results = await Promise.all(['ask.mjs', 'ask.cjs'].map((name) => runNode([name, LOGIN_SERVER], {}, folder)));
    for (const { exitCode, stdout, stderr } of results) {
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      const secret = expect.stringMatching(/^eyJ/);
      expect(JSON.parse(stdout)).toEqual({ username: NULL_GUID, secret, minutes: 180, isThere: true });
    }
    const secrets = [...results.map(readSecret), expectAnswer(await machine.helper('get', LOGIN_SERVER)).secret];
    expect(new Set(secrets).size).toBe(1);
    expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);
  });
});

describe('many callers', () => {
  it('sign in once, whatever they ask with', async () => {
    const secrets = await evaluate(`
      const providers = [createCredentialProvider(), createCredentialProvider({ env: { ...process.env } })];
      const asked = Array.from({ length: 12 }, (_, index) => {
        return index % 3 === 2 ? getCredential(server) : providers[index % 3].get(server);
      });
      return [...new Set((await Promise.all(asked)).map(({ secret }) => secret))].length;`);
    expect(secrets).toBe(1);
    expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);
  });

  it('of one provider sign in once without a cache', async () => {
    const count = await evaluate(`
      const provider = createCredentialProvider({ config: { cacheTokens: false } });
      const found = await Promise.all(Array.from({ length: 5 }, () => provider.get(server)));
      return new Set(found.map(({ secret }) => secret)).size;`);
    expect(count).toBe(1);
    expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);
    expect(existsSync(join(machine.folder, 'cache', 'tokens'))).toBe(false);
  });

  it('with different identities get different tokens', async () => {
    const found = await evaluate(`
      const env = { ...process.env, AZURE_CLIENT_SECRET: 'wrong-secret-Q~x' };
      const [good, bad] = [createCredentialProvider(), createCredentialProvider({ env, cacheDir: process.env.HOME + '/other' })];
      return [(await good.get(server)).username, (await fail(bad.get(server))).code];`);
    expect(found).toEqual([NULL_GUID, 'ENTRA_REFUSED']);
  });
});

describe('there is no credential', () => {
  it('for a server that is not Azure’s, without a connection', async () => {
    expect(await evaluate("return [await getCredential('ghcr.io')];")).toEqual([null]);
    expect(cloud.emulator.connects).toEqual([]);
  });

  it('and the log ends with the reason', async () => {
    const ends = await evaluate(`
      const ends = [];
      const log = (step) => step.step === 'end' && ends.push(step.reason);
      await getCredential('ghcr.io', { log });
      await getCredential(server, { log, config: { registries: { [server]: { anonymous: true } } } });
      return ends;`);
    expect(ends).toEqual(['the server is not a registry of Azure', 'the configuration asks for no credential']);
  });

  it('where the configuration says so', async () => {
    const config = { registries: { [LOGIN_SERVER]: { anonymous: true } } };
    expect(await evaluate(`return [await getCredential(server, { config: ${JSON.stringify(config)} })];`)).toEqual([
      null,
    ]);
    const { DOCKER_CREDENTIAL_ACR_CONFIG: file } = machine.configure(config);
    expect(await evaluate(`return [await getCredential(server, { config: ${JSON.stringify(file)} })];`)).toEqual([
      null,
    ]);
    expect(cloud.emulator.connects).toEqual([]);
  });

  it('without an identity, and the log says why', async () => {
    const env = {
      HOME: machine.environment['HOME'],
      PATH: '/nonexistent',
      AZURE_POD_IDENTITY_AUTHORITY_HOST: 'http://127.0.0.1:9',
    };
    const [found, steps] = Object.values(
      Object(
        await evaluate(`
          const steps = [];
          const found = await getCredential(server, { env: ${JSON.stringify(env)}, log: (step) => steps.push(step) });
          return [found ?? null, steps];`),
      ),
    );
    expect(found).toBeNull();
    expect(steps).toContainEqual(
      expect.objectContaining({ step: 'identity', outcome: 'not-set-up', source: 'azure-cli' }),
    );
    const reason = expect.stringContaining(`docker-credential-acr login ${LOGIN_SERVER}`);
    expect(steps).toContainEqual({ step: 'end', outcome: 'not-found', reason });
  });
});

describe('an error', () => {
  it('of the identity has its code, causes and hint, and no secret', async () => {
    const error = await evaluate('return fail(getCredential(server));', { AZURE_CLIENT_SECRET: 'wrong-secret-Q~x' });
    expect(error).toMatchObject({
      ...{ name: 'CredentialError', isOurs: true, code: 'ENTRA_REFUSED' },
      message: expect.stringContaining(`Cannot sign in for ${LOGIN_SERVER}: `),
      causes: expect.arrayContaining([expect.stringContaining('AADSTS7000215')]),
      hint: expect.any(String),
    });
    expect(JSON.stringify(error)).not.toContain('wrong-secret');
  });

  it('has a class of that name, and shows no secret when somebody prints it', async () => {
    const shown = await evaluate(
      `
      const error = await getCredential(server).catch((error) => error);
      const { inspect } = await import('node:util');
      return [error.constructor.name, inspect(error, { depth: 9, showHidden: true })];`,
      { AZURE_CLIENT_SECRET: 'wrong-secret-Q~x' },
    );
    expect(shown).toEqual(['CredentialError', expect.stringMatching(/^CredentialError: Cannot sign in/)]);
    expect(JSON.stringify(shown)).not.toContain('wrong-secret');
  });

  it('says that a secret has expired', async () => {
    const secrets = findTenant(cloud.emulator.state, TENANT_ID)?.applications.get(CLIENT_ID)?.secrets;
    secrets?.push({ value: 'expired-secret-Q~x', expiresAtSeconds: 1 });
    undo.push(() => void secrets?.pop());
    const error = await evaluate('return fail(getCredential(server));', { AZURE_CLIENT_SECRET: 'expired-secret-Q~x' });
    expect(error).toMatchObject({
      code: 'ENTRA_REFUSED',
      causes: expect.arrayContaining([expect.stringContaining('AADSTS7000222')]),
    });
  });

  it('tells a mistake of the caller from one of the configuration, without a connection', async () => {
    const config = (identity: string) => `{ config: { registries: { [server]: { identity: '${identity}' } } } }`;
    const rows: readonly (readonly [call: string, expected: object])[] = [
      ["getCredential(server, { config: '/nonexistent/config.json' })", { code: 'CONFIG_INVALID' }],
      ['getCredential(server, { config: { registires: {} } })', { code: 'CONFIG_INVALID' }],
      [`getCredential(server, ${config('azure-clee')})`, { code: 'CONFIG_INVALID' }],
      [`getCredential(server, ${config('azure-cli')})`, { code: 'IDENTITY_NOT_SET_UP' }],
      ["getCredential(server, { config: 'config.json' })", { name: 'TypeError', isOurs: false }],
      ["getCredential(server, { cacheDir: 'cache' })", { name: 'TypeError', isOurs: false }],
      ["getCredential('')", { code: 'REQUEST_INVALID' }],
      ['getCredential(undefined)', { code: 'REQUEST_INVALID' }],
      ["createCredentialProvider().erase(' ')", { message: 'Cannot log out: the server is not named' }],
    ];
    const calls = rows.map(([call]) => `fail((async () => ${call})())`).join(', ');
    expect(await evaluate(`return await Promise.all([${calls}]);`)).toMatchObject(rows.map(([, expected]) => expected));
    expect(cloud.emulator.connects).toEqual([]);
  });
});

describe('a signal', () => {
  it('that has aborted starts nothing', async () => {
    const error = await evaluate('return fail(getCredential(server, { signal: AbortSignal.abort() }));');
    expect(error).toMatchObject({ name: 'AbortError', isOurs: false });
    expect(cloud.emulator.connects).toEqual([]);
  });

  it('calls a sign-in off, which leaves no lock, and does not keep the process', async () => {
    undo.push(cloud.emulator.inject({ host: ENTRA_HOST, delayMs: 5_000 }));
    const startedMs = Date.now();
    const error = await evaluate('return fail(getCredential(server, { signal: AbortSignal.timeout(300) }));');
    expect(error).toMatchObject({ name: 'TimeoutError', isOurs: false });
    expect(Date.now() - startedMs).toBeLessThan(3_000);
    expect(readdirSync(join(machine.folder, 'cache', 'locks'))).toEqual([]);
  });

  it('of one caller leaves the others alone', async () => {
    undo.push(cloud.emulator.inject({ host: ENTRA_HOST, delayMs: 600, times: 1 }));
    const found = await evaluate(`
      const provider = createCredentialProvider();
      const [left, stayed] = [provider.get(server, { signal: AbortSignal.timeout(200) }), provider.get(server)];
      return [(await fail(left)).name, (await stayed).username];`);
    expect(found).toEqual(['TimeoutError', NULL_GUID]);
    expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);
  });

  it('leaves a provider that works', async () => {
    undo.push(cloud.emulator.inject({ host: ENTRA_HOST, delayMs: 2_000, times: 1 }));
    const found = await evaluate(`
      const provider = createCredentialProvider();
      const left = await fail(provider.get(server, { signal: AbortSignal.timeout(200) }));
      return [left.name, (await provider.get(server)).username];`);
    expect(found).toEqual(['TimeoutError', NULL_GUID]);
  });
});

it('takes everything from its options: the identity, the cache', async () => {
  const env = {
    ...cloud.emulator.environment(),
    ...{ AZURE_TENANT_ID: TENANT_ID, AZURE_CLIENT_ID: CLIENT_ID, AZURE_CLIENT_SECRET: CLIENT_SECRET },
  };
  const cacheDir = join(machine.folder, 'elsewhere');
  const options = JSON.stringify({ env, cacheDir });
  const environment = { AZURE_TENANT_ID: undefined, AZURE_CLIENT_ID: undefined, AZURE_CLIENT_SECRET: undefined };
  expect(await evaluate(`return (await getCredential(server, ${options})).username;`, environment)).toBe(NULL_GUID);
  expect(readdirSync(cacheDir).sort()).toEqual(['locks', 'tokens']);
  expect(existsSync(join(machine.folder, 'cache'))).toBe(false);
});

it('signs in again after erase', async () => {
  const secrets = await evaluate(`
    const provider = createCredentialProvider();
    const first = (await provider.get(server)).secret;
    await provider.erase(server);
    return [first === (await provider.get(server)).secret, first === (await provider.get(server)).secret];`);
  expect(secrets).toEqual([false, false]);
  expect(cloud.signIns().filter((one) => one.startsWith('exchange'))).toHaveLength(2);
});

it('starts a new search after erase, whatever is under way', async () => {
  undo.push(cloud.emulator.inject({ host: ENTRA_HOST, delayMs: 500, times: 1 }));
  const found = await evaluate(`
    const provider = createCredentialProvider();
    const first = provider.get(server);
    await new Promise((resolve) => setTimeout(resolve, 200));
    await provider.erase(server);
    const [{ secret: old }, { secret }] = await Promise.all([first, provider.get(server)]);
    return [secret === old, secret === (await provider.get(server)).secret];`);
  expect(found).toEqual([false, true]);
});

it('gives the password of a stored login, which does not expire', async () => {
  const payload = JSON.stringify({ ServerURL: LOGIN_SERVER, Username: 'ci', Secret: 'not-a-real-password' });
  await machine.helper('store', payload);
  expect(await evaluate('return [await getCredential(server)];')).toEqual([
    { username: 'ci', secret: 'not-a-real-password' },
  ]);
});

it('never gives the user name that only Docker knows for a registry of Azure', async () => {
  const config = JSON.stringify({ registries: { [LOGIN_SERVER]: { secret: 'identity-token' } } });
  expect(await evaluate(`return (await getCredential(server, { config: ${config} })).username;`)).toBe(NULL_GUID);
});

it('tells its log everything but secrets, and is not stopped by it', async () => {
  const body = `(step) => { steps.push(step); throw new Error('mistake'); }`;
  const steps = await evaluate(`
    const steps = [];
    await getCredential(server, { log: ${body} });
    await getCredential(server, { log: async ${body} });
    return steps;`);
  expect(steps).toContainEqual(expect.objectContaining({ step: 'request', host: ENTRA_HOST, status: 200 }));
  expect(JSON.stringify(steps)).not.toMatch(/eyJ/);
  expect(JSON.stringify(steps)).not.toContain(CLIENT_SECRET);
});

it('changes nothing of the process', async () => {
  const [before, after] = Object.values(
    Object(
      await evaluate(`
        const look = () => ({
          umask: process.umask(), cwd: process.cwd(), env: { ...process.env },
          listeners: process.eventNames().map((name) => [String(name), process.listenerCount(name)]),
        });
        const before = look();
        await getCredential(server);
        return [before, look()];`),
    ),
  );
  expect(after).toEqual(before);
});

it('caches in a thread too, which cannot change the umask', async () => {
  const found = await evaluate(`
    const { Worker } = await import('node:worker_threads');
    const code = "require('docker-credential-acr').getCredential('" + server + "').then(({ username }) => " +
      "require('node:worker_threads').parentPort.postMessage(username));";
    return await new Promise((resolve) => new Worker(code, { eval: true }).once('message', resolve));`);
  expect(found).toBe(NULL_GUID);
  expect(readdirSync(join(machine.folder, 'cache', 'tokens'))).not.toEqual([]);
});

describe('a bundle with the library', () => {
  it.each(['esm', 'cjs'] as const)('of format %s works without the package', async (format) => {
    const file = join(machine.folder, `program.${format === 'esm' ? 'mjs' : 'cjs'}`);
    const contents = `import { getCredential } from 'docker-credential-acr';
      getCredential('${LOGIN_SERVER}').then(({ username }) => console.log(username));`;
    const stdin = { contents, resolveDir: project.path };
    await build({ stdin, format, bundle: true, platform: 'node', outfile: file, logLevel: 'error' });
    const result = await machine.run(process.execPath, [file]);
    expect(result).toEqual({ exitCode: 0, stdout: `${NULL_GUID}\n`, stderr: '' });
  });
});

describe('a token in the last third of its life', () => {
  const tokens = () => join(machine.folder, 'cache', 'tokens');
  const findEntry = () => join(tokens(), readdirSync(tokens()).find((name) => name.startsWith(LOGIN_SERVER)) ?? '');
  const readToken = (): unknown => JSON.parse(readFileSync(findEntry(), 'utf8')).token;

  async function keepAgedToken(): Promise<string> {
    const { secret } = expectAnswer(await machine.helper('get', LOGIN_SERVER));
    const nowSeconds = Math.floor(Date.now() / 1000);
    const entry = { ...JSON.parse(readFileSync(findEntry(), 'utf8')), savedAtSeconds: nowSeconds - 9_000 };
    writeFileSync(findEntry(), JSON.stringify({ ...entry, expiresAtSeconds: nowSeconds + 1_800 }));
    cloud.forget();
    return secret;
  }

  it('is used at once, and renewed meanwhile', async () => {
    const old = await keepAgedToken();
    const secret = await evaluate(`
      const { secret } = await getCredential(server);
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      return secret;`);
    expect(secret).toBe(old);
    expect(readToken()).not.toBe(old);
    expect(cloud.signIns()).toEqual(['exchange 200']);
  });

  it('does not keep the process, and stays usable', async () => {
    const old = await keepAgedToken();
    undo.push(cloud.emulator.inject({ path: '/oauth2/exchange', delayMs: 5_000 }));
    const startedMs = Date.now();
    expect(await evaluate('return (await getCredential(server)).secret;')).toBe(old);
    expect(Date.now() - startedMs).toBeLessThan(3_000);
    expect(readToken()).toBe(old);
  });
});

describe('TypeScript', () => {
  /** The programs of the documents, and mistakes that the compiler must find. */
  const programs = [
    ...blocksOf('ts').map(({ text }) => {
      const [imports, ...rest] = text.split('\n\n');
      return `${imports}\nexport async function run() {\n${rest.join('\n\n')}\n}\n`;
    }),
    `import { getCredential, type RegistryCredential } from 'docker-credential-acr';
    // @ts-expect-error it may be undefined
    export const found: Promise<RegistryCredential> = getCredential('x');
    // @ts-expect-error there is no such option
    export const unknown = getCredential('x', { folder: '' });\n`,
  ];

  it.each([
    ['nodenext', 'nodenext', ['mts', 'cts']],
    ['esnext', 'bundler', ['ts']],
    ['commonjs', 'bundler', ['cts']],
  ] as const)('knows the types with module %s and resolution %s in files %s', async (module, resolution, endings) => {
    const folder = join(project.path, `${module}-${resolution}`);
    mkdirSync(folder);
    for (const ending of endings) {
      for (const [index, text] of programs.entries()) writeFileSync(join(folder, `program-${index}.${ending}`), text);
    }
    const compilerOptions = {
      ...{ module, moduleResolution: resolution, target: 'es2022', lib: ['es2022'], strict: true, noEmit: true },
      ...{ skipLibCheck: false, exactOptionalPropertyTypes: true },
      ...{ types: ['node'], typeRoots: [join(ROOT, 'node_modules/@types')] },
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions }));
    expect(await runNode([TSC, '--project', folder])).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  });
});

describe('the package', () => {
  it.for(['publint', 'attw'] as const)('is free of mistakes that %s finds', async (name, context) => {
    const script = findPackageChecker(name);
    if (script === undefined) context.skip(`not installed: ${name}`);
    const environment = { PATH: '/usr/bin:/bin', HOME: project.path };
    const result = await runProcess(process.execPath, [script ?? '', PACKAGE], { environment, folder: project.path });
    expect(result.exitCode, `${result.stdout}${result.stderr}`).toBe(0);
    expect(result.stdout).toMatch(name === 'publint' ? /All good!/ : /No problems found/);
  });

  it('names no folder of the machine that made it', async () => {
    const installed = join(project.path, 'node_modules/docker-credential-acr');
    const texts = readdirSync(installed, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'));
    for (const text of texts) {
      expect(text).not.toContain(ROOT);
      expect(text).not.toMatch(/\/(?:home|tmp|root|work)\/[\w-]+\/[\w.-]+\.(?:[cm]?[jt]s|json)\b/);
      expect(text).not.toContain('sourceMappingURL');
    }
  });
});
