/** A value in a command that a hint tells people to paste is one word in every shell, and nothing of it is executed. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { shellWord } from '../../src/shell-word.ts';
import { useTemporaryFolder } from './temporary-folder.ts';

const folder = useTemporaryFolder();

const UNCHANGED = [
  'myregistry',
  'myregistry.azurecr.io',
  '11111111-2222-4333-8444-555555555555',
  'someone@example.com',
  '/etc/acr/client.pem',
  './x',
  'https://login.microsoftonline.com/common',
  'a=b',
  'C:/x_y',
  'x-y--z',
];

const HOSTILE = [
  '$(touch pwned)',
  '`touch pwned`',
  '; touch pwned',
  'a;touch pwned;b',
  '\ntouch pwned\n',
  'a\r\ntouch pwned',
  "'; touch pwned; '",
  "'$(touch pwned)'",
  '"; touch pwned; "',
  '"$(touch pwned)"',
  '\u2018; touch pwned; \u2019',
  '\u201B;touch pwned\u201A',
  '\\; touch pwned',
  "\\'; touch pwned #",
  'x\\',
  '| touch pwned',
  '& touch pwned',
  '&& touch pwned',
  '> pwned',
  '<(touch pwned)',
  '>(touch pwned)',
  '%COMSPEC%',
  '%x:&=touch pwned%',
  '^& touch pwned',
  '!touch pwned!',
  '!!',
  '-rf',
  '--output=pwned',
  '--',
  '~',
  '~root',
  '*',
  '?',
  '[a-z]*',
  '{a,b}',
  '$HOME',
  ['$', '{IFS}touch$', '{IFS}pwned'].join(''),
  '@args',
  '=ls',
  'a,b',
  '#x',
  '(touch pwned)',
  '\0',
  '\u001B[2J',
  '\u202Etxet',
  '\u0085x',
  '\u2028x',
  'a b',
  ' ',
  '',
  '\uD800',
  'é$(touch pwned)',
  `${'x'.repeat(300)}; touch pwned`,
  `${'\u{1F511}'.repeat(150)}`,
];

describe('shellWord', () => {
  test.each(UNCHANGED)('leaves %s as it is', (text) => {
    expect(shellWord(text)).toBe(text);
  });

  test.each([
    ['/home/me/my file.pem', "'/home/me/my file.pem'"],
    ['C:\\Users\\me\\a b.pem', "'C:\\Users\\me\\a b.pem'"],
    ['/home/é/x.pem', "'/home/é/x.pem'"],
    ["it's", "'it?s'"],
    ['-n', "'?n'"],
    ['', "''"],
    ['a,b', "'a,b'"],
    ['@x', "'@x'"],
    ['100%', "'100?'"],
  ])('quotes %j as %s', (text, word) => {
    expect(shellWord(text)).toBe(word);
  });

  test('cuts a long text', () => {
    expect(shellWord('x'.repeat(1_000_000)).length).toBeLessThan(210);
  });

  for (const text of HOSTILE) {
    test(`makes one harmless word of ${JSON.stringify(text).slice(0, 60)}`, () => {
      const word = shellWord(text);
      // No sign with which a word ends or begins anew in sh, PowerShell or cmd, nor one that the report replaces.
      expect(word).toMatch(/^(?:[\w./:+][\w./:+@=-]*|'[^\p{C}\p{Z}]*(?: [^\p{C}\p{Z}]*)*')$/u);
      expect(word.replace(/^'|'$/g, '')).not.toMatch(/['"`%&|<>^!\u2018-\u201F]/);
      expect(word).not.toMatch(/^'?-/);
      for (const shell of ['sh', 'bash'].filter((name) => existsSync(`/bin/${name}`))) {
        const script = `printf '%s\\0' ${word}`;
        const stdout = execFileSync(`/bin/${shell}`, ['-c', script], {
          ...{ cwd: folder.path(), encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] },
          env: { SHLVL: '1' }, // otherwise bash takes this for a login, and reads the files of the person
        });
        const words = stdout.split('\0').slice(0, -1);
        expect(words).toEqual([word.startsWith("'") ? word.slice(1, -1) : word]);
      }
      expect(readdirSync(folder.path())).toEqual([]);
    });
  }
});
