/** What is offered for a command line that somebody is typing. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { Command, createOption } from '@commander-js/extra-typings';
import { describe, expect, test } from 'vitest';
import { completeWords } from '../../../../src/commands/completion/complete.ts';
import { makeRuntime } from '../../runtime.ts';
import { useTemporaryFolder } from '../../temporary-folder.ts';

const folder = useTemporaryFolder();

/** A parser with everything that a definition can have. */
function makeProgram(): Command {
  const program = new Command('docker-credential-acr').version('1', '-v, --version');
  const cache = program.command('cache').summary('the cache').helpCommand(false);
  cache
    .command('clear')
    .summary('forget tokens')
    .argument('[hosts...]', 'registries')
    .option('-y, --yes', 'do not ask')
    .addOption(createOption('--kind <kind>', 'which').choices(['acr', 'entra']));
  program
    .command('token')
    .summary('print a token')
    .argument('<host>', 'a registry')
    .option('--account <name>', 'an account')
    .option('--json', 'as JSON')
    .option('--file <file>', 'where to')
    .option('--as [host]', 'of another')
    .option('--scope <scope...>', 'scopes')
    .option('--cloud <cloud>', 'which cloud');
  program.command('doctor').summary('find faults').argument('<host/repository>', 'what').argument('[file]', 'a file');
  program.command('logout').summary('sign out').argument('[account]', 'who');
  program.command('help').summary('help').argument('[words...]', 'of what');
  program.command('complete', { hidden: true });
  return program;
}

const env = () => ({
  HOME: folder.path(),
  DOCKER_CONFIG: folder.path('docker'),
  XDG_CONFIG_HOME: folder.path('xdg'),
  REGISTRY_AUTH_FILE: folder.path('auth.json'),
  DOCKER_CREDENTIAL_ACR_CACHE_DIR: folder.path('cache'),
  DOCKER_CREDENTIAL_ACR_DATA_DIR: folder.path('data'),
  DOCKER_CREDENTIAL_ACR_CONFIG: folder.path('config.json'),
});

/** The values, and `(files)` where the shell should offer files. */
async function complete(...words: readonly string[]): Promise<readonly string[]> {
  const { candidates, isFile } = await completeWords(makeProgram(), makeRuntime(env()), words);
  return [...candidates.map(({ value }) => value), ...(isFile ? ['(files)'] : [])];
}

function write(name: string, value: unknown): void {
  writeFileSync(folder.path(name), typeof value === 'string' ? value : JSON.stringify(value), { mode: 0o600 });
}

function writeConfigurations(): void {
  mkdirSync(folder.path('docker'));
  mkdirSync(folder.path('data'), { mode: 0o700 });
  const credHelpers = {
    'contoso.azurecr.io': 'acr',
    'https://fabrikam.azurecr.io': 'acr',
    'other.example': 'pass',
    '$(touch x).azurecr.io': 'acr',
    'a b.azurecr.io': 'acr',
  };
  write('docker/config.json', { credHelpers });
  write('auth.json', { credHelpers: { 'podman.azurecr.io': 'acr', 'contoso.azurecr.io': 'acr' } });
  write('config.json', { registries: { 'settings.azurecr.io': {}, '*.azurecr.io': {} } });
}

describe('completeWords offers', () => {
  const rows: readonly (readonly [words: readonly string[], offered: readonly string[]])[] = [
    // Commands
    [[''], ['cache', 'token', 'doctor', 'logout', 'help']],
    [[], ['cache', 'token', 'doctor', 'logout', 'help']],
    [['to'], ['token']],
    [['compl'], []],
    [['nothing', ''], []],
    [['cache', ''], ['clear']],
    [['cache', 'x'], []],
    // Options
    [['-'], ['--version', '--help']],
    [
      ['token', '-'],
      ['--account', '--json', '--file', '--as', '--scope', '--cloud', '--help'],
    ],
    [['token', '--j'], ['--json']],
    [
      ['token', '--json', '--'],
      ['--account', '--file', '--as', '--scope', '--cloud', '--help'],
    ],
    [['token', '--scope', 'x', '--s'], ['--scope']],
    [
      ['cache', 'clear', '-y', '--'],
      ['--kind', '--help'],
    ],
    [['token', '--', '--j'], []],
    // Values of options
    [
      ['cache', 'clear', '--kind', ''],
      ['acr', 'entra'],
    ],
    [['cache', 'clear', '--kind', 'e'], ['entra']],
    [['cache', 'clear', '--kind=e'], ['entra']],
    [
      ['cache', 'clear', '--kind='],
      ['acr', 'entra'],
    ],
    [['cache', 'clear', '--yes=e'], []],
    [['cache', 'clear', '--unknown=e'], []],
    [['token', '--account', ''], []],
    [['token', '--account', '-'], []],
    [['token', '--file', ''], ['(files)']],
    [['token', '--as', 'pod'], ['podman.azurecr.io']],
    [['token', '--as', '--j'], ['--json']],
    // Arguments
    [['token', 'con'], ['contoso.azurecr.io']],
    [
      ['token', ''],
      ['contoso.azurecr.io', 'fabrikam.azurecr.io', 'podman.azurecr.io', 'settings.azurecr.io'],
    ],
    [['token', '--account', 'me', 'con'], ['contoso.azurecr.io']],
    [['token', '--json', 'con'], ['contoso.azurecr.io']],
    [['token', 'contoso.azurecr.io', ''], []],
    [['token', '--cloud', 'us-'], ['us-government']],
    [['token', '--', 'con'], ['contoso.azurecr.io']],
    [['doctor', 'con'], ['contoso.azurecr.io']],
    [['doctor', 'x', ''], ['(files)']],
    [
      ['cache', 'clear', 'contoso.azurecr.io', 'fabrikam.azurecr.io', ''],
      ['podman.azurecr.io', 'settings.azurecr.io'],
    ],
    // Help
    [
      ['help', 'e'],
      ['environment', 'exit-codes'],
    ],
    [['help', 'cache', ''], ['clear']],
    [['help', 'nothing', ''], []],
    // Hostile words
    [['__proto__', ''], []],
    [
      ['token', '--__proto__=', ''],
      ['contoso.azurecr.io', 'fabrikam.azurecr.io', 'podman.azurecr.io', 'settings.azurecr.io'],
    ],
    [['token', '$(touch x)'], []],
    [['token', '\u001B[2J'], []],
  ];
  test.each(rows)('for %j: %j', async (words, offered) => {
    writeConfigurations();
    expect(await complete(...words)).toEqual(offered);
  });

  test('stored logins too, with their ports', async () => {
    writeConfigurations();
    const credentials = { 'edge.example:5000': { server: 'edge.example:5000', username: 'me', secret: 'hidden' } };
    write('data/credentials.json', { version: 1, credentials });
    expect(await complete('token', 'edge')).toEqual(['edge.example:5000']);
  });

  test('no login of a server whose name a shell would not take as it is', async () => {
    writeConfigurations();
    const servers = ['edge.example/$(touch x)', 'edge.example/`id`', 'edge.example;id', "edge.example/'", '-edge'];
    const credentials = Object.fromEntries(
      ['edge.example', ...servers].map((server) => [server, { server, username: 'me', secret: 'hidden' }]),
    );
    write('data/credentials.json', { version: 1, credentials });
    expect(await complete('token', 'edge')).toEqual(['edge.example']);
    expect(await complete('token', '--', '-')).toEqual([]);
  });

  test('the accounts that are signed in, for an argument of that name', async () => {
    mkdirSync(folder.path('data', 'accounts'), { recursive: true, mode: 0o700 });
    const account = {
      id: '11111111-2222-4333-8444-555555555555.72f988bf-86f1-41af-91ab-2d7cd011db47',
      tenantId: '72f988bf-86f1-41af-91ab-2d7cd011db47',
      authority: 'https://login.microsoftonline.com',
      clientId: '04b07795-8ddb-461a-bbee-02f9e1bf7b46',
      generation: 'g',
      registries: [],
    };
    const accounts = ['ada@contoso.com', 'eve $(id)@contoso.com'].map((username) => ({ ...account, username }));
    write('data/accounts/index.json', { version: 1, accounts });
    expect(await complete('logout', '')).toEqual(['ada@contoso.com']);
    expect(await complete('logout', 'e')).toEqual([]);
  });

  test('nothing of a configuration that others can write to', async () => {
    writeConfigurations();
    chmodSync(folder.path('config.json'), 0o666);
    expect(await complete('token', 'settings')).toEqual([]);
  });

  test.each(['', 'no JSON', '[]', '{"registries":[]}', '{"credHelpers":7}'])(
    'nothing where every file holds %j',
    async (text) => {
      writeConfigurations();
      for (const name of ['docker/config.json', 'auth.json', 'config.json']) write(name, text);
      expect(await complete('token', '')).toEqual([]);
    },
  );

  test('nothing where there is no file', async () => {
    expect(await complete('token', '')).toEqual([]);
  });

  test('a description of each value', async () => {
    writeConfigurations();
    const { candidates } = await completeWords(makeProgram(), makeRuntime(env()), ['token', '']);
    expect(candidates.map(({ description }) => description)).toEqual([
      'registry of docker',
      'registry of docker',
      'registry of podman',
      'registry of the configuration',
    ]);
    const commands = await completeWords(makeProgram(), makeRuntime(env()), ['tok']);
    expect(commands.candidates).toEqual([{ value: 'token', description: 'print a token' }]);
  });
});
