/** Completion in real shells: what Tab makes of a command line. */
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it, type TestContext } from 'vitest';
import { needParts, PROGRAM, partOf } from './world/parts.ts';
import { runProcess } from './world/process.ts';
import { createTemporaryFolder } from './world/temporary-folder.ts';
import { startTerminal, type TestTerminal } from './world/terminal.ts';

const NAME = 'docker-credential-acr';
/** A program of another name, which answers what the real one might. */
const STUB_NAME = 'docker-credential-stub';
const STUB = `#!/bin/sh
echo "$*" >>"$HOME/calls"
case "$*" in
  'complete -- token con') printf 'contoso.azurecr.io\\tregistry\\n:4\\n' ;;
  'complete -- token 127.0.0.1'*) printf '127.0.0.1:5000\\tregistry\\n:4\\n' ;;
  'complete -- --tenant=cont') printf 'contoso\\ttenant\\n:4\\n' ;;
  'complete -- fail'*) printf 'failed\\n:1\\n'; exit 1 ;;
  'complete -- noth'*) printf ':4\\n' ;;
  *) printf ':0\\n' ;;
esac
`;

/** A shell, and how it loads the script. */
interface Shell {
  readonly name: 'bash' | 'zsh' | 'fish';
  readonly args: readonly string[];
  readonly load: (program: string) => string;
}

const SHELLS: readonly Shell[] = [
  {
    name: 'bash',
    args: ['--noprofile', '--norc', '-i'],
    load: (program) => `eval "$(${program} completion bash)"`,
  },
  {
    name: 'zsh',
    args: ['-f', '-i'],
    load: (program) => `autoload -Uz compinit; compinit -D; source <(${program} completion zsh)`,
  },
  { name: 'fish', args: ['--no-config', '-i'], load: (program) => `${program} completion fish | source` },
];

const { path: home, remove } = createTemporaryFolder('acr-completion-');
const bin = join(home, 'bin');
mkdirSync(bin);
symlinkSync(PROGRAM, join(bin, NAME));
symlinkSync(PROGRAM, join(bin, `${NAME}-other`));
writeFileSync(join(bin, STUB_NAME), STUB, { mode: 0o755 });
mkdirSync(join(home, 'files'));
writeFileSync(join(home, 'files', 'nothing-to-offer.txt'), '');
const ENVIRONMENT = { PATH: `${bin}:/usr/bin:/bin`, HOME: home, LANG: 'C.UTF-8', PS1: '> ', TERM: 'xterm-256color' };

afterAll(remove);

/** Starts a shell that has loaded the script of a program. */
async function startShell(context: TestContext, { name, args, load }: Shell, program: string): Promise<TestTerminal> {
  needParts(context, 'tmux', name);
  const folder = join(home, 'files');
  const terminal = await startTerminal({ command: [partOf(name), ...args], environment: ENVIRONMENT, folder });
  context.onTestFinished(() => terminal.close());
  await terminal.waitFor(/[>#$] ?$/);
  // The stub has no script of its own: it takes that of the real program, under its own name.
  const script = program === STUB_NAME ? `(exec -a ${STUB_NAME} ${join(bin, NAME)} "$@")` : '';
  if (script !== '') writeFileSync(join(home, 'real'), `#!/bin/bash\n${script}\n`, { mode: 0o755 });
  // A blank keeps the line out of the history, which fish would suggest.
  await terminal.type(` ${load(script === '' ? program : join(home, 'real'))}; echo load''ed`);
  await terminal.press('Enter');
  await terminal.waitFor(/^loaded$/m);
  return terminal;
}

/** Types the beginning of a line and Tab, and takes the completed line away again. */
async function complete(terminal: TestTerminal, line: string, completed: RegExp, keys = ['Tab']): Promise<void> {
  await terminal.type(line);
  for (const key of keys) await terminal.press(key);
  await terminal.waitFor(completed);
  await terminal.press('C-u');
  await terminal.press('C-l');
}

for (const shell of SHELLS) {
  describe.concurrent(shell.name, () => {
    it('completes commands and choices', async (context) => {
      const terminal = await startShell(context, shell, NAME);
      await complete(terminal, `${NAME} compl`, / docker-credential-acr completion$/m);
      await complete(terminal, `${NAME} completion f`, /completion fish$/m);
      await complete(terminal, `${NAME} help envir`, /help environment$/m);
      await complete(terminal, `${NAME} completion --he`, /completion --help$/m);
      // bash lists several candidates at the second Tab.
      await complete(terminal, `${NAME} `, /\bcompletion\b[\s\S]*\bversion\b/, ['Tab', 'Tab']);
      expect(await terminal.screen()).not.toMatch(/\bcomplete\b/);
    });

    it('completes for a program of another name', async (context) => {
      const terminal = await startShell(context, shell, `${NAME}-other`);
      await complete(terminal, `${NAME}-other compl`, /acr-other completion$/m);
    });

    it('completes hosts, with a port too, and values after an equals sign', async (context) => {
      const terminal = await startShell(context, shell, STUB_NAME);
      await complete(terminal, `${STUB_NAME} token con`, /token contoso\.azurecr\.io$/m);
      await complete(terminal, `${STUB_NAME} token 127.0.0.1`, /token 127\.0\.0\.1:5000$/m);
      await complete(terminal, `${STUB_NAME} token 127.0.0.1:5`, /token 127\.0\.0\.1:5000$/m);
      await complete(terminal, `${STUB_NAME} --tenant=cont`, /stub --tenant=contoso$/m);
    });

    it('offers files only where they are wanted', async (context) => {
      const terminal = await startShell(context, shell, STUB_NAME);
      await complete(terminal, `${STUB_NAME} --file noth`, /--file nothing-to-offer\.txt$/m);
      await terminal.type(`${STUB_NAME} noth`);
      await terminal.press('Tab');
      await terminal.type('.');
      await terminal.waitFor(/stub noth\.$/m);
    });
  });
}

describe.concurrent('the scripts', () => {
  it('can be in a folder of completions for zsh, which loads them at the first Tab', async (context) => {
    const load = (program: string) =>
      `${program} completion zsh >~/_${program}; fpath=(~ $fpath); autoload -Uz compinit; compinit -u -D`;
    const terminal = await startShell(context, { name: 'zsh', args: ['-f', '-i'], load }, NAME);
    await complete(terminal, `${NAME} compl`, / docker-credential-acr completion$/m);
    await complete(terminal, `${NAME} completion f`, /completion fish$/m);
  });

  it('evaluate nothing that is typed or offered', async (context) => {
    needParts(context, 'bash', 'zsh', 'fish');
    for (const shell of SHELLS) {
      const terminal = await startShell(context, shell, NAME);
      const line = `${NAME} help $(touch ~/evaluated-by-${shell.name}) env`;
      await terminal.type(line);
      await terminal.press('Tab');
      await terminal.type('!');
      await terminal.waitFor(/env!$/m);
      expect(existsSync(join(home, `evaluated-by-${shell.name}`)), shell.name).toBe(false);
    }
  });

  it('can be loaded twice, where strict options are set, without a word', async (context) => {
    needParts(context, 'bash', 'zsh', 'fish');
    const twice = (load: string) => `set -eu\n${load}\n${load}\n`;
    const script = (shell: string) => `source <(${NAME} completion ${shell})`;
    const runs = [
      ['bash', '-c', twice(script('bash'))],
      ['zsh', '-f', '-c', `autoload -Uz compinit; compinit -D\n${twice(script('zsh'))}`],
      ['fish', '--no-config', '-c', `${NAME} completion fish | source\n${NAME} completion fish | source`],
    ] as const;
    for (const [shell, ...args] of runs) {
      const result = await runProcess(partOf(shell), args, { environment: ENVIRONMENT });
      expect(result, shell).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    }
  });
});
