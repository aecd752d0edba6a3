/** Runs Node in a process of its own. */
import { spawn } from 'node:child_process';

export interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ChildOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** The text on its input, which is closed after it; `open` leaves the input open and silent. */
  readonly input?: string | { readonly open: true };
}

/** Runs Node with these arguments until it ends, with only these variables in its environment. */
export function runNode(args: readonly string[], { env = {}, cwd, input = '' }: ChildOptions = {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { env, cwd, stdio: 'pipe' });
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        output[name] += text;
      });
    }
    child.once('error', reject);
    child.once('close', (exitCode) => resolve({ exitCode, ...output }));
    child.stdin.once('error', reject); // a writer must never be cut off
    if (typeof input === 'string') child.stdin.end(input);
    else child.once('exit', () => child.stdin.destroy());
  });
}
