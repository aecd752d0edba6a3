/** The commands that examine this machine, in process: what they write, and that no secret is in it. */
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { run } from '../../src/cli.ts';
import { parseJsonObject } from '../../src/json.ts';
import { CLIENT_ID, TENANT_ID } from '../emulator/emulator.ts';
import { makeStreams, makeTerminal } from '../unit/streams.ts';
import { CLIENT_SECRET_VARIABLES, NULL_GUID, openWorld, REGISTRY } from './world.ts';

const world = await openWorld();
const PASSWORD = 'a-password-of-the-file';

/** Runs a command where nobody watches, or at a terminal. */
async function command(
  args: readonly string[],
  {
    variables = {},
    terminal = {},
  }: { variables?: Record<string, string>; terminal?: Parameters<typeof makeTerminal>[0] } = {},
) {
  const opened = makeTerminal(terminal);
  const { exitCode } = await run(args, makeStreams('', opened), {
    env: { ...world.variables, ...CLIENT_SECRET_VARIABLES, ...variables },
    platform: process.platform,
    programName: 'docker-credential-acr',
    now: () => Date.now() + world.aheadSeconds * 1000,
    secrets: new Set(),
    secretVariables: new Set(),
  });
  const { output, errors } = opened.written;
  for (const secret of [...world.emulator.secrets, PASSWORD, CLIENT_SECRET_VARIABLES.AZURE_CLIENT_SECRET]) {
    for (const text of [output, errors]) expect(text.includes(secret)).toBe(false);
  }
  expect(`${output}${errors}`).not.toMatch(/eyJ[\w-]{8}/);
  return { exitCode, output, errors };
}

const json = async (args: readonly string[], options = {}) =>
  parseJsonObject((await command([...args, '--json'], options)).output) ?? {};

/** Docker sends the registry here, somebody has signed in, and somebody has logged in elsewhere. */
async function prepare(): Promise<Record<string, string>> {
  const folder = join(world.folder, '.docker');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ credHelpers: { [REGISTRY]: 'acr' } }));
  world.writeConfig({ store: 'file', registries: { '*.azurecr.io': { minimumLifeMinutes: 30 } } });
  await world.get();
  const login = { ServerURL: 'https://ghcr.io', Username: 'ada', Secret: PASSWORD };
  await world.run('store', JSON.stringify(login));
  return {};
}

describe('an argument that no registry can have as its name', () => {
  it.each([['status'], ['status', '--json'], ['config', 'show'], ['cache', 'clear'], ['login']])(
    'is refused by %s %s',
    async (...args) => {
      for (const name of ['', 'bad..host', 'https://', 'a b.azurecr.io']) {
        expect(await command([...args, name])).toEqual({
          exitCode: 2,
          output: '',
          errors: `error: "${name}" is not the name of a registry\nhint: name a login server, such as myregistry.azurecr.io\n`,
        });
      }
    },
  );

  it.each(['ghcr.io', 'edge.example.com:5000', 'https://index.docker.io/v1/', '[::1]:5000', 'localhost'])(
    'is not %s, which may have a login',
    async (name) => {
      expect(await command(['status', name])).toMatchObject({ exitCode: 0 });
    },
  );
});

it('config validate refuses an empty name of a file', async () => {
  expect(await command(['config', 'validate', ''])).toMatchObject({
    exitCode: 2,
    output: '',
    errors: expect.stringContaining('error: The name of the file is empty\n'),
  });
});

describe('status', () => {
  it('tells what is configured, cached and stored, without a request', async () => {
    await prepare();
    world.forgetRequests();
    const status = await json(['status']);
    world.expectNothingSent();
    const description = `client-secret https://login.microsoftonline.com/${TENANT_ID} ${CLIENT_ID}`;
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/);
    const token = { identity: description, tenant: TENANT_ID, savedAt: time, expiresAt: time, isExpired: false };
    expect(status).toEqual({
      registries: [
        {
          server: 'https://ghcr.io',
          isRegistry: false,
          clients: [],
          entry: null,
          credential: 'login',
          identity: null,
          reason: 'it is not a registry of Azure',
        },
        {
          server: REGISTRY,
          isRegistry: true,
          clients: [{ client: 'docker', file: join(world.folder, '.docker', 'config.json'), key: 'credHelpers' }],
          entry: '*.azurecr.io',
          credential: 'identity',
          identity: { source: 'client-secret', description, isCertain: true },
          reason: null,
        },
      ],
      tokens: [
        { ...token, registry: REGISTRY, kind: 'refresh-token', scope: null, who: expect.any(String), renewsAt: time },
      ],
      storedTokens: [],
      entraTokens: [
        {
          ...token,
          registry: null,
          kind: 'entra-token',
          scope: 'https://containerregistry.azure.net',
          who: CLIENT_ID,
          renewsAt: null,
        },
      ],
      logins: [{ server: 'https://ghcr.io', username: 'ada', storedIn: 'file' }],
      accounts: [],
      identity: { source: 'client-secret', description, isCertain: true },
      configuration: join(world.folder, 'config.json'),
      cache: { folder: join(world.cacheFolder, 'tokens'), ignoredFiles: 0 },
      problems: [],
    });
  });

  it('writes one fact a line where nobody watches', async () => {
    await prepare();
    const { exitCode, output, errors } = await command(['status']);
    expect({ exitCode, errors }).toEqual({ exitCode: 0, errors: '' });
    for (const line of output.trimEnd().split('\n'))
      expect(line).toMatch(/^(registry|token|entra-token|login) \S+: [a-z ]+: .+$/);
    expect(output).toContain(`token ${REGISTRY}: expires: in 2 h 59 min\n`);
    expect(output).toContain('login https://ghcr.io: stored in: a file\n');
  });

  it('names no sign-in or configure as the remedy for what cannot be read', async () => {
    await prepare();
    writeFileSync(join(world.folder, '.docker', 'config.json'), '{');
    const { errors } = await command(['status', REGISTRY], { variables: { AZURE_TOKEN_CREDENTIALS: 'azurecli' } });
    expect(errors).toMatch(/^warning: docker: \S+ cannot be read: [^\n]+\n$/);
  });

  it('names the login server in the command that configures it', async () => {
    await prepare();
    writeFileSync(join(world.folder, '.docker', 'config.json'), '{}');
    const { errors } = await command(['status', `https://${REGISTRY}/v2/`]);
    expect(errors).toBe(`hint: no client sends a registry here; run: docker-credential-acr configure ${REGISTRY}\n`);
  });

  it.each([400, 60])('shows a table or blocks at a terminal of %i columns', async (columns) => {
    await prepare();
    const { output } = await command(['status'], { terminal: { isOutputSeen: true, columns } });
    expect(output).toContain('Cached tokens\n');
    const head = output.split('\n').find((line) => line.includes('renewed'));
    expect(head?.includes('expires')).toBe(columns === 400);
  });

  it('of one registry leaves the others out', async () => {
    await prepare();
    const { output } = await command(['status', `https://${REGISTRY}/v2/`]);
    expect(output).toContain(REGISTRY);
    expect(output).not.toContain('ghcr.io');
    expect((await command(['status', 'other1.azurecr.io'])).output).not.toContain(REGISTRY);
    expect((await command(['status', 'ghcr.io'])).output).toMatch(/^registry ghcr.io: clients: none\n/);
  });

  it('tells a token that a client stored, and one that has expired', async () => {
    await prepare();
    const { Secret } = await world.get();
    await world.run('store', JSON.stringify({ ServerURL: REGISTRY, Username: NULL_GUID, Secret }));
    expect(await json(['status'])).toMatchObject({
      storedTokens: [{ registry: REGISTRY, identity: 'stored', isExpired: false, renewsAt: null }],
    });
    expect((await command(['status', REGISTRY])).output).toContain('get answers with: a token that a client stored');
    world.aheadSeconds = 4 * 3600;
    const { output } = await command(['status', REGISTRY]);
    expect(output).toMatch(/stored-token \S+: expired: 1 h (?:\d+ min )?ago/);
    expect(output).toContain('get answers with: its identity');
  });

  it('says on an empty machine what to do next', async () => {
    const home = join(world.folder, 'nobody');
    const variables = { HOME: home, DOCKER_CREDENTIAL_ACR_DATA_DIR: home, AZURE_CLIENT_ID: '' };
    const { exitCode, output, errors } = await command(['status'], { variables });
    expect({ exitCode, output }).toEqual({ exitCode: 0, output: 'Nothing is configured, cached or stored\n' });
    expect(errors).toBe(
      'hint: no client sends a registry here; run: docker-credential-acr configure myregistry.azurecr.io\n' +
        'hint: no identity is set up; sign in with: docker-credential-acr login\n',
    );
  });

  it('tells what it cannot read, and goes on', async () => {
    await prepare();
    world.writeConfig('{"registries":');
    writeFileSync(join(world.folder, '.docker', 'config.json'), '[');
    chmodSync(join(world.dataFolder, 'credentials.json'), 0o644);
    for (const name of readdirSync(join(world.cacheFolder, 'tokens'))) {
      chmodSync(join(world.cacheFolder, 'tokens', name), 0o644);
    }
    const { exitCode, errors } = await command(['status']);
    expect(exitCode).toBe(0);
    expect(errors).toMatch(/warning: Cannot use .*config\.json: it is not valid JSON/);
    expect(errors).toMatch(/warning: docker: .*config\.json cannot be read: it is not a JSON object/);
    expect(errors).toMatch(/warning: the stored logins in .* cannot be used: others can open it/);
    expect(errors).toContain('warning: 2 files in the cache are ignored: docker-credential-acr cache list');
    expect(errors).toContain('hint: see what is wrong: docker-credential-acr config validate');
    chmodSync(join(world.dataFolder, 'credentials.json'), 0o600);
  });
});

describe('cache', () => {
  it('list tells each file, and counts the others', async () => {
    await prepare();
    const file = join(world.cacheFolder, 'tokens', 'other1.azurecr.io_0123456789abcd.json');
    writeFileSync(file, 'damaged', { mode: 0o600 });
    expect(await json(['cache', 'list'])).toMatchObject({
      tokens: [{ registry: null, kind: 'entra-token https://containerregistry.azure.net' }, { registry: REGISTRY }],
      ignoredFiles: 1,
      locks: 0,
    });
    const { output, errors } = await command(['cache', 'list']);
    expect(output.trimEnd().split('\n')).toHaveLength(2);
    expect(output).toMatch(/myregistry\.azurecr\.io_[0-9a-f]{14}\.json {2}myregistry\.azurecr\.io {2}refresh-token/);
    expect(errors).toContain('1 ignored (damaged, or others could have written it)');
  });

  it('clear erases the tokens of a registry and those of Entra, and no login', async () => {
    await prepare();
    const { exitCode, output, errors } = await command(['cache', 'clear', REGISTRY]);
    expect({ exitCode, output }).toEqual({ exitCode: 0, output: 'Erased 1 registry token, 1 Entra token\n' });
    expect(errors).toBe('Stored logins stay; docker-credential-acr status shows them.\n');
    expect(await json(['status'])).toMatchObject({ tokens: [], entraTokens: [], logins: [{ username: 'ada' }] });
    expect((await command(['cache', 'clear', REGISTRY])).output).toBe('Nothing was cached\n');
  });

  it('clear erases everything only with --yes where nobody can be asked', async () => {
    await prepare();
    const refused = await command(['cache', 'clear']);
    expect(refused.exitCode).toBe(2);
    expect(refused.errors).toContain('hint: answer with --yes\n');
    expect(await json(['cache', 'clear', '--yes'])).toMatchObject({
      registryTokens: 1,
      entraTokens: 1,
      isComplete: true,
    });
    expect(readdirSync(join(world.cacheFolder, 'tokens'))).toEqual([]);
  });

  it('clear of a server that is not Azure’s is refused, and says what to do', async () => {
    const { exitCode, errors } = await command(['cache', 'clear', 'ghcr.io']);
    expect(exitCode).toBe(2);
    expect(errors).toContain('hint: to erase a stored login, run: docker logout ghcr.io\n');
  });

  it('clear fails when something is left', async () => {
    await prepare();
    mkdirSync(join(world.cacheFolder, 'tokens', `${REGISTRY}_0123456789abcd.json`));
    const { exitCode, output, errors } = await command(['cache', 'clear', '--yes']);
    expect({ exitCode, output }).toEqual({
      exitCode: 1,
      output: expect.stringMatching(/^Erased 1 registry token, 1 Entra token/),
    });
    expect(errors).toMatch(/^error: Cannot erase everything in /);
  });
});

describe('config', () => {
  const file = () => join(world.folder, 'config.json');

  it('path prints the path alone, and at a terminal says what names it', async () => {
    expect(await command(['config', 'path'])).toEqual({ exitCode: 0, output: `${file()}\n`, errors: '' });
    const { errors } = await command(['config', 'path'], { terminal: { isErrorSeen: true } });
    expect(errors).toBe('DOCKER_CREDENTIAL_ACR_CONFIG names it.\n');
    const variables = { DOCKER_CREDENTIAL_ACR_CONFIG: '', XDG_CONFIG_HOME: '/nowhere' };
    expect(await json(['config', 'path'], { variables })).toEqual({
      file: '/nowhere/docker-credential-acr/config.json',
      exists: false,
      namedBy: 'XDG_CONFIG_HOME',
    });
  });

  it('validate ends with 1 if there is any mistake, and with 0 otherwise', async () => {
    expect(await command(['config', 'validate'])).toEqual({
      exitCode: 0,
      output: `${file()} has no mistakes\n`,
      errors: '',
    });
    world.writeConfig('{\n  "strictt": true,\n  "store": "fil"\n}');
    const { exitCode, output, errors } = await command(['config', 'validate']);
    expect({ exitCode, errors }).toEqual({ exitCode: 1, errors: '' });
    expect(output).toBe(
      `${file()}:2:3: error: unknown key "strictt"; hint: did you mean "strict"?\n` +
        `${file()}:3:12: error: "store" must be one of "keychain", "file"; hint: write "store": "file"\n`,
    );
    const seen = await command(['config', 'validate'], { terminal: { isOutputSeen: true } });
    expect(seen.output).toContain('  2 |   "strictt": true,\n    |   ^~~~~~~~~\n');
    expect(seen.errors).toBe('\n2 errors\n');
    expect(await json(['config', 'validate'])).toMatchObject({
      isValid: false,
      mistakes: [{ line: 2, column: 3 }, {}],
    });
  });

  it('validate of another file, and of one that does not exist', async () => {
    writeFileSync(join(world.folder, 'other.json'), '{"stor":1}', { mode: 0o600 });
    expect((await command(['config', 'validate', join(world.folder, 'other.json')])).exitCode).toBe(1);
    const { exitCode, errors } = await command(['config', 'validate', '/nowhere/x.json']);
    expect({ exitCode, errors }).toEqual({
      exitCode: 2,
      errors: expect.stringContaining('There is no file /nowhere/x.json'),
    });
  });

  it('show tells what applies and why, and hides a secret in the file', async () => {
    world.writeConfig({
      registries: { 'my*': { identity: 'ci' } },
      identities: { ci: { type: 'client-secret', clientSecretFile: '/run/x' }, bad: { clientSecret: PASSWORD } },
    });
    const all = await command(['config', 'show']);
    expect(all.output).toContain('clientSecret (hidden)');
    expect(all.output).toMatch(/strict +false +default\n/);
    const one = await command(['config', 'show', REGISTRY]);
    expect(one.output).toContain('entry          "my*": the matching pattern with the most characters\n');
    expect(one.output).toMatch(/\nidentity +ci\n/);
    expect(await json(['config', 'show', REGISTRY])).toMatchObject({
      entry: 'my*',
      settings: { identity: { value: 'ci', isDefault: false }, tenantId: { value: null, isDefault: true } },
      identity: { name: 'ci', settings: { clientSecretFile: { value: '/run/x' } } },
    });
  });

  it('show fails as get does', async () => {
    world.writeConfig({ registries: { 'my*': { anonymus: true } } });
    const { exitCode, errors } = await command(['config', 'show', REGISTRY]);
    expect(exitCode).toBe(1);
    expect(errors).toMatch(/^error: Cannot use .*unknown key "anonymus".*\nhint: did you mean "anonymous"\?\n$/);
  });

  it('edit is refused without a terminal', async () => {
    const { exitCode, errors } = await command(['config', 'edit']);
    expect(exitCode).toBe(2);
    expect(errors).toContain('error: Cannot edit without a terminal\n');
  });
});
