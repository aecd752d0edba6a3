/** The manual page: what it holds, and that nothing in it is taken for a request of roff. */
import type { Command } from '@commander-js/extra-typings';
import { describe, expect, test } from 'vitest';
import { defineCommand, defineGroup, GROUPS } from '../../../../src/commands/command.ts';
import { COMMANDS, createProgram } from '../../../../src/commands/commands.ts';
import { formatManPage } from '../../../../src/commands/man/man-page.ts';
import { escapeRoff, formatBlock, formatText } from '../../../../src/commands/man/roff.ts';
import { TOPICS } from '../../../../src/commands/topics.ts';
import { EXIT } from '../../../../src/terminal/failure.ts';
import { makeRuntime } from '../../runtime.ts';
import { makeTerminal } from '../../streams.ts';

/** The program's parser. */
const makeProgram = (programName = 'docker-credential-acr') =>
  createProgram(makeRuntime({}, { programName }), makeTerminal(), () => undefined);

describe('escapeRoff', () => {
  test.each([
    ['a-b', 'a\\-b'],
    ['C:\\tmp', 'C:\\etmp'],
    [`it's "~^\``, 'it\\(aqs \\(dq\\(ti\\(ha\\(ga'],
    ['… é 😀', '\\[u2026] \\[u00E9] \\[u1F600]'],
    ['a\u001B[2Jb\tc\n.d', 'a [2Jb c .d'],
  ])('%j becomes %j', (text, escaped) => {
    expect(escapeRoff(text)).toBe(escaped);
  });
});

describe('formatText', () => {
  test.each([
    ['.SH x', '\\&.SH x'],
    ["'br", '\\(aqbr'],
    ['  a   b ', 'a b'],
    ['', ''],
  ])('%j becomes %j', (text, line) => {
    expect(formatText(text)).toBe(line);
  });

  test('a long text has lines of at most 80 characters, none of which is a request', () => {
    const text = formatText('.word and-more '.repeat(100));
    for (const line of text.split('\n')) {
      expect(line.length).toBeLessThanOrEqual(80);
      expect(line).not.toMatch(/^[.']/);
    }
    expect(text.replaceAll('\n', ' ').replaceAll('\\&', '')).toBe('.word and\\-more '.repeat(100).trim());
  });
});

test('formatBlock keeps lines and their indentation', () => {
  expect(formatBlock(['.a', '  -b  ', ''])).toBe('.EX\n\\&.a\n  \\-b\n\n.EE');
});

describe('the page', () => {
  const page = formatManPage(makeProgram(), 'linux');

  test('has the sections of a manual page, in their order', () => {
    expect([...page.matchAll(/^\.SH "(.*)"$/gm)].map(([, title]) => title)).toEqual([
      ...['NAME', 'SYNOPSIS', 'DESCRIPTION', 'COMMANDS', 'OPTIONS', 'IDENTITIES', 'ENVIRONMENT', 'FILES'],
      ...['EXIT STATUS', 'EXAMPLES', 'SEE ALSO'],
    ]);
  });

  test('describes every command of the help, and no hidden one', () => {
    for (const { name, isHidden } of COMMANDS) {
      const head = new RegExp(`^\\\\fB${name}\\\\fR`, 'm');
      if (isHidden) expect(page).not.toMatch(head);
      else expect(page).toMatch(head);
    }
  });

  test('holds every line of the topics', () => {
    for (const { list } of TOPICS) {
      for (const [term, meaning] of list('linux')) {
        expect(page).toContain(`\n\\fB${escapeRoff(term)}\\fR\n${formatText(meaning)}\n`);
      }
    }
  });

  test('has no request but those of the package man', () => {
    const requests = new Set([...page.matchAll(/^[.'](\S*)/gm)].map(([, request]) => request));
    expect([...requests].sort()).toEqual(['EE', 'EX', 'PP', 'RE', 'RS', 'SH', 'SS', 'TH', 'TP', 'ad', 'br', 'nh']);
  });

  test('is for the program as it was called, and names the folders of the platform', () => {
    const other = formatManPage(makeProgram('docker-credential-other'), 'darwin');
    expect(other).toMatch(/^\.TH "DOCKER\\-CREDENTIAL\\-OTHER" "1"/);
    expect(other).toContain('docker\\-credential\\-other completion bash');
    expect(other).toContain('(ti/Library/Application Support/');
    expect(page).not.toContain('/Library/');
  });
});

test('a command with subcommands, options, choices and hostile texts is described whole', () => {
  const clear = defineCommand({
    name: 'clear',
    summary: '.forget tokens',
    details: 'Two paragraphs:\n\n  .block\n  two',
    examples: [['shelf clear', '.forget "all"']],
    define: (command: Command) => command.argument('[hosts...]', "'registries").option('--all-of-it', 'all \\ of it'),
    run: async (_context, _options, _hosts) => EXIT.ok,
  });
  const group = defineGroup({ name: 'shelf', group: GROUPS.settings, summary: 'tokens' }, [clear]);
  const program = makeProgram();
  group.addTo(program, () => undefined);
  const page = formatManPage(program, 'linux');
  expect(page).toMatch(/^\.SS "Settings"$/m);
  expect(page).toContain('.TP\n\\fBshelf\\fR\nTokens.\n.TP\n');
  expect(page).toContain(
    [
      '\\fBshelf clear\\fR [\\fIoptions\\fR] [\\fIhosts\\fR...]',
      '\\&.forget tokens.',
      '.RS',
      '.PP',
      'Two paragraphs:',
      '.PP',
      '.EX',
      '  .block',
      '  two',
      '.EE',
      '.TP',
      '\\fIhosts\\fR',
      '\\(aqregistries',
      '.TP',
      '\\fB\\-\\-all\\-of\\-it\\fR',
      'all \\e of it',
      '.PP',
      '\\&.forget \\(dqall\\(dq:',
      '.EX',
      '    docker\\-credential\\-acr shelf clear',
      '.EE',
      '.RE',
    ].join('\n'),
  );
});
