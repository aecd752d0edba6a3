/** Finds and runs the programs that install and run the tests. */
import { spawn } from 'node:child_process';
import { accessSync, constants, readFileSync, realpathSync } from 'node:fs';
import { delimiter, join } from 'node:path';

export interface CommandResult {
  readonly exitCode: number;
  /** Both streams, in the order of arrival. */
  readonly output: string;
}

/** Runs a program to its end and collects both streams. The exit code is 127 when the program cannot be started. */
export function runCommand(
  command: string,
  args: readonly string[],
  environment: NodeJS.ProcessEnv = process.env,
): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const collect = (chunk: Buffer) => {
      output += chunk.toString();
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.on('error', (error) => resolve({ exitCode: 127, output: `${output}${error.message}\n` }));
    child.on('close', (code) => resolve({ exitCode: code ?? 1, output }));
  });
}

/** The folders of Debian's programs, which PATH may not name. */
const SYSTEM_FOLDERS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** @returns the path of a program on PATH or in the system's folders; `undefined` when there is none. */
export function findProgram(name: string): string | undefined {
  return listPrograms(name)[0];
}

/** Lists all programs of a name in the order of the search. Two paths of the same file count once. */
export function listPrograms(name: string): readonly string[] {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...SYSTEM_FOLDERS];
  const paths = folders.map((folder) => join(folder, name)).filter(isExecutable);
  const byFile = new Map(paths.toReversed().map((path) => [realpathSync(path), path]));
  return [...byFile.values()].toReversed();
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** @returns the text of a file; `undefined` when it cannot be read. */
export function readTextFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** The last lines of a program's output, for a message about its failure. */
export function lastLines(output: string, count = 15): string {
  return output.trimEnd().split('\n').slice(-count).join('\n');
}
