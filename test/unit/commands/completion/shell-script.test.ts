/** The completion scripts, as far as no shell is needed. `test/e2e/completion.test.ts` runs those of bash, zsh and fish. */
import { describe, expect, test } from 'vitest';
import { formatScript } from '../../../../src/commands/completion/shell-script.ts';

const NAME = 'docker-credential-other';

describe.each(['bash', 'zsh', 'fish', 'powershell'])('the script for %s', (shell) => {
  const script = formatScript(shell, NAME);

  test('calls the program by its name, and registers for it', () => {
    expect(script).toContain(`${NAME} complete `);
    expect(script).toMatch(
      /^(?:complete .*|compdef .*| {4}compdef .*|Register-ArgumentCompleter .*)docker-credential-other/m,
    );
    expect(script).not.toContain('docker-credential-acr');
  });

  test('ends with one line end, and holds no other control character', () => {
    expect(script).toMatch(/[^\n]\n+$/);
    expect(script.replace(/[\n\t]/g, '')).not.toMatch(/\p{Cc}/u);
  });
});

test('the script for PowerShell has as many brackets as it closes, and ends its words with the directive', () => {
  const script = formatScript('powershell', NAME);
  const code = script.replace(/^\s*#.*$/gm, '').replace(/'(?:[^'\n]|'')*'|"(?:[^"\n`]|`.)*"/g, "''");
  for (const [opened, closed] of ['{}', '()', '[]']) {
    expect(code.split(opened ?? '').length, opened).toBe(code.split(closed ?? '').length);
  }
  expect(script).toContain(`Register-ArgumentCompleter -CommandName '${NAME}' -ScriptBlock $`);
  expect(script).toContain(`"& ${NAME} complete '--' $QuotedArgs"`);
  expect(script).toContain("[int]$Directive = $Out[-1].TrimStart(':')");
});

test('an unknown shell fails, and the console is as it was', () => {
  const { console } = globalThis;
  formatScript('fish', NAME);
  expect(() => formatScript('tcsh', NAME)).toThrow(/Unsupported shell/);
  expect(globalThis.console).toBe(console);
});
