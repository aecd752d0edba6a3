/** How commands become parts of the parser: groups, details, hidden commands and examples. */
import type { Command } from '@commander-js/extra-typings';
import { expect, test } from 'vitest';
import { defineCommand, defineGroup, formatExample, GROUPS, type RunCommand } from '../../../src/commands/command.ts';
import { createProgram } from '../../../src/commands/commands.ts';
import { EXIT } from '../../../src/terminal/failure.ts';
import { makeRuntime } from '../runtime.ts';
import { makeTerminal } from '../streams.ts';

/** A command that returns what it was called with as its exit code. */
const makeCommand = (name: string, isHidden = false) =>
  defineCommand({
    name,
    isHidden,
    summary: `do ${name}`,
    details: (program) => `With ${program}.`,
    examples: [
      [`shelf ${name}`, `first of ${name}`],
      [`shelf ${name} --all`, `second of ${name}`, 'echo x'],
    ],
    define: (command: Command) => command.argument('[host]', 'a registry').option('--all', 'all of them'),
    run: async (_context, { all }, host) => (all === true && host === 'x' ? EXIT.failed : EXIT.ok),
  });

const SHELF = defineGroup({ name: 'shelf', group: GROUPS.settings, summary: 'keep things' }, [
  makeCommand('put'),
  makeCommand('take'),
  makeCommand('secret', true),
]);

/** The program with the group, and what it writes. */
function makeProgram(...args: readonly string[]) {
  const terminal = makeTerminal({ columns: 80 });
  const started: RunCommand[] = [];
  const program = createProgram(makeRuntime(), terminal, (run) => started.push(run), args);
  SHELF.addTo(program, (run) => started.push(run));
  const parse = () => program.parse(args, { from: 'user' });
  return { program, terminal, started, parse };
}

test('the help of a group lists its commands, and the first example of each', () => {
  const { terminal, parse } = makeProgram('shelf', '--help');
  expect(parse).toThrow(/outputHelp/);
  expect(terminal.written).toEqual({
    output: `Usage: docker-credential-acr shelf <command> [options]

Keep things.

Commands:
  put         do put
  take        do take

Options:
  -h, --help  show help

Examples:
  # first of put
  docker-credential-acr shelf put
  # first of take
  docker-credential-acr shelf take
`,
    errors: '',
  });
});

test('the help of a command has its arguments, options and examples, with the name of the program', () => {
  const { terminal, parse } = makeProgram('shelf', 'put', '-h');
  expect(parse).toThrow(/outputHelp/);
  expect(terminal.written.output).toBe(`Usage: docker-credential-acr shelf put [options] [host]

Do put.

With docker-credential-acr.

Arguments:
  host        a registry

Options:
  --all       all of them
  -h, --help  show help

Examples:
  # first of put
  docker-credential-acr shelf put
  # second of put
  echo x | docker-credential-acr shelf put --all
`);
});

test('a group without a command shows its help as an error, and a mistyped one gets a hint', () => {
  const alone = makeProgram('shelf');
  expect(alone.parse).toThrow();
  expect(alone.terminal.written).toEqual({ output: '', errors: expect.stringMatching(/^Usage: /) });
  const mistyped = makeProgram('shelf', 'putt');
  expect(mistyped.parse).toThrow();
  expect(mistyped.terminal.written.errors).toBe('error: Unknown command "putt"\nhint: did you mean "put"?\n');
  const wrong = makeProgram('shelf', 'put', 'x', 'y');
  expect(wrong.parse).toThrow();
  expect(wrong.terminal.written.errors).toMatch(/\nhint: see docker-credential-acr shelf put --help\n$/);
});

test('a command runs with its options and arguments', async () => {
  const { program, terminal, started, parse } = makeProgram('shelf', 'put', '--all', 'x');
  parse();
  expect(started).toHaveLength(1);
  const context = { runtime: makeRuntime(), terminal, log: undefined, program };
  expect(await started[0]?.(context)).toBe(EXIT.failed);
});

test('help for errors has no colours where standard error has none', () => {
  const style = (_format: unknown, text: string) => `\u001B[1m${text}\u001B[22m`;
  const terminal = makeTerminal({ style });
  const program = createProgram(makeRuntime(), terminal, () => undefined);
  program.outputHelp();
  expect(terminal.written.output).toContain('\u001B[1mUsage:');
  program.outputHelp({ error: true });
  expect(terminal.written.errors).toMatch(/^Usage: /);
});

test('formatExample puts the input before the program', () => {
  expect(formatExample('name', ['get', 'x'])).toBe('name get');
  expect(formatExample('name', ['', 'x'])).toBe('name');
  expect(formatExample('name', ['get', 'x', 'echo host'])).toBe('echo host | name get');
});
