/**
 * Runs another program without trusting the working directory, giving it a secret, or waiting for it for ever.
 *
 * @see https://www.npmjs.com/package/@azure/core-process
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, dirname, isAbsolute, join } from 'node:path';
import { describeCause } from './errors.ts';
import { type Machine, readVariable } from './machine.ts';
import { listSecrets } from './redact.ts';

export interface ProgramResult {
  /** `undefined` when it was killed, by us or by a signal. */
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
}

const LARGEST_OUTPUT_BYTES = 1024 * 1024;
/** All that we ever pass; nothing among it means anything to `cmd.exe`. */
const PLAIN_ARGUMENT = /^[0-9A-Za-z._:/=-]+$/;

/**
 * Finds a program in the absolute folders of PATH, never in the working directory.
 * @returns its path, or `undefined`.
 */
export function findProgram(machine: Machine, name: string): string | undefined {
  const folders = (readVariable(machine, 'PATH') ?? '').split(delimiter).filter(isAbsolute);
  // On Windows a real executable anywhere on PATH is safer to start than a batch file.
  const endings = machine.platform === 'win32' ? ['.exe', '.com', '.cmd', '.bat'] : [''];
  const files = endings.flatMap((ending) => folders.map((folder) => join(folder, `${name}${ending}`)));
  return files.find(isExecutable);
}

/**
 * Runs a program to its end, or to the end of our patience: then it is killed with all that it started.
 * @param args of letters, digits and `._:/=-` only.
 * @throws when it cannot be started.
 */
export async function runProgram(
  machine: Machine,
  file: string,
  args: readonly string[],
  timeoutMs: number,
  variables: Readonly<Record<string, string>> = {},
): Promise<ProgramResult> {
  const unsafe = args.find((arg) => !PLAIN_ARGUMENT.test(arg));
  if (unsafe !== undefined) throw new Error(`an argument has characters that it must not have`);
  const isBatch = /\.(cmd|bat)$/i.test(file);
  const systemFolder = readVariable(machine, 'SystemRoot') ?? 'C:\\Windows';
  const command = isBatch ? join(systemFolder, 'System32', 'cmd.exe') : file;
  const child = spawn(command, isBatch ? ['/d', '/s', '/v:off', '/c', `""${file}" ${args.join(' ')}"`] : args, {
    cwd: machine.platform === 'win32' ? systemFolder : dirname(file),
    env: { ...withoutSecrets(machine), ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: false,
    windowsHide: true,
    windowsVerbatimArguments: isBatch,
    detached: machine.platform !== 'win32', // a group of its own, so that the whole of it can be ended
  });
  return await collect(machine, child, timeoutMs);
}

function collect(machine: Machine, child: ChildProcess, timeoutMs: number): Promise<ProgramResult> {
  return new Promise((resolve, reject) => {
    const output = { stdout: '', stderr: '' };
    let timedOut = false;
    const settle = (exitCode: number | null) => {
      clearTimeout(timer);
      child.stdout?.destroy();
      child.stderr?.destroy();
      resolve({ exitCode: exitCode ?? undefined, ...output, timedOut });
    };
    const timer = setTimeout(() => {
      timedOut = true;
      killTree(machine, child);
      settle(null); // a grandchild may keep the pipes open: there is no waiting for it
    }, timeoutMs);
    for (const name of ['stdout', 'stderr'] as const) {
      child[name]?.setEncoding('utf8').on('data', (text: string) => {
        if (output[name].length + text.length <= LARGEST_OUTPUT_BYTES) output[name] += text;
      });
    }
    child.on('error', (cause) => {
      clearTimeout(timer);
      reject(new Error(`it cannot be started (${describeCause(cause)})`));
    });
    child.on('close', settle);
  });
}

function killTree(machine: Machine, child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    if (machine.platform === 'win32') {
      spawn('taskkill', ['/pid', String(child.pid), '/t', '/f'], { stdio: 'ignore', windowsHide: true }).on(
        'error',
        () => {
          child.kill();
        },
      );
    } else {
      process.kill(-child.pid, 'SIGKILL');
    }
  } catch {
    child.kill('SIGKILL');
  }
}

function withoutSecrets(machine: Machine): Record<string, string> {
  const secrets = listSecrets(machine);
  return Object.fromEntries(
    Object.entries(machine.env).flatMap(([name, value]) =>
      value === undefined || secrets.includes(value) ? [] : [[name, value]],
    ),
  );
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
