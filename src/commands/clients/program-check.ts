/** Checks whether clients find this program under the name that their configuration has. */

import { realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { describeCause } from '../../errors.ts';
import { createQuote } from '../../redact.ts';
import { shellWord } from '../../shell-word.ts';
import { findExecutable, runChild } from '../../system/child-process.ts';
import { isKnownToDesktop } from '../../system/desktop.ts';
import { MISSING_IS_UNDEFINED } from '../../system/folders.ts';
import { findOwnProgram, INSTALL_GLOBALLY, isForNpmOnly, type OwnProgram } from '../../system/own-program.ts';
import { findHome } from '../../system/paths.ts';
import { type Runtime, readVariable } from '../../system/runtime.ts';

/** What clients find under the program's name. */
export interface ProgramCheck {
  readonly state: 'found' | 'missing' | 'other-program';
  /** The first program of that name on the PATH. */
  readonly file: string | undefined;
  /** What is wrong, or may be wrong for some clients; `undefined` when nothing is. */
  readonly problem: string | undefined;
  readonly fix: string | undefined;
}

const TIMEOUT_MS = 5_000;

/**
 * Looks for the program on the PATH of this process.
 * @param own the running program; `undefined` when it runs from its sources.
 */
export async function checkProgram(
  runtime: Runtime,
  own: Pick<OwnProgram, 'form' | 'file'> | undefined = findOwnProgram(),
): Promise<ProgramCheck> {
  const { programName } = runtime;
  const file = findExecutable(runtime, programName);
  if (file === undefined) {
    const problem = `${programName} is not on the PATH, so clients cannot start it`;
    return { state: 'missing', file, problem, fix: own === undefined ? undefined : describeInstallation(runtime, own) };
  }
  const other = own !== undefined && isSameFile(file, own.file) ? undefined : await describeOther(runtime, file);
  if (other !== undefined) {
    const problem = `clients start another program of that name: ${file} ${other}`;
    const fix = `rename or remove ${shellWord(file)}, or put this one before it on the PATH`;
    return { state: 'other-program', file, problem, fix };
  }
  const folder = dirname(file);
  if (isForNpmOnly(file)) {
    const problem = `clients that npm does not start do not look in ${folder}`;
    return { state: 'found', file, problem, fix: INSTALL_GLOBALLY };
  }
  if (isKnownToDesktop(runtime, folder)) return { state: 'found', file, problem: undefined, fix: undefined };
  const problem = `programs that the desktop starts may not look in ${folder}`;
  return { state: 'found', file, problem, fix: formatLink(runtime, file) };
}

/** The snap package of Docker starts no helpers. @returns its file; `undefined` when docker is none. */
export function findSnapDocker(runtime: Runtime): string | undefined {
  const file = findExecutable(runtime, 'docker');
  return file?.startsWith('/snap/') === true ? file : undefined;
}

/** @returns what a program that is not this one says of itself; `undefined` when it is this one, perhaps a copy. */
async function describeOther(runtime: Runtime, file: string): Promise<string | undefined> {
  const quote = createQuote(runtime);
  try {
    const { stdout, stderr } = await runChild(runtime, { file, args: ['version'], timeoutMs: TIMEOUT_MS });
    if (/^docker-credential-[\w-]+ \(docker-credential-acr\) v\d/.test(stdout)) return undefined;
    return `(its version: ${quote(stdout || stderr, 80) || 'nothing'})`;
  } catch (cause) {
    return `(${quote(describeCause(cause), 80)})`;
  }
}

function isSameFile(one: string, other: string): boolean {
  try {
    return realpathSync(one) === realpathSync(other);
  } catch {
    return false;
  }
}

function describeInstallation(runtime: Runtime, { form, file }: Pick<OwnProgram, 'form' | 'file'>): string {
  return form === 'npm package' ? INSTALL_GLOBALLY : formatLink(runtime, file);
}

function formatLink({ platform, programName }: Runtime, file: string): string {
  if (platform === 'win32') return `put ${shellWord(dirname(file))} on the PATH of your account`;
  return `sudo ln -s ${shellWord(file)} ${shellWord(`/usr/local/bin/${programName}`)}`;
}

/** Whose files are meant under sudo. @returns `undefined` without sudo, and where HOME is that of the person. */
export function describeSudo(runtime: Runtime): string | undefined {
  const user = readVariable(runtime, 'SUDO_USER');
  if (user === undefined || process.geteuid?.() !== 0) return undefined;
  const home = findHome(runtime);
  if (home === undefined || String(statSync(home, MISSING_IS_UNDEFINED)?.uid) === readVariable(runtime, 'SUDO_UID')) {
    return undefined;
  }
  return `under sudo, HOME is ${home}: for the files of ${createQuote(runtime)(user, 40)}, run it without sudo`;
}
