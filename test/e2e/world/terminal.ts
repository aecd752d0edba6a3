/** Runs a program in a real terminal, types into it, and reads its screen. The terminal is tmux. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { partOf } from './parts.ts';
import { runProcess } from './process.ts';
import { createTemporaryFolder } from './temporary-folder.ts';

export interface TerminalOptions {
  /** The program and its arguments. */
  readonly command: readonly string[];
  /** Every variable of the program. `TERM` is added where it is missing; nothing else is. */
  readonly environment: Readonly<Record<string, string>>;
  /** 100 by default. */
  readonly columns?: number;
  /** 40 by default. */
  readonly rows?: number;
  /** The working directory; the root by default. */
  readonly folder?: string;
}

/** A program in a terminal. */
export interface TestTerminal {
  /** Types a text as it is. */
  readonly type: (text: string) => Promise<void>;
  /** Presses a key by its name in tmux: `Enter`, `Tab`, `Down`, `Space`, `Escape`, `BSpace`, `C-c` … */
  readonly press: (key: string) => Promise<void>;
  /** The screen as text, without blanks at the end of lines and without empty lines at its end. */
  readonly screen: () => Promise<string>;
  /** The screen with its colours, as SGR escapes. */
  readonly styled: () => Promise<string>;
  /**
   * Waits until the screen matches.
   * @returns the screen. @throws Error with the last screen when it takes too long.
   */
  readonly waitFor: (pattern: RegExp, timeoutMs?: number) => Promise<string>;
  /**
   * Waits until the program has ended.
   * @returns its exit code, which is 128 and the number for a signal. @throws Error with the screen when it goes on.
   */
  readonly exitCode: (timeoutMs?: number) => Promise<number>;
  /** Ends the program and the terminal. */
  readonly close: () => Promise<void>;
}

const TIMEOUT_MS = 20_000;
const POLL_MS = 25;
/** tmux and the shell set them for their own purposes. */
const OTHER_VARIABLES = [
  ...['TMUX', 'TMUX_PANE', 'TERM_PROGRAM', 'TERM_PROGRAM_VERSION', 'SHELL'],
  ...['PWD', 'OLDPWD', 'SHLVL', '_'],
];
const OPTIONS = [
  ['-g', 'status', 'off'],
  ['-s', 'escape-time', '0'],
];
/**
 * Runs the program, and makes its exit code the title of the terminal, behind everything that the program has written.
 * (What tmux itself tells of the end of a program may come before the last of its output, or not at all.) The terminal
 * stays open then.
 */
const SCRIPT = `trap : INT QUIT; "$@"; printf '\\033]2;ended %s\\033\\\\' "$?"; exec sleep 86400`;

// The terminals end with this process at the latest, before their folders are removed.
const liveSockets = new Set<string>();
process.on('exit', () => {
  for (const socket of liveSockets) spawnSync(partOf('tmux'), ['-S', socket, 'kill-server'], { env: {} });
});

/** Starts a program in a terminal of its own. The test needs the part `tmux`. */
export async function startTerminal(options: TerminalOptions): Promise<TestTerminal> {
  const { command, environment, columns = 100, rows = 40, folder = '/' } = options;
  const { path: socketFolder, remove } = createTemporaryFolder('acr-terminal-');
  const socket = join(socketFolder, 'tmux');
  const tmux = async (args: readonly string[], variables: Readonly<Record<string, string>> = {}) => {
    const all = ['-u', '-S', socket, '-f', '/dev/null', ...args];
    const { exitCode, stdout, stderr } = await runProcess(partOf('tmux'), all, { environment: variables });
    if (exitCode !== 0) throw new Error(`tmux ${args[0]} failed: ${stderr}`);
    return stdout;
  };

  const setOptions = [...OPTIONS, ['-g', 'default-terminal', environment['TERM'] ?? 'tmux-256color']];
  const [given, unset] = [true, false].map((isGiven) =>
    OTHER_VARIABLES.filter((name) => (environment[name] !== undefined) === isGiven),
  );
  const env = [
    partOf('env'),
    ...(unset ?? []).flatMap((name) => ['-u', name]),
    ...(given ?? []).map((name) => `${name}=${environment[name]}`),
  ];
  liveSockets.add(socket);
  await tmux(
    [
      'start-server',
      ...setOptions.flatMap((option) => [';', 'set-option', ...option]),
      ...[';', 'new-session', '-d', '-x', String(columns), '-y', String(rows), '-c', folder, '--', '/bin/sh', '-c'],
      ...[SCRIPT, 'sh', ...env, ...command].map(escapeEnd),
    ],
    environment,
  );

  const capture = async (...flags: readonly string[]) => {
    const text = await tmux(['capture-pane', '-p', ...flags]);
    return text.replace(/ +$/gm, '').trimEnd();
  };
  const screen = () => capture();
  const waitUntil = async (isDone: () => Promise<boolean>, timeoutMs: number, wanted: string) => {
    const deadline = Date.now() + timeoutMs;
    while (!(await isDone())) {
      if (Date.now() > deadline) throw new Error(`No ${wanted} within ${timeoutMs} ms. The screen:\n${await screen()}`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  };
  return {
    type: async (text) => {
      await tmux(['send-keys', '-l', '--', escapeEnd(text)]);
    },
    press: async (key) => {
      await tmux(['send-keys', '--', key]);
    },
    screen,
    styled: () => capture('-e'),
    waitFor: async (pattern, timeoutMs = TIMEOUT_MS) => {
      let last = '';
      const matches = async () => {
        last = await screen();
        return pattern.test(last);
      };
      await waitUntil(matches, timeoutMs, String(pattern));
      return last;
    },
    exitCode: async (timeoutMs = TIMEOUT_MS) => {
      let code: string | undefined;
      const hasEnded = async () => {
        code = /^ended (\d+)$/m.exec(await tmux(['display-message', '-p', '#{pane_title}']))?.[1];
        return code !== undefined;
      };
      await waitUntil(hasEnded, timeoutMs, 'exit code');
      return Number(code);
    },
    close: async () => {
      await tmux(['kill-server']);
      liveSockets.delete(socket);
      remove();
    },
  };
}

/** tmux takes a semicolon at the end of an argument for the end of a command. */
function escapeEnd(argument: string): string {
  return argument.endsWith(';') ? `${argument.slice(0, -1)}\\;` : argument;
}
