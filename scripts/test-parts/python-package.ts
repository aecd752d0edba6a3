/** Packages of Python, each in a virtual environment of its own. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram, isExecutable, lastLines, readTextFile, runCommand } from './command.ts';
import { PARTS_FOLDER, type PartReport } from './part.ts';

export interface PythonPackage {
  /** What its folder and its reports are called. */
  readonly part: string;
  /** As PyPI calls it. */
  readonly name: string;
  readonly version: string;
  /** The program of the environment that shows that it is there. */
  readonly program: string;
}

/** Where the programs of a package's environment are. */
export function findPythonProgram({ part }: PythonPackage, program: string): string {
  return join(PARTS_FOLDER, part, 'bin', program);
}

export function isPythonPackageInstalled(wanted: PythonPackage): boolean {
  const isThere = isExecutable(findPythonProgram(wanted, wanted.program));
  return isThere && readTextFile(join(PARTS_FOLDER, wanted.part, 'version')) === wanted.version;
}

/** Whether Python can make virtual environments that hold pip (Debian ships that in a package of its own). */
export async function canMakeVirtualEnvironments(): Promise<boolean> {
  const python = findPython();
  return python !== undefined && (await runCommand(python, ['-c', 'import ensurepip, venv'])).exitCode === 0;
}

/** Installs a package when it is missing or of another version. */
export async function installPythonPackage(wanted: PythonPackage): Promise<PartReport> {
  const { part, name, version } = wanted;
  if (isPythonPackageInstalled(wanted)) return { part, state: 'present', detail: '' };
  const python = findPython();
  if (python === undefined) return { part, state: 'missing', detail: 'it needs Python 3 with venv' };
  const folder = join(PARTS_FOLDER, part);
  // A folder without the stamp is what an interrupted installation left.
  rmSync(folder, { recursive: true, force: true });
  const created = await runCommand(python, ['-m', 'venv', folder]);
  if (created.exitCode !== 0) return { part, state: 'missing', detail: lastLines(created.output) };
  const options = ['--quiet', '--disable-pip-version-check', '--no-compile'];
  const installed = await runCommand(join(folder, 'bin', 'pip'), ['install', ...options, `${name}==${version}`]);
  if (installed.exitCode !== 0) return { part, state: 'missing', detail: lastLines(installed.output) };
  writeFileSync(join(folder, 'version'), version);
  return { part, state: 'installed', detail: version };
}

/** Debian's Python comes first: python3-venv belongs to that one, not to another that PATH may name. */
function findPython(): string | undefined {
  return isExecutable('/usr/bin/python3') ? '/usr/bin/python3' : findProgram('python3');
}
