/** Real clients after `configure` and after `unconfigure`, and crowds of both. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LOGIN_SERVER } from './world/cloud.ts';
import { listDockerClients } from './world/docker-engine.ts';
import type { Machine } from './world/machine.ts';
import { needParts, needRoot, partOf } from './world/parts.ts';
import { prepareContainerStorage } from './world/podman.ts';
import { openCloud, openDockerEngine } from './world/test-cloud.ts';

const cloud = await openCloud();
const [dockerClient] = await listDockerClients();
const dockerHost = openDockerEngine(cloud);
const IMAGE = `${LOGIN_SERVER}/team/app:1`;
/** As docker writes it, with the login of another registry. */
const CONFIG = '{\n\t"auths": {\n\t\t"ghcr.io": {\n\t\t\t"auth": "eDp5"\n\t\t}\n\t}\n}';

function prepareMachine(text: string): Machine {
  const machine = cloud.addMachine();
  writeFileSync(machine.dockerConfigFile, text);
  return machine;
}

async function change(
  machine: Machine,
  verb: 'configure' | 'unconfigure',
  ...args: readonly string[]
): Promise<string> {
  const program = join(machine.folder, 'bin', 'docker-credential-acr');
  const { exitCode, stdout, stderr } = await machine.run(program, [verb, ...args, '--yes']);
  expect({ exitCode, stderr }).toEqual({
    exitCode: 0,
    stderr: expect.not.stringMatching(/^error:|not on the PATH|another program/m),
  });
  return stdout;
}

describe('after configure a pull works, and after unconfigure it does not', () => {
  it('with docker', async (context) => {
    needParts(context, 'docker', 'dockerd', 'docker-registry');
    needRoot(context);
    const machine = prepareMachine(CONFIG);
    const pull = () =>
      machine.run(dockerClient?.path ?? 'docker', ['pull', IMAGE], { environment: { DOCKER_HOST: dockerHost() } });
    expect(await change(machine, 'configure', LOGIN_SERVER)).toBe(
      `Configured ${LOGIN_SERVER} in ${machine.dockerConfigFile} (docker)\n`,
    );
    expect(await pull()).toMatchObject({ exitCode: 0, stderr: '' });
    await change(machine, 'unconfigure', LOGIN_SERVER);
    expect(readFileSync(machine.dockerConfigFile, 'utf8')).toBe(CONFIG);
    expect(await pull()).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/unauthorized/i) });
  });

  it('with podman, although a password in its own file came first', async (context) => {
    needParts(context, 'podman', 'docker-registry');
    needRoot(context);
    await cloud.seed('team/app', '1');
    const machine = prepareMachine(CONFIG);
    const storage = prepareContainerStorage(machine);
    const pull = () => machine.run(partOf('podman'), ['pull', '--quiet', IMAGE], { environment: storage });
    const authFile = join(machine.environment['XDG_RUNTIME_DIR'] ?? '', 'containers', 'auth.json');
    const shadowed = `{"auths": {"${LOGIN_SERVER}": {"auth": "eDp5"}}}\n`;
    mkdirSync(dirname(authFile));
    writeFileSync(authFile, shadowed);
    expect((await pull()).exitCode).toBe(125);
    await change(machine, 'configure', LOGIN_SERVER);
    expect(await pull()).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^[0-9a-f]{64}\n$/) });
    await change(machine, 'unconfigure', '--all');
    expect([authFile, machine.dockerConfigFile].map((file) => readFileSync(file, 'utf8'))).toEqual([shadowed, CONFIG]);
    expect((await pull()).exitCode).toBe(125);
  });

  it('with skopeo and podman, whose own file is created on request', async (context) => {
    needParts(context, 'skopeo', 'docker-registry');
    await cloud.seed('team/app', '1');
    const machine = prepareMachine(CONFIG);
    const authFile = join(machine.environment['HOME'] ?? '', '.config', 'containers', 'auth.json');
    const inspect = () => machine.run(partOf('skopeo'), ['inspect', `docker://${IMAGE}`]);
    await change(machine, 'configure', LOGIN_SERVER, '--podman');
    expect(await inspect()).toMatchObject({ exitCode: 0, stderr: '' });
    await change(machine, 'unconfigure', LOGIN_SERVER);
    expect(existsSync(join(machine.environment['HOME'] ?? '', '.config'))).toBe(false);
    expect((await inspect()).exitCode).not.toBe(0);
    expect(existsSync(authFile)).toBe(false);
  });

  it('with helm, which a broken keychain would stop', async (context) => {
    needParts(context, 'helm', 'docker-registry');
    const machine = prepareMachine(CONFIG);
    // Helpers of keychains that do not work.
    const keychain = '#!/bin/sh\nread -r server\necho "no keychain here"\nexit 1\n';
    for (const name of ['secretservice', 'pass']) {
      writeFileSync(join(machine.folder, 'bin', `docker-credential-${name}`), keychain, { mode: 0o755 });
    }
    writeFileSync(join(machine.folder, 'bin', 'helm'), `#!/bin/sh\nexec '${partOf('helm')}' "$@"\n`, { mode: 0o755 });
    const pull = () =>
      machine.run(join(machine.folder, 'bin', 'helm'), ['show', 'chart', `oci://${LOGIN_SERVER}/charts/none`]);
    expect((await pull()).stderr).toContain('no keychain here');
    expect(await change(machine, 'configure', LOGIN_SERVER)).toContain('registry/config.json (helm)');
    cloud.forget();
    // The registry does not know the chart, but it knows who asks.
    expect((await pull()).stderr).not.toMatch(/no keychain here|unauthorized/i);
    expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);
    await change(machine, 'unconfigure', LOGIN_SERVER);
    expect((await pull()).stderr).toContain('no keychain here');
  });
});

it('ten at once lose nothing, and ten that undo it leave no trace', async () => {
  const machine = prepareMachine(CONFIG);
  const hosts = Array.from({ length: 10 }, (_, index) => `registry${index}.azurecr.io`);
  await Promise.all(hosts.map((host) => change(machine, 'configure', host)));
  const { credHelpers } = JSON.parse(readFileSync(machine.dockerConfigFile, 'utf8'));
  expect(Object.keys(credHelpers).toSorted()).toEqual(hosts);
  await Promise.all(hosts.map((host) => change(machine, 'unconfigure', host)));
  expect(readFileSync(machine.dockerConfigFile, 'utf8')).toBe(CONFIG);
});
