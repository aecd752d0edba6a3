/** Registries with anonymous pull: configured as anonymous, with nobody signed in, and with a stale login. */
import { beforeEach, describe, expect, it, type TestContext } from 'vitest';
import { NULL_GUID, registryOf } from '../emulator/state.ts';
import { expectNotFound } from './world/answer.ts';
import { LOGIN_SERVER } from './world/cloud.ts';
import { LOGIN_BACKENDS, prepareLoginBackend } from './world/login-backend.ts';
import type { Machine, MachineOptions } from './world/machine.ts';
import { needParts, needRoot, partOf } from './world/parts.ts';
import { prepareContainerStorage } from './world/podman.ts';
import { openCloud, openDockerEngine } from './world/test-cloud.ts';

const IMAGE = `${LOGIN_SERVER}/team/app:1`;
const MARKED = { registries: { [LOGIN_SERVER]: { anonymous: true } } };
const SILENT = { exitCode: 1, stdout: 'credentials not found in native keychain\n', stderr: '' };
const HINT =
  /^docker-credential-acr: hint: no Azure identity is set up for contoso\.azurecr\.io; run: docker-credential-acr login contoso\.azurecr\.io, or az login$/m;
const [OLD, NEW] = ['Admin+pass/word=1%', 'Admin+pass/word=2%'] as const;

const cloud = await openCloud();
const registry = registryOf(cloud.emulator.state, LOGIN_SERVER);
registry.anonymousPull = true;
// A stale password is still a secret.
cloud.emulator.state.issuedSecrets.add(OLD);
const dockerHost = openDockerEngine(cloud);
let machine: Machine;

beforeEach(() => {
  registry.adminUser = { username: 'admin', passwords: [OLD] };
});

describe.each(['docker', 'podman'] as const)('%s', (client) => {
  function setUp(context: TestContext, options: MachineOptions, more: Readonly<Record<string, string>> = {}) {
    machine = cloud.addMachine(options);
    needParts(context, 'docker-registry', ...(client === 'docker' ? ['docker', 'dockerd'] : ['podman']));
    needRoot(context);
    const own = client === 'docker' ? { DOCKER_HOST: dockerHost() } : prepareContainerStorage(machine);
    return (settings: Readonly<Record<string, string>>) => {
      const environment = { ...own, ...more, ...settings };
      return {
        run: (args: readonly string[], input = '') => machine.run(partOf(client), args, { environment, input }),
        helper: (verb: string, input: string) => machine.helper(verb, input, { environment }),
      };
    };
  }
  type Client = ReturnType<ReturnType<typeof setUp>>;

  async function expectPull({ run }: Client): Promise<string> {
    const pull = await run(['pull', IMAGE]);
    expect(pull).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/newer image|^[0-9a-f]{64}\n$/) });
    await run(['rmi', IMAGE]);
    return pull.stderr;
  }

  async function expectDenied({ run }: Client): Promise<void> {
    const pull = await run(['pull', IMAGE]);
    expect(pull.exitCode).not.toBe(0);
    expect(pull.stderr).toMatch(/unauthorized/);
    // The program cannot know that the registry refused its answer, so it prints nothing.
    expect(pull.stderr).not.toContain('docker-credential-acr');
  }

  it('pulls without a message or a sign-in from a registry configured as anonymous', async (context) => {
    const open = setUp(context, { identity: 'service principal' });
    const person = open(machine.configure(MARKED));
    expect(await person.helper('get', LOGIN_SERVER)).toEqual(SILENT);
    expect(await expectPull(person)).not.toContain('docker-credential-acr');
    expect(cloud.signIns()).toEqual([]);
  });

  it('pulls with a hint when nobody is signed in', async (context) => {
    const person = setUp(context, { identity: 'nobody' })({});
    expect(expectNotFound(await person.helper('get', LOGIN_SERVER)).hint).toContain(
      'run: docker-credential-acr login ',
    );
    // Some clients ask more than once.
    expect(await expectPull(person)).toMatch(HINT);
    expect(cloud.signIns()).toEqual([]);
  });

  it.for(LOGIN_BACKENDS)('fails to pull with a stale login in %s until it logs out', async (where, context) => {
    const open = setUp(context, { identity: 'nobody' });
    const kept = await prepareLoginBackend(where, machine, context);
    for (const settings of [{}, machine.configure(MARKED)]) {
      registry.adminUser = { username: 'admin', passwords: [OLD] };
      const person = open({ ...kept.environment, ...settings });
      expect(await person.run(['login', LOGIN_SERVER, '-u', 'admin', '--password-stdin'], OLD)).toMatchObject({
        exitCode: 0,
      });
      expect(await expectPull(person)).not.toContain('docker-credential-acr');
      registry.adminUser = { username: 'admin', passwords: [NEW] };
      await expectDenied(person);
      expect(await person.run(['logout', LOGIN_SERVER])).toMatchObject({ exitCode: 0, stderr: '' });
      expect(await kept.users()).toEqual({});
      await expectPull(person);
    }
    expect(cloud.signIns()).toEqual([]);
  });

  it('fails to pull with a revoked token until it logs out', async (context) => {
    const open = setUp(context, { identity: 'service principal' });
    const person = open(machine.configure({ registries: { [LOGIN_SERVER]: { secret: 'identity-token' } } }));
    const answer = await person.helper('get', LOGIN_SERVER);
    expect(answer).toMatchObject({ exitCode: 0, stderr: '' });
    await person.helper('erase', LOGIN_SERVER);
    const stranger = open({ ...machine.configure({}), AZURE_CLIENT_ID: '', AZURE_CLIENT_SECRET: '' });
    const payload = { ...JSON.parse(answer.stdout), Username: NULL_GUID };
    expect(await stranger.helper('store', JSON.stringify(payload))).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    expect(await expectPull(stranger)).not.toContain('docker-credential-acr');
    registry.epoch += 1;
    await expectDenied(stranger);
    expect(await stranger.run(['logout', LOGIN_SERVER])).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await expectPull(stranger)).toMatch(HINT);
  });
});
