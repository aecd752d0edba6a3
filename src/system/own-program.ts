/** Finds this program's own file, and how it is started. */

import { realpathSync } from 'node:fs';
import { FORM } from '../version.ts';

/** The running program. */
export interface OwnProgram {
  readonly form: 'executable' | 'npm package';
  /** The executable, or the script that Node runs. */
  readonly file: string;
  /** What `process.execPath` needs before the program's own arguments. */
  readonly nodeArguments: readonly string[];
}

/** The command that puts the npm package's program on the PATH of clients. */
export const INSTALL_GLOBALLY = 'npm install --global docker-credential-acr';

/** Whether a program is where only npm and npx let the programs look that they start. */
export function isForNpmOnly(file: string): boolean {
  return /[\\/]node_modules[\\/]\.bin[\\/][^\\/]*$/.test(file);
}

/**
 * Finds the running program.
 * @returns `undefined` when it runs from its sources, or as a part of another program.
 */
export function findOwnProgram(): OwnProgram | undefined {
  if (FORM === 'npm package') return findScript(process.argv[1]);
  // Node can also run the code of the executable, and then starts as Node.
  const isExecutable = FORM === 'executable' && process.getBuiltinModule('node:sea').isSea();
  return isExecutable ? { form: 'executable', file: process.execPath, nodeArguments: [] } : undefined;
}

/** Behind every link: the name of a link may be that of a kubelet's plug-in, which takes other arguments. */
function findScript(called: string | undefined): OwnProgram | undefined {
  if (called === undefined) return undefined;
  try {
    const file = realpathSync(called);
    return { form: 'npm package', file, nodeArguments: [file] };
  } catch {
    return undefined; // removed while it runs
  }
}
