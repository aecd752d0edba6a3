/** All commands: their help, their examples, and what is said when the arguments are wrong. */
import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { describe, expect, test } from 'vitest';
import { run } from '../../../src/cli.ts';
import { listExamples, type RunCommand } from '../../../src/commands/command.ts';
import { createProgram } from '../../../src/commands/commands.ts';
import { CANDIDATES, FILE_ARGUMENT } from '../../../src/commands/completion/candidates.ts';
import { VERSION } from '../../../src/version.ts';
import { makeRuntime } from '../runtime.ts';
import { makeStreams, makeTerminal } from '../streams.ts';

/** Commands that texts already name, whether they exist yet or not. */
const COMING = ['configure', 'doctor', 'login', 'logout', 'status', 'token'];
/** Commands that print no facts, and so have no `--json`. */
const WITHOUT_FACTS = [
  ...['help', 'completion', 'complete', 'man', 'get', 'store', 'erase', 'list', 'version'],
  ...['cache', 'config', 'config edit', 'kubelet', 'logout'],
];
/** The verbs with which a summary may begin. */
const IMPERATIVES = ['edit', 'erase', 'find', 'install', 'let', 'list', 'print', 'show', 'sign', 'store', 'undo'];
/** Arguments and values that somebody makes up or knows, so that nothing is offered for them. */
const FREE_VALUES = [
  'address',
  'audience',
  'cloud',
  'command',
  'id',
  'name',
  'number',
  'paths',
  'scope',
  'sum',
  'tenant',
  'typed',
];
/** The list of all commands is longer than the help of one. */
const MOST_LINES = { program: 60, command: 40 };

/** The program's parser. It never runs a command. */
const makeProgram = (terminal = makeTerminal({ columns: 80 })) =>
  createProgram(makeRuntime(), terminal, () => undefined);

function listCommands(command: CommandUnknownOpts): readonly CommandUnknownOpts[] {
  return command.commands.flatMap((one) => [one, ...listCommands(one)]);
}

/** The words that call a command, such as `cache clear`. */
function pathOf(command: CommandUnknownOpts): string {
  const before = command.parent === null || command.parent.parent === null ? [] : [pathOf(command.parent)];
  return [...before, command.name()].join(' ');
}

const program = makeProgram();
const commands = listCommands(program).map((command) => [pathOf(command), command] as const);

/** What the program writes, and how it ends, with somebody at the terminal. */
async function runAtTerminal(...args: readonly string[]) {
  const terminal = makeTerminal({ isErrorSeen: true });
  const { exitCode, stdout, stderr } = await run(args, makeStreams('', terminal), makeRuntime());
  return { exitCode, output: terminal.written.output + stdout, errors: terminal.written.errors + stderr };
}

describe.each(commands)('%s', (path, command) => {
  test('has a summary in the imperative, without a full stop, that fits beside its name', () => {
    expect(command.summary()).toMatch(/^[a-z].*[^.]$/);
    expect(IMPERATIVES).toContain(/^[a-z]+/.exec(command.summary())?.[0]);
    expect(command.summary().length).toBeLessThanOrEqual(62);
  });

  test('describes each argument and option', () => {
    for (const { description } of [...command.options, ...command.registeredArguments]) {
      expect(description).toMatch(/^\S.*[^.\s]$/);
    }
  });

  test('has --json unless it prints no facts', () => {
    expect(command.options.some(({ long }) => long === '--json')).toBe(!WITHOUT_FACTS.includes(path));
  });

  test('has arguments and values by whose names a shell knows what to offer', () => {
    const values = command.options.filter(({ required, optional }) => required || optional);
    const names = [
      ...command.registeredArguments.filter((one) => one.argChoices === undefined).map((one) => one.name()),
      ...values
        .filter((one) => one.argChoices === undefined)
        .map(({ flags }) => /[<[]([^\]>.]*)/.exec(flags)?.[1] ?? ''),
    ];
    for (const name of names) expect([...CANDIDATES.keys(), FILE_ARGUMENT, ...FREE_VALUES]).toContain(name);
  });

  test('has a short help that ends with its examples', () => {
    const help = command.helpInformation();
    expect(help.trimEnd().split('\n').length).toBeLessThanOrEqual(MOST_LINES.command);
    expect(help).toMatch(/\nExamples:\n(?: {2}# \S.*\n {2}\S.*\n)+$/);
  });
});

test('the help of the program is short, and ends with examples and topics', () => {
  const help = program.helpInformation();
  expect(help.trimEnd().split('\n').length).toBeLessThanOrEqual(MOST_LINES.program);
  expect(help).toMatch(
    /\nOptions:\n[\s\S]*\nExamples:\n[\s\S]*\nMore help:\n(?: {2}docker-credential-acr help .*\n)+$/,
  );
});

const examples = [program, ...commands.map(([, command]) => command)].flatMap((one) => listExamples(one));

test.each(examples.map(([line]) => line))('the example "%s" is understood', (line) => {
  // What comes behind these signs is for the shell.
  const args = line.split(/ [|>]/)[0]?.trim() ?? '';
  const words = splitWords(args);
  const named = words[0] === 'help' ? words[1] : words[0];
  if (COMING.some((name) => name === named && !program.commands.some((one) => one.name() === name))) return;
  const terminal = makeTerminal();
  let isStarted = false;
  const parser = createProgram(makeRuntime(), terminal, () => {
    isStarted = true;
  });
  parser.parse(words, { from: 'user' });
  expect({ isStarted, errors: terminal.written.errors }).toEqual({ isStarted: true, errors: '' });
});

/** Splits a command line as a shell does that has quotes and nothing else. */
function splitWords(line: string): readonly string[] {
  return (line.match(/"[^"]*"|'[^']*'|\S+/g) ?? []).map((word) => word.replace(/^(["'])(.*)\1$/, '$2'));
}

describe('a word that is no command', () => {
  test.each([
    ['hlp', 'did you mean "help"?'],
    ['complet', 'did you mean "completion"?'],
    ['vrsion', 'did you mean "version"?'],
    ['GET', 'did you mean "get"?'],
    ['something-else', 'see docker-credential-acr --help'],
    ['--unknown-option', 'see docker-credential-acr --help'],
  ])('at a terminal gets the line of the protocol, and a hint: %s', async (word, hint) => {
    expect(await runAtTerminal(word)).toEqual({
      exitCode: 1,
      output: `docker-credential-acr: unknown action: ${word}\n`,
      errors: `hint: ${hint}\n`,
    });
  });

  test('elsewhere gets that line only', async () => {
    const terminal = makeTerminal();
    expect(await run(['hlp'], makeStreams('', terminal), makeRuntime())).toEqual({
      exitCode: 1,
      stdout: 'docker-credential-acr: unknown action: hlp\n',
      stderr: '',
    });
    expect(terminal.written).toEqual({ output: '', errors: '' });
  });
});

describe('a verb of the protocol with arguments', () => {
  const usage = 'Usage: docker-credential-acr <store|get|erase|list|version>\n';

  test.each([
    [['get', 'myregistry.azurecr.io'], 'docker-credential-acr token myregistry.azurecr.io'],
    [['get', '$(touch x)'], "docker-credential-acr token '$(touch x)'"],
    [['get', '--x'], "docker-credential-acr token '?-x'"],
    [['store', 'myregistry.azurecr.io'], 'docker-credential-acr login myregistry.azurecr.io'],
    [['erase', 'myregistry.azurecr.io'], 'docker-credential-acr logout myregistry.azurecr.io'],
    [['list', 'x'], 'see docker-credential-acr --help'],
    [['get', ''], 'see docker-credential-acr --help'],
  ])('at a terminal gets the usage and a hint: %j', async (args, hint) => {
    expect(await runAtTerminal(...args)).toEqual({ exitCode: 1, output: usage, errors: `hint: ${hint}\n` });
  });

  test('elsewhere gets the usage only', async () => {
    const streams = makeStreams('', makeTerminal());
    expect(await run(['get', 'x'], streams, makeRuntime())).toEqual({ exitCode: 1, stdout: usage, stderr: '' });
  });
});

describe('a mistake in the arguments of a command', () => {
  test.each([
    [['completion'], 'Missing required argument "shell"', 'see docker-credential-acr completion --help'],
    [
      ['completion', 'tcsh'],
      '"tcsh" is not possible: allowed choices are bash, zsh, fish, powershell',
      'see docker-credential-acr completion --help',
    ],
    [['completion', '--hep'], 'Unknown option "--hep"', 'did you mean "--help"?'],
    [['completion', '--\u001B[2J\n(x)'], 'Unknown option "-- [2J (x)"', 'see docker-credential-acr completion --help'],
    [['help', 'nothing'], 'There is no help for "nothing"', 'see docker-credential-acr --help'],
    [
      ['help', 'environmnt'],
      'There is no help for "environmnt"',
      'did you mean "docker-credential-acr help environment"?',
    ],
    [['help', 'gte'], 'There is no help for "gte"', 'did you mean "docker-credential-acr help get"?'],
    [['help', 'get', '\u001B[2J'], 'There is no help for "get  [2J"', 'see docker-credential-acr --help'],
    [['help', 'complete', 'x'], 'There is no help for "complete x"', 'see docker-credential-acr --help'],
  ])('%j', async (args, error, hint) => {
    expect(await runAtTerminal(...args)).toEqual({
      exitCode: 2,
      output: '',
      errors: `error: ${error}\nhint: ${hint}\n`,
    });
  });
});

test.each(['version', '--version', '-v'])('%s prints one line', async (word) => {
  const output = `docker-credential-acr (docker-credential-acr) v${VERSION}, Node ${process.versions.node}\n`;
  expect(await runAtTerminal(word)).toEqual({ exitCode: 0, output, errors: '' });
});

test('titles are bold, and what an example does is dim, where there are colours', () => {
  const terminal = makeTerminal({ style: (format, text) => `<${String(format)}>${text}</>` });
  const help = makeProgram(terminal).helpInformation();
  for (const title of ['Usage:', 'Options:', 'Examples:', 'More help:']) expect(help).toContain(`<bold>${title}</>`);
  expect(help).toMatch(/^ {2}<dim># .*<\/>$/m);
});

test('complete lists values and ends with a number, and says nothing of a failure', async () => {
  expect(await runAtTerminal('complete', '--', 'completion', 'z')).toEqual({
    exitCode: 0,
    output: 'zsh\t\n:4\n',
    errors: '',
  });
  expect(await runAtTerminal('complete', '--')).toMatchObject({
    exitCode: 0,
    output: expect.stringMatching(/^(?:.*\n)*help\t.*\n(?:.*\n)*:4\n$/),
  });

  const terminal = makeTerminal();
  let found: RunCommand | undefined;
  const parser = createProgram(makeRuntime(), terminal, (start) => {
    found = start;
  });
  parser.command('broken').argument('<host>');
  parser.parse(['complete', '--', 'broken', ''], { from: 'user' });
  const env = new Proxy<Record<string, string>>({}, { get: () => expect.unreachable('a variable is read') });
  const exitCode = await found?.({ runtime: makeRuntime(env), terminal, log: undefined, program: parser });
  expect({ exitCode, ...terminal.written }).toEqual({ exitCode: 0, output: ':1\n', errors: '' });
});

test.each(['docker-credential-$(x)', 'docker-credential-a b', "docker-credential-'"])(
  'completion refuses a program of the name %s',
  async (programName) => {
    const terminal = makeTerminal();
    const outcome = await run(['completion', 'bash'], makeStreams('', terminal), makeRuntime({}, { programName }));
    expect(outcome.exitCode).toBe(2);
    expect(terminal.written.output).toBe('');
  },
);
