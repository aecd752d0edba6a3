/** What `--help` and `help` tell: everything that the program offers. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { run } from '../../src/cli.ts';
import { COMMANDS } from '../../src/commands/commands.ts';
import { TOPICS } from '../../src/commands/topics.ts';
import { SOURCES } from '../../src/identity/sources.ts';
import { makeRuntime } from './runtime.ts';
import { makeStreams, makeTerminal } from './streams.ts';

const SRC = join(import.meta.dirname, '..', '..', 'src');

/** What the program writes to standard output for these arguments. */
async function help(args: readonly string[], programName = 'docker-credential-acr'): Promise<string> {
  const terminal = makeTerminal();
  const outcome = await run(args, makeStreams('', terminal), makeRuntime({}, { programName }));
  expect(outcome).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  expect(terminal.written.errors).toBe('');
  return terminal.written.output;
}

/** The variables of this program that any module but the help itself names. */
function listVariables(): readonly string[] {
  const files = globSync('**/*.ts', { cwd: SRC }).filter((file) => file !== join('commands', 'topics.ts'));
  const texts = files.map((file) => readFileSync(join(SRC, file), 'utf8'));
  return [...new Set(texts.join('\n').match(/\bDOCKER_CREDENTIAL_ACR_[A-Z_]+\b/g) ?? [])].sort();
}

describe('help', () => {
  test.each(['--help', '-h', 'help'])('%s lists every command and every topic in one line', async (argument) => {
    const text = await help([argument]);
    for (const { name } of COMMANDS.filter(({ isHidden }) => !isHidden))
      expect(text).toMatch(new RegExp(`^ {2}${name}(?: .*)? {2,}\\S`, 'm'));
    for (const { name } of TOPICS) expect(text).toMatch(new RegExp(`help ${name} {2,}\\S`));
  });

  test('names the program as it was called', async () => {
    const text = await help(['--help'], 'docker-credential-other');
    expect(text).toContain('Usage: docker-credential-other <command>');
    expect(text).not.toContain('docker-credential-acr');
  });

  test('lists every source with its summary, in the order of the search', async () => {
    const [title, ...lines] = (await help(['help', 'identities'])).trimEnd().split('\n');
    expect(title).toBe('Identities, in the order in which they are tried:');
    expect(lines.map((line) => line.trim().split(/ {2,}/))).toEqual(
      SOURCES.map(({ name, summary }) => [name, summary]),
    );
    expect(new Set(SOURCES.map(({ summary }, index) => lines[index]?.indexOf(summary))).size).toBe(1);
  });

  test('lists every variable of its own that the program reads or sets, and no other', async () => {
    const variables = listVariables();
    expect(variables).toContain('DOCKER_CREDENTIAL_ACR_CACHE_DIR');
    const text = await help(['help', 'environment']);
    expect([...new Set(text.match(/\bDOCKER_CREDENTIAL_ACR_[A-Z_]+\b/g))].sort()).toEqual(variables);
  });

  const texts = [
    ['--help'],
    ...COMMANDS.map(({ name }) => ['help', name]),
    ...TOPICS.map(({ name }) => ['help', name]),
  ];
  test.each(texts)(
    '%s %s has no line that is too long or ends with a space, and ends with one line end',
    async (...args) => {
      const text = await help(args);
      for (const line of text.split('\n')) {
        expect(line).toBe(line.trimEnd());
        expect(line.length).toBeLessThanOrEqual(120);
      }
      expect(text).toMatch(/[^\n]\n$/);
    },
  );

  test('fails for a word that is neither a command nor a topic', async () => {
    const terminal = makeTerminal();
    expect((await run(['help', 'nothing'], makeStreams('', terminal), makeRuntime())).exitCode).toBe(2);
    expect(terminal.written).toEqual({
      output: '',
      errors: 'error: There is no help for "nothing"\nhint: see docker-credential-acr --help\n',
    });
  });
});
