/** The command `token` piped into real programs, and on a real terminal. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { PARTS_FOLDER } from '../../scripts/parts/part.ts';
import { parseJsonRecord, parseRecord, parseString } from '../emulator/json.ts';
import { CLIENT_ID, CLIENT_SECRET, NULL_GUID, registryOf, TENANT_ID } from '../emulator/state.ts';
import { decodeToken } from '../emulator/tokens.ts';
import { installAzureCli } from './world/azure-cli.ts';
import { LOGIN_SERVER } from './world/cloud.ts';
import { findLeak } from './world/leak.ts';
import type { Machine } from './world/machine.ts';
import { needParts, PROGRAM, partOf } from './world/parts.ts';
import { startTerminal } from './world/terminal.ts';
import { openCloud } from './world/test-cloud.ts';

const cloud = await openCloud();
const registry = registryOf(cloud.emulator.state, LOGIN_SERVER);

const ADMIN = { username: 'admin', password: `p4ss'w"rd $HOME \`id\`` };

/** Runs a line of `sh` in which `docker-credential-acr` is the program; nothing of it may print a secret. */
function runShell(machine: Machine, line: string, environment: Readonly<Record<string, string>> = {}) {
  return machine.run('/bin/sh', ['-c', line], { environment });
}

/** A folder for the configuration of a client that knows no helper. */
function makeClient(machine: Machine, name: string) {
  const folder = join(machine.folder, name);
  mkdirSync(folder, { mode: 0o700 });
  const file = join(folder, 'config.json');
  return {
    file,
    // The client itself logs in where there is no engine.
    environment: {
      PATH: `${machine.environment['PATH']}:${join(PARTS_FOLDER, 'bin')}`,
      DOCKER_CONFIG: folder,
      DOCKER_HOST: `unix://${folder}/none`,
      HELM_REGISTRY_CONFIG: file,
    },
    readAuth: () => {
      const auths = parseRecord(parseJsonRecord(readFileSync(file, 'utf8'))?.['auths']) ?? {};
      expect(Object.keys(auths)).toEqual([LOGIN_SERVER]);
      return parseRecord(auths[LOGIN_SERVER]) ?? {};
    },
  };
}

it('docker, helm and podman log in with a token that is in no argument, no variable and no log', async (context) => {
  needParts(context, 'docker', 'helm', 'podman', 'strace');
  const machine = cloud.addMachine();
  // Signs in, so that the three do not wait for each other.
  const first = await machine.run(PROGRAM, ['token', LOGIN_SERVER], { printsSecret: true });
  expect(first).toEqual({ exitCode: 0, stdout: expect.stringMatching(/^eyJ\S+\n$/), stderr: '' });
  const token = first.stdout.trim();
  const trace = (name: string) => join(machine.folder, `${name}.trace`);
  const traced = async (name: string, line: string) => {
    const client = makeClient(machine, name);
    const args = ['-f', '-v', '-e', 'trace=execve', '-s', '1000000', '-o', trace(name), '/bin/sh', '-c', line];
    const result = await machine.run(partOf('strace'), args, { environment: client.environment });
    expect(result.exitCode, result.stderr).toBe(0);
    expect(result.stdout + result.stderr).toContain('Login Succeeded');
    const calls = readFileSync(trace(name), 'utf8');
    expect(calls).toContain(`"${LOGIN_SERVER}"`);
    expect(findLeak(calls, [token])).toBeUndefined();
    return client;
  };
  const podmanLogin = `podman login --authfile ${join(machine.folder, 'podman', 'config.json')} --username ${NULL_GUID} --password-stdin ${LOGIN_SERVER}`;
  const [docker, , podman] = await Promise.all([
    traced('docker-login', `docker-credential-acr token ${LOGIN_SERVER} --docker-login | sh`),
    traced('helm-login', `docker-credential-acr token ${LOGIN_SERVER} --helm-login | sh`),
    traced('podman', `docker-credential-acr token ${LOGIN_SERVER} | ${podmanLogin}`),
  ]);
  // The registry gives docker an identity token for it, which is the same.
  expect(JSON.stringify(docker.readAuth())).toContain(token);
  expect(podman.readAuth()).toEqual({ auth: Buffer.from(`${NULL_GUID}:${token}`).toString('base64') });
  expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);
});

it('a stored password with quotes gets into docker as it is', async (context) => {
  needParts(context, 'docker');
  registry.adminUser = { username: ADMIN.username, passwords: [ADMIN.password] };
  const machine = cloud.addMachine({ identity: 'nobody' });
  const environment = machine.configure({ store: 'file' });
  const payload = JSON.stringify({ ServerURL: LOGIN_SERVER, Username: ADMIN.username, Secret: ADMIN.password });
  expect(await machine.helper('store', payload, { environment })).toMatchObject({ exitCode: 0 });
  const client = makeClient(machine, 'other');
  const line = `docker-credential-acr token https://${LOGIN_SERVER} --docker-login | sh`;
  const login = await runShell(machine, line, { ...environment, ...client.environment });
  expect(login).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('Login Succeeded') });
  expect(client.readAuth()).toEqual({
    auth: Buffer.from(`${ADMIN.username}:${ADMIN.password}`).toString('base64'),
  });
  registry.adminUser = undefined;
});

it('crane and skopeo pull with the login of a Kubernetes Secret', async (context) => {
  needParts(context, 'crane', 'skopeo', 'docker-registry');
  await cloud.seed('team/app', '1');
  const machine = cloud.addMachine();
  const args = ['token', LOGIN_SERVER, '--kubernetes-secret', 'acr', '--namespace', 'team-a'];
  const { exitCode, stdout, stderr } = await machine.run(PROGRAM, args, { printsSecret: true });
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  const manifest = parseJsonRecord(stdout) ?? {};
  expect(manifest).toMatchObject({ kind: 'Secret', metadata: { name: 'acr', namespace: 'team-a' } });
  const data = parseString(parseRecord(manifest['data'])?.['.dockerconfigjson']) ?? '';
  const { file, environment } = makeClient(machine, 'cluster');
  writeFileSync(file, Buffer.from(data, 'base64'), { mode: 0o600 });
  cloud.forget();
  const image = `${LOGIN_SERVER}/team/app:1`;
  const [crane, skopeo] = await Promise.all([
    machine.run(partOf('crane'), ['manifest', image], { environment }),
    machine.run(partOf('skopeo'), ['inspect', '--authfile', file, `docker://${image}`]),
  ]);
  expect(crane).toMatchObject({ exitCode: 0, stderr: '' });
  expect(skopeo).toMatchObject({ exitCode: 0, stderr: '' });
  expect(cloud.signIns()).toEqual([]);
});

it('a token for a scope pulls from one repository and from no other', async (context) => {
  needParts(context, 'crane', 'docker-registry');
  await Promise.all([cloud.seed('team/app', '1'), cloud.seed('team/other', '1')]);
  const machine = cloud.addMachine();
  const { environment } = makeClient(machine, 'narrow');
  const login = `crane auth login ${LOGIN_SERVER} --username ${NULL_GUID} --password-stdin`;
  const line = `docker-credential-acr token ${LOGIN_SERVER} --scope repository:team/app:pull | ${login}`;
  expect(await runShell(machine, line, environment)).toMatchObject({ exitCode: 0 });
  const [allowed, denied] = await Promise.all([
    machine.run(partOf('crane'), ['manifest', `${LOGIN_SERVER}/team/app:1`], { environment }),
    machine.run(partOf('crane'), ['manifest', `${LOGIN_SERVER}/team/other:1`], { environment }),
  ]);
  expect(allowed).toMatchObject({ exitCode: 0, stderr: '' });
  expect(denied.exitCode).toBe(1);
});

it('--json has the keys of az acr login --expose-token, in its order and layout', async (context) => {
  needParts(context, 'az');
  const machine = cloud.addMachine({ identity: 'nobody' });
  const cli = installAzureCli(machine);
  await cli.signIn({ clientId: CLIENT_ID, tenantId: TENANT_ID, secret: CLIENT_SECRET });
  const { environment } = cli;
  const [name = ''] = LOGIN_SERVER.split('.');
  const az = join(machine.folder, 'az-bin', 'az');
  const theirArgs = ['acr', 'login', '-n', name, '--expose-token', '--output', 'json'];
  const [theirs, ours] = await Promise.all([
    machine.run(az, theirArgs, { environment, printsSecret: true }),
    machine.run(PROGRAM, ['token', LOGIN_SERVER, '--json'], { environment, printsSecret: true }),
  ]);
  expect([theirs.exitCode, ours.exitCode]).toEqual([0, 0]);
  const mask = (text: string) => text.replace(/eyJ[\w.-]+/g, 'TOKEN');
  expect(mask(ours.stdout)).toBe(mask(theirs.stdout));
  const token = parseString(parseJsonRecord(ours.stdout)?.['accessToken']) ?? '';
  expect(decodeToken(token)?.claims).toMatchObject({ grant_type: 'refresh_token', aud: LOGIN_SERVER });
});

it('on a terminal, a token is shown only after a yes', async (context) => {
  needParts(context, 'tmux');
  const machine = cloud.addMachine();
  const start = (...args: readonly string[]) =>
    startTerminal({ command: [PROGRAM, 'token', LOGIN_SERVER, ...args], environment: machine.environment, rows: 30 });
  const [asking, cancelled, told] = await Promise.all([start(), start(), start('--yes')]);
  try {
    const [question] = await Promise.all([asking.waitFor(/Show the token\?/), cancelled.waitFor(/Show the token\?/)]);
    expect(question).toMatch(
      /^warning: whoever sees the token can use contoso\.azurecr\.io as you; pipe it into a program/,
    );
    expect(question).not.toContain('eyJ');
    await Promise.all([asking.press('y'), cancelled.press('Enter')]);
    const codes = await Promise.all([asking.exitCode(), cancelled.exitCode(), told.exitCode()]);
    expect(codes).toEqual([0, 130, 0]);
    expect(await asking.screen()).toMatch(/\neyJ[\s\S]*\nThe token expires in 1(79|80) minutes, at \d\d:\d\d UTC\.$/);
    expect(await told.screen()).toMatch(/^eyJ[\s\S]*\nThe token expires in 1(79|80) minutes, at \d\d:\d\d UTC\.$/);
    const end = await cancelled.screen();
    expect(end).toMatch(/\nCancelled\.$/);
    expect(end).not.toContain('eyJ');
  } finally {
    await Promise.all([asking.close(), cancelled.close(), told.close()]);
  }
});
