/** ACR tokens that the real Azure CLI supplies: used until they expire, and then our own sign-in takes over. */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, type TestContext } from 'vitest';
import { CLIENT_ID, CLIENT_SECRET, NULL_GUID, registryOf, TENANT_ID } from '../emulator/state.ts';
import { decodeToken } from '../emulator/tokens.ts';
import { expectAnswer } from './world/answer.ts';
import { installAzureCli } from './world/azure-cli.ts';
import { LOGIN_BACKENDS, type LoginBackend, prepareLoginBackend } from './world/login-backend.ts';
import { type Machine, writeDockerConfig } from './world/machine.ts';
import { needParts, needRoot, partOf } from './world/parts.ts';
import { openCloud, openDockerEngine } from './world/test-cloud.ts';

/** The ways to supply a token, with a registry for each, so that one wait is enough for all. */
const WAYS = { cli: 'contoso.azurecr.io', docker: 'fabrikam.azurecr.io', helm: 'adventure.azurecr.io' } as const;
const SERVERS = Object.values(WAYS);
const ADMIN_PASSWORD = 'Admin+pass/word=1%';

const cloud = await openCloud();
const registries = SERVERS.map((server) => registryOf(cloud.emulator.state, server));
for (const registry of registries) registry.adminUser = { username: 'admin', passwords: [ADMIN_PASSWORD] };
const dockerHost = openDockerEngine(cloud);
let machine: Machine;

beforeEach(() => {
  machine = cloud.addMachine({ identity: 'nobody', credHelpers: SERVERS });
});
afterEach(() => {
  for (const registry of registries) registry.refreshTokenSeconds = 10_800;
});

describe.each(LOGIN_BACKENDS)('with passwords kept in %s', (name) => {
  async function setUp(context: TestContext) {
    needParts(context, 'az', 'docker', 'dockerd', 'docker-registry', 'helm');
    needRoot(context);
    const kept = await prepareLoginBackend(name, machine, context);
    const cli = installAzureCli(machine);
    symlinkSync(partOf('docker'), join(machine.folder, 'az-bin', 'docker'));
    await cli.signIn({ clientId: CLIENT_ID, tenantId: TENANT_ID, secret: CLIENT_SECRET });
    const helmConfig = join(machine.folder, 'helm.json');
    writeFileSync(helmConfig, writeDockerConfig(SERVERS));
    const path = `${join(machine.folder, 'az-bin')}:${kept.environment['PATH'] ?? machine.environment['PATH'] ?? ''}`;
    const environment = {
      ...cli.environment,
      ...kept.environment,
      PATH: path,
      DOCKER_HOST: dockerHost(),
      HELM_REGISTRY_CONFIG: helmConfig,
    };
    cloud.forget();
    return new Person(kept, environment, helmConfig);
  }

  it('get returns every supplied token until it expires, and then signs in without a message', async (context) => {
    const person = await setUp(context);
    // Long enough for the logins on a busy machine, short enough to wait for.
    for (const registry of registries) registry.refreshTokenSeconds = 25;
    await person.logInByCli(WAYS.cli);
    await person.logInByDocker(WAYS.docker);
    await person.logInByHelm(WAYS.helm);
    for (const registry of registries) registry.refreshTokenSeconds = 10_800;
    const brought = await Promise.all(SERVERS.map((server) => person.get(server)));
    cloud.forget();
    expect(await Promise.all(SERVERS.map((server) => person.get(server)))).toEqual(brought);
    expect(cloud.emulator.connects).toEqual([]);

    const end = Math.max(...brought.map(readExpiry));
    await expect.poll(() => Date.now() / 1000 > end, { timeout: 60_000, interval: 200 }).toBe(true);
    for (const [index, server] of SERVERS.entries()) {
      cloud.forget();
      expect(await person.get(server)).not.toBe(brought[index]);
      // The CLI has an Entra token from its own login.
      expect(cloud.signIns()).toContain('exchange 200');
    }
    cloud.forget();
    const pull = await person.docker('pull', `${WAYS.cli}/team/app:1`);
    expect(pull).toEqual({ exitCode: 0, stdout: expect.stringContaining('Downloaded newer image'), stderr: '' });
    await person.docker('rmi', `${WAYS.cli}/team/app:1`);
    expect(cloud.signIns()).toEqual([]);
  });

  it('clients pull and push with each supplied token without a sign-in, and a logout removes it', async (context) => {
    const person = await setUp(context);
    await person.logInByCli(WAYS.cli);
    await person.logInByDocker(WAYS.docker);
    await person.logInByHelm(WAYS.helm);
    const brought = await Promise.all(SERVERS.map((server) => person.get(server)));
    cloud.forget();
    for (const server of [WAYS.cli, WAYS.docker]) {
      const image = `${server}/team/app:1`;
      const pull = await person.docker('pull', image);
      expect(pull).toEqual({ exitCode: 0, stdout: expect.stringContaining('Downloaded newer image'), stderr: '' });
      await person.docker('rmi', image);
    }
    const chart = join(machine.folder, 'hello');
    mkdirSync(join(chart, 'templates'), { recursive: true });
    writeFileSync(join(chart, 'Chart.yaml'), 'apiVersion: v2\nname: hello\nversion: 0.1.0\ndescription: A chart\n');
    expect(await person.helm(['package', chart])).toMatchObject({ exitCode: 0 });
    expect(await person.helm(['push', 'hello-0.1.0.tgz', `oci://${WAYS.helm}/charts`])).toMatchObject({ exitCode: 0 });
    expect(cloud.signIns()).toEqual([]);

    expect(await person.docker('logout', WAYS.cli)).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await person.docker('logout', WAYS.docker)).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await person.helm(['registry', 'logout', WAYS.helm])).toMatchObject({ exitCode: 0 });
    for (const [index, server] of SERVERS.entries()) {
      cloud.forget();
      expect(await person.get(server)).not.toBe(brought[index]);
      expect(cloud.signIns()).toContain('exchange 200');
    }
  });

  it('a supplied token replaces a password, and a password replaces a token', async (context) => {
    const person = await setUp(context);
    await person.logInAsAdmin();
    expect(await person.kept.users()).toEqual({ [WAYS.cli]: 'admin' });
    await person.logInByCli(WAYS.cli);
    expect(await person.kept.users()).toEqual({});
    const brought = await person.get(WAYS.cli);
    expect(brought).not.toBe(ADMIN_PASSWORD);
    await person.logInAsAdmin();
    expect(await person.kept.users()).toEqual({ [WAYS.cli]: 'admin' });
    expect(await person.get(WAYS.cli, 'admin')).toBe(ADMIN_PASSWORD);
    expect(await person.docker('logout', WAYS.cli)).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await person.get(WAYS.cli)).not.toBe(brought);
  });
});

/** A user who is signed in to the Azure CLI and logs in to registries with it. */
class Person {
  readonly kept: LoginBackend;
  readonly #environment: Readonly<Record<string, string>>;
  readonly #helmConfig: string;

  constructor(kept: LoginBackend, environment: Readonly<Record<string, string>>, helmConfig: string) {
    this.kept = kept;
    this.#environment = environment;
    this.#helmConfig = helmConfig;
  }

  /** `az acr login`, which runs `docker login`. */
  async logInByCli(server: string): Promise<void> {
    const login = await this.#run('az', ['acr', 'login', '-n', nameOf(server)]);
    expect(login).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('Login Succeeded') });
    this.#expectNothingClear(machine.dockerConfigFile);
  }

  async logInByDocker(server: string): Promise<void> {
    const token = await this.#exposeToken(server);
    const login = await this.docker('login', server, '-u', NULL_GUID, '--password-stdin', token);
    expect(login).toEqual({ exitCode: 0, stdout: expect.stringContaining('Login Succeeded'), stderr: '' });
    this.#expectNothingClear(machine.dockerConfigFile);
    expect(await this.get(server)).toBe(token);
  }

  async logInByHelm(server: string): Promise<void> {
    const token = await this.#exposeToken(server);
    const login = await this.helm(['registry', 'login', server, '-u', NULL_GUID, '--password-stdin'], token);
    expect(login).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('Login Succeeded') });
    expect(login.stderr).not.toContain('docker-credential-acr');
    this.#expectNothingClear(this.#helmConfig);
    expect(await this.get(server)).toBe(token);
  }

  async logInAsAdmin(): Promise<void> {
    const login = await this.docker('login', WAYS.cli, '-u', 'admin', '--password-stdin', ADMIN_PASSWORD);
    expect(login).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('Login Succeeded') });
  }

  /** @returns the secret that the program returns for a server. */
  async get(server: string, user: string = NULL_GUID): Promise<string> {
    const answer = expectAnswer(await machine.helper('get', server, { environment: this.#environment }));
    expect(answer).toMatchObject({ serverUrl: server, username: user });
    return answer.secret;
  }

  /** The argument after `--password-stdin` becomes the input. */
  docker(...given: readonly string[]) {
    const split = given.includes('--password-stdin') ? given.length - 1 : given.length;
    return this.#run('docker', given.slice(0, split), given[split]);
  }

  helm(args: readonly string[], input?: string) {
    return machine.run(partOf('helm'), args, {
      environment: this.#environment,
      folder: machine.folder,
      ...(input === undefined ? {} : { input }),
    });
  }

  async #exposeToken(server: string): Promise<string> {
    const args = ['acr', 'login', '-n', nameOf(server), '--expose-token', '--output', 'tsv', '--query', 'accessToken'];
    const az = join(machine.folder, 'az-bin', 'az');
    const exposed = await machine.run(az, args, { environment: this.#environment, printsSecret: true });
    expect(exposed).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^eyJ\S+\n$/) });
    return exposed.stdout.trim();
  }

  #run(program: 'az' | 'docker', args: readonly string[], input?: string) {
    return machine.run(join(machine.folder, 'az-bin', program), args, {
      environment: this.#environment,
      ...(input === undefined ? {} : { input }),
    });
  }

  #expectNothingClear(file: string): void {
    expect(readFileSync(file, 'utf8')).not.toMatch(/"(auth|identitytoken)"/);
  }
}

function nameOf(server: string): string {
  return server.slice(0, server.indexOf('.'));
}

function readExpiry(token: string): number {
  return Number(decodeToken(token)?.claims['exp']);
}
