/** Python packages, each in its own virtual environment. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram, isExecutable, lastLines, readTextFile, runCommand } from './command.ts';
import { PARTS_FOLDER, type PartReport } from './part.ts';

export interface PythonPackage {
  /** The name of its folder and in its reports. */
  readonly part: string;
  /** Its name on PyPI. */
  readonly name: string;
  readonly version: string;
  /** A program of the environment whose presence shows that the package is installed. */
  readonly program: string;
}

/** Finds a program in the environment of a package. */
export function findPythonProgram({ part }: PythonPackage, program: string): string {
  return join(PARTS_FOLDER, part, 'bin', program);
}

export function isPythonPackageInstalled(wanted: PythonPackage): boolean {
  const isThere = isExecutable(findPythonProgram(wanted, wanted.program));
  return isThere && readTextFile(join(PARTS_FOLDER, wanted.part, 'version')) === wanted.version;
}

/** Whether Python can create virtual environments with pip, which Debian ships in a separate package. */
export async function canMakeVirtualEnvironments(): Promise<boolean> {
  const python = findPython();
  return python !== undefined && (await runCommand(python, ['-c', 'import ensurepip, venv'])).exitCode === 0;
}

/** Installs a package if it is missing or has another version. */
export async function installPythonPackage(wanted: PythonPackage): Promise<PartReport> {
  const { part, name, version } = wanted;
  if (isPythonPackageInstalled(wanted)) return { part, state: 'present', detail: '' };
  const python = findPython();
  if (python === undefined) return { part, state: 'missing', detail: 'it needs Python 3 with venv' };
  const folder = join(PARTS_FOLDER, part);
  // A folder without the stamp is left from an interrupted installation.
  rmSync(folder, { recursive: true, force: true });
  const created = await runCommand(python, ['-m', 'venv', folder]);
  if (created.exitCode !== 0) return { part, state: 'missing', detail: lastLines(created.output) };
  const options = ['--quiet', '--disable-pip-version-check', '--no-compile'];
  const installed = await runCommand(join(folder, 'bin', 'pip'), ['install', ...options, `${name}==${version}`]);
  if (installed.exitCode !== 0) return { part, state: 'missing', detail: lastLines(installed.output) };
  writeFileSync(join(folder, 'version'), version);
  return { part, state: 'installed', detail: version };
}

/** Debian's Python comes first: python3-venv belongs to it, and not to another Python on PATH. */
function findPython(): string | undefined {
  return isExecutable('/usr/bin/python3') ? '/usr/bin/python3' : findProgram('python3');
}
