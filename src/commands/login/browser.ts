/** The browser of this machine: whether a person can see it, and how it is opened. */

import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { describeCause } from '../../errors.ts';
import { withoutSecrets } from '../../system/child-environment.ts';
import { findExecutable } from '../../system/child-process.ts';
import { type Runtime, readVariable } from '../../system/runtime.ts';
import { findSystemFolder } from '../../system/windows-launch.ts';

/** The program that opens a URL. */
export interface Browser {
  readonly file: string;
  /** The URL takes the place of `%s`, or is added at the end. */
  readonly args: readonly string[];
}

/** What the machine itself says about where this process runs. */
export interface Surroundings {
  readonly hasFile: (path: string) => boolean;
  /** The version of the kernel. */
  readonly kernel: string;
}

const PLACEHOLDER = '%s';
const CONTAINER_FILES = ['/.dockerenv', '/run/.containerenv'];
const RUNDLL = ['url.dll,FileProtocolHandler'];

/** Reads the surroundings of this process. */
export function readSurroundings(): Surroundings {
  return { hasFile: existsSync, kernel: readKernel() };
}

function readKernel(): string {
  try {
    return readFileSync('/proc/sys/kernel/osrelease', 'latin1');
  } catch {
    return ''; // not Linux
  }
}

/**
 * Finds out why a person would not see a browser that this program opens.
 * @returns the reason; `undefined` when the person would see it.
 */
export function explainNoBrowser(runtime: Runtime, surroundings: Surroundings): string | undefined {
  const has = (name: string) => readVariable(runtime, name) !== undefined;
  if (['SSH_CONNECTION', 'SSH_CLIENT', 'SSH_TTY'].some(has)) return 'this is an SSH session';
  if (runtime.platform !== 'linux')
    return findBrowser(runtime, surroundings) === undefined ? 'none was found' : undefined;
  if (has('container') || has('KUBERNETES_SERVICE_HOST') || CONTAINER_FILES.some(surroundings.hasFile)) {
    return 'this is a container';
  }
  if (isWsl(runtime, surroundings)) {
    if (!has('WSL_INTEROP')) return 'WSL cannot start programs of Windows here';
  } else if (!has('DISPLAY') && !has('WAYLAND_DISPLAY')) return 'there is no display';
  return findBrowser(runtime, surroundings) === undefined ? 'there is neither xdg-open nor BROWSER' : undefined;
}

/**
 * Finds the program that opens a URL: the one in `BROWSER`, else the system's own.
 * @returns `undefined` when there is none.
 */
export function findBrowser(runtime: Runtime, surroundings: Surroundings): Browser | undefined {
  const named = findNamedBrowser(runtime);
  if (named !== undefined) return named;
  switch (runtime.platform) {
    case 'darwin':
      return { file: '/usr/bin/open', args: [] };
    case 'win32':
      return findRundll(runtime);
    default: {
      const inWsl: readonly Browser[] = isWsl(runtime, surroundings)
        ? [
            { file: 'wslview', args: [] },
            { file: 'rundll32.exe', args: RUNDLL },
          ]
        : [];
      for (const { file, args } of [...inWsl, { file: 'xdg-open', args: [] }]) {
        const found = findExecutable(runtime, file);
        if (found !== undefined) return { file: found, args };
      }
      return undefined;
    }
  }
}

/** No shell reads `BROWSER`: it is a list of programs, each with its arguments. On Windows, it is one program. */
function findNamedBrowser(runtime: Runtime): Browser | undefined {
  const value = readVariable(runtime, 'BROWSER');
  if (value === undefined) return undefined;
  const isWindows = runtime.platform === 'win32';
  for (const command of isWindows ? [value] : value.split(':')) {
    const [name = '', ...args] = isWindows ? [value] : command.trim().split(/\s+/);
    if (isWindows && !/\.exe$/i.test(name)) continue; // a batch file would read the URL as commands
    const file = isAbsolute(name) ? name : findExecutable(runtime, name);
    if (file !== undefined && name !== '') return { file, args };
  }
  return undefined;
}

function findRundll(runtime: Runtime): Browser | undefined {
  try {
    return { file: join(findSystemFolder(runtime), 'System32', 'rundll32.exe'), args: RUNDLL };
  } catch {
    return undefined; // SystemRoot is not set
  }
}

/** Whether this is Linux within Windows. */
function isWsl(runtime: Runtime, { kernel }: Surroundings): boolean {
  return readVariable(runtime, 'WSL_DISTRO_NAME') !== undefined || /microsoft/i.test(kernel);
}

/**
 * Opens a URL, without a shell and without this program's secrets. Does not wait for the browser.
 * @param onFailure called with the reason when it turns out that the browser did not open.
 */
export function openBrowser(
  runtime: Runtime,
  { file, args }: Browser,
  url: string,
  onFailure: (reason: string) => void,
): void {
  const filled = args.map((arg) => arg.replaceAll(PLACEHOLDER, () => url));
  try {
    const child = spawn(file, args.some((arg) => arg.includes(PLACEHOLDER)) ? filled : [...filled, url], {
      // Not the working directory: the browser would keep it in use.
      cwd: runtime.platform === 'win32' ? findSystemFolder(runtime) : '/',
      env: withoutSecrets(runtime),
      // In its own session, so that Ctrl-C does not end the browser.
      detached: true,
      stdio: 'ignore',
      shell: false,
      windowsHide: true,
    });
    child.once('error', (cause) => onFailure(describeCause(cause)));
    child.once('exit', (exitCode) => {
      if (exitCode !== null && exitCode !== 0) onFailure(`it ended with exit code ${exitCode}`);
    });
    child.unref();
  } catch (cause) {
    onFailure(describeCause(cause));
  }
}
