/** The commands `configure` and `unconfigure`, in process, on a home of their own. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { registryOf } from '../emulator/state.ts';
import { type CommandResult, NOBODY, runCommand, type Variables } from './command-world.ts';
import { ENTRA, openWorld, REGISTRY } from './world.ts';

const world = await openWorld();
const OTHER = 'other1.azurecr.io';
const SECRET = 'c29tZWJvZHk6c2VjcmV0';
const GRAPH = 'POST management.azure.com/providers/Microsoft.ResourceGraph/resources';

const home = join(world.folder, 'home');
const docker = join(home, '.docker', 'config.json');
const podman = join(home, '.config', 'containers', 'auth.json');

beforeEach(() => {
  for (const folder of [home, world.dataFolder]) rmSync(folder, { recursive: true, force: true });
  mkdirSync(home, { mode: 0o700 });
});

function command(args: string, variables: Variables = {}): Promise<CommandResult> {
  const all = { HOME: home, PATH: join(home, 'bin'), XDG_RUNTIME_DIR: join(home, 'run'), ...variables };
  return runCommand(world, args.split(' '), { variables: all });
}

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

const NEW = `{\n\t"credHelpers": {\n\t\t"${REGISTRY}": "acr"\n\t}\n}`;

describe('configure', () => {
  test('writes a new file, says what it did, and is undone without a trace', async () => {
    const { exitCode, output, errors } = await command(`configure ${REGISTRY} --yes`);
    expect({ exitCode, output }).toEqual({ exitCode: 0, output: `Configured ${REGISTRY} in ${docker} (docker)\n` });
    expect(errors).toBe('warning: docker-credential-acr is not on the PATH, so clients cannot start it\n');
    expect(readFileSync(docker, 'utf8')).toBe(NEW);
    world.expectNothingSent();

    expect(await command(`configure ${REGISTRY}`)).toMatchObject({
      exitCode: 0,
      output: `Already configured: ${REGISTRY} in ${docker} (docker)\n`,
    });
    expect(await command('list')).toMatchObject({ output: expect.stringContaining(REGISTRY) });
    expect(await command(`unconfigure https://${REGISTRY} -y`)).toEqual({
      exitCode: 0,
      output: `Removed ${REGISTRY} from ${docker} (docker)\nRemoved the file ${docker}, which held nothing else\n`,
      errors: '',
    });
    expect(existsSync(dirname(docker))).toBe(false);
    expect(await command('unconfigure --all')).toEqual({
      exitCode: 0,
      output: "Nothing to remove: no client's file names this program for a registry\n",
      errors: '',
    });
  });

  test('writes nothing where it cannot ask', async () => {
    const result = await command(`configure ${REGISTRY}`);
    expect(result).toMatchObject({
      exitCode: 2,
      output: '',
      errors: expect.stringContaining('hint: answer with --yes'),
    });
    expect(existsSync(docker)).toBe(false);
    await command(`configure ${REGISTRY} --yes`);
    expect(await command(`unconfigure ${REGISTRY}`)).toMatchObject({ exitCode: 2, output: '' });
    expect(await command('unconfigure')).toMatchObject({ exitCode: 2, output: '' });
    expect(readFileSync(docker, 'utf8')).toBe(NEW);
  });

  test('asks Azure for nothing where it cannot show a list', async () => {
    const result = await command('configure --yes');
    expect(result).toMatchObject({ exitCode: 2, output: '', errors: expect.stringContaining('--all') });
    expect(await command(`configure --all ${REGISTRY}`)).toMatchObject({ exitCode: 2 });
    world.expectNothingSent();
  });

  test('with --all configures every registry that the account can see', async () => {
    world.emulator.state.registries.clear();
    for (const host of [REGISTRY, OTHER]) registryOf(world.emulator.state, host);
    const { exitCode, output } = await command('configure --all --yes');
    expect({ exitCode, output }).toEqual({
      exitCode: 0,
      output: `Configured ${REGISTRY}, ${OTHER} in ${docker} (docker)\n`,
    });
    expect(world.seen()).toEqual([ENTRA, GRAPH]);
    world.emulator.state.registries.clear();
    const none = await command('configure --all --yes');
    expect(none).toMatchObject({ exitCode: 1, output: '', errors: expect.stringContaining('can see none in Azure') });
    for (const host of [REGISTRY, OTHER]) registryOf(world.emulator.state, host);
    const nobody = await command('configure --all --yes', NOBODY);
    expect(nobody).toMatchObject({ exitCode: 1, output: '', errors: expect.stringMatching(/^hint: /m) });
  });

  test('shows the difference with --dry-run, without secrets, and writes nothing', async () => {
    const text = `{\n  "auths": {\n    "ghcr.io": { "auth": "${SECRET}" }\n  }\n}\n`;
    write(docker, text);
    const { exitCode, output, errors } = await command(`configure ${REGISTRY} --dry-run`);
    expect(exitCode).toBe(0);
    expect(
      output
        .split('\n')
        .slice(2)
        .filter((line) => /^[+-]/.test(line)),
    ).toEqual(['+  },', '+  "credHelpers": {', `+    "${REGISTRY}": "acr"`]);
    expect(output + errors).not.toContain(SECRET);
    expect(readFileSync(docker, 'utf8')).toBe(text);
    expect(existsSync(join(world.dataFolder, 'clients.json'))).toBe(false);
  });

  test('describes what it did as JSON', async () => {
    write(docker, `{"auths":{"${REGISTRY}":{"auth":"${SECRET}"}},"credHelpers":{"${OTHER}":"acr-env"}}`);
    const { exitCode, output, errors } = await command(`configure ${REGISTRY} ${OTHER} --json --yes`);
    expect(exitCode).toBe(1);
    expect(JSON.parse(output)).toEqual({
      helper: 'acr',
      dryRun: false,
      files: [
        {
          ...{ file: docker, clients: ['docker'], state: 'changed', added: [REGISTRY], replaced: [] },
          refused: [{ host: OTHER, helper: 'acr-env' }],
          ...{ removed: [], restored: [], clearedAuths: [] },
        },
      ],
      shadows: [
        {
          ...{ kind: 'auths', host: REGISTRY, effect: expect.any(String), file: docker, key: REGISTRY },
          fix: `docker-credential-acr configure ${REGISTRY} --clear-auths`,
        },
        {
          ...{ kind: 'credHelpers', host: OTHER, effect: 'docker uses the helper "acr-env"', file: docker, key: OTHER },
          fix: `docker-credential-acr configure ${OTHER} --force`,
        },
      ],
      program: { state: 'missing', problem: expect.any(String) },
    });
    expect(errors).toBe(
      `error: Cannot configure ${OTHER}: ${docker} names another helper, "acr-env"\n` +
        'hint: add --force to replace it; unconfigure puts it back\n',
    );
    const dry = await command(`unconfigure --all --dry-run --json`);
    expect(JSON.parse(dry.output)).toMatchObject({
      dryRun: true,
      files: [{ removed: [REGISTRY], diff: /^--- / }].map(({ removed }) => ({ removed })),
    });
    expect(output + dry.output).not.toContain(SECRET);
  });

  test('replaces another helper by force only, and puts it back', async () => {
    const text = `{"credHelpers":{"${REGISTRY}":"acr-env"}}\n`;
    write(docker, text);
    expect((await command(`configure ${REGISTRY} --yes`)).exitCode).toBe(1);
    expect(readFileSync(docker, 'utf8')).toBe(text);
    expect(await command(`configure ${REGISTRY} --yes --force`)).toMatchObject({
      exitCode: 0,
      output: `Configured ${REGISTRY} in ${docker} (docker), instead of "acr-env"\n`,
    });
    expect(await command(`unconfigure ${REGISTRY} --yes`)).toMatchObject({
      exitCode: 0,
      output: `Removed ${REGISTRY} from ${docker} (docker)\n${REGISTRY} uses "acr-env" again\n`,
    });
    expect(readFileSync(docker, 'utf8')).toBe(text);
  });

  test('leaves a broken file alone, changes the others, and fails', async () => {
    write(docker, '{"auths":');
    write(podman, '{}');
    const { exitCode, output, errors } = await command(`configure ${REGISTRY} --yes`);
    expect({ exitCode, output }).toEqual({ exitCode: 1, output: `Configured ${REGISTRY} in ${podman} (podman)\n` });
    expect(errors).toContain(`error: Cannot change ${docker}: it is not valid JSON at line 1 column `);
    expect(readFileSync(docker, 'utf8')).toBe('{"auths":');
  });

  test('reports passwords that come first, and removes them on request', async () => {
    write(
      docker,
      `{"auths":{"https://${REGISTRY}":{"auth":"${SECRET}"},"ghcr.io":{"auth":"x"}},"credsStore":"desktop"}`,
    );
    write(podman, `{"auths":{"${REGISTRY}":{"auth":"${SECRET}"}}}`);
    const first = await command(`configure ${REGISTRY} --docker --yes`);
    expect(first.errors).toContain(
      `warning: "auths" in ${podman} holds a password for "${REGISTRY}": podman, skopeo and buildah use it and not`,
    );
    expect(first.errors).toContain(
      `warning: "auths" in ${docker} holds a password for "https://${REGISTRY}": some clients use it first`,
    );
    expect(first.errors).toContain('note: "credsStore": "desktop"');
    const cleared = await command(`configure ${REGISTRY} --clear-auths --yes`);
    expect(cleared.output.split('\n')).toEqual([
      `Removed the password of https://${REGISTRY} from ${docker} (docker)`,
      `Configured ${REGISTRY} in ${podman} (podman)`,
      `Removed the password of ${REGISTRY} from ${podman} (podman)`,
      '',
    ]);
    expect(cleared.errors).not.toContain('"auths" in');
    expect(JSON.parse(readFileSync(docker, 'utf8'))).toEqual({
      auths: { 'ghcr.io': { auth: 'x' } },
      credsStore: 'desktop',
      credHelpers: { [REGISTRY]: 'acr' },
    });
  });

  test.each([
    ['DOCKER_CONFIG', 'docker', '--yes'],
    ['REGISTRY_AUTH_FILE', 'podman', '--yes --podman'],
    ['HELM_REGISTRY_CONFIG', 'helm', '--yes --helm'],
  ])('refuses a relative %s', async (variable, client, options) => {
    const { exitCode, errors } = await command(`configure ${REGISTRY} ${options}`, { [variable]: 'here' });
    expect(exitCode).toBe(1);
    expect(errors).toContain(
      `error: Cannot find the configuration of ${client}: ${variable} is not an absolute path\n`,
    );
  });

  test('refuses what is no registry', async () => {
    expect(await command('configure ghcr.io --yes')).toMatchObject({
      exitCode: 2,
      errors: expect.stringContaining('error: "ghcr.io" is not a registry of Azure\nhint: add --force'),
    });
    expect(existsSync(docker)).toBe(false);
  });

  test('warns of a byte-order mark, which it keeps', async () => {
    write(docker, '\uFEFF{}');
    const { exitCode, errors } = await command(`configure ${REGISTRY} --yes`);
    expect(exitCode).toBe(0);
    expect(errors).toContain('byte-order mark');
    expect(readFileSync(docker, 'utf8').startsWith('\uFEFF{\n')).toBe(true);
  });
});

test.each([
  [{ DOCKER_CONFIG: 'docker' }, 'docker: DOCKER_CONFIG is not an absolute path'],
  [{ HOME: 'home' }, 'docker: there is no home folder'],
])('with %j, both say that they do not know the file', async (variables, why) => {
  for (const args of [`configure ${REGISTRY} --yes`, `unconfigure ${REGISTRY} --yes`, 'unconfigure --all --json']) {
    const { exitCode, output, errors } = await command(args, variables);
    expect({ exitCode, output, errors }).toMatchObject({
      ...{ exitCode: 1, output: '' },
      errors: expect.stringContaining(`error: Cannot find the configuration of ${why}\nhint: set `),
    });
  }
  expect(await command('unconfigure --all --helm', { ...variables, XDG_CONFIG_HOME: home })).toMatchObject({
    exitCode: 0,
  });
});

test('unconfigure finds a key in whatever form a person has written it', async () => {
  write(docker, `{"credHelpers":{"https://${REGISTRY}":"acr","${OTHER}":"acr","ghcr.io":"desktop"}}`);
  expect((await command(`unconfigure ${REGISTRY} ghcr.io --yes`)).output).toBe(
    `Removed https://${REGISTRY} from ${docker} (docker)\n`,
  );
  expect(readFileSync(docker, 'utf8')).toBe(`{"credHelpers":{"${OTHER}":"acr","ghcr.io":"desktop"}}`);
});
