/** The real Azure CLI, in a virtual environment of its own. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram, isExecutable, lastLines, readTextFile, runCommand } from './command.ts';
import { PARTS_FOLDER, type PartReport } from './part.ts';

export const AZURE_CLI_VERSION = '2.91.0';

const FOLDER = join(PARTS_FOLDER, 'azure-cli');
const STAMP = join(FOLDER, 'version');

export function isAzureCliInstalled(): boolean {
  return isExecutable(join(FOLDER, 'bin', 'az')) && readTextFile(STAMP) === AZURE_CLI_VERSION;
}

/** Whether Python can make virtual environments that hold pip (Debian ships that in a package of its own). */
export async function canMakeVirtualEnvironments(): Promise<boolean> {
  const python = findPython();
  return python !== undefined && (await runCommand(python, ['-c', 'import ensurepip, venv'])).exitCode === 0;
}

export async function installAzureCli(): Promise<PartReport> {
  const part = 'azure-cli';
  if (isAzureCliInstalled()) return { part, state: 'present', detail: '' };
  const python = findPython();
  if (python === undefined) return { part, state: 'missing', detail: 'it needs Python 3 with venv' };
  // A folder without the stamp is what an interrupted installation left.
  rmSync(FOLDER, { recursive: true, force: true });
  const created = await runCommand(python, ['-m', 'venv', FOLDER]);
  if (created.exitCode !== 0) return { part, state: 'missing', detail: lastLines(created.output) };
  const pip = join(FOLDER, 'bin', 'pip');
  const installed = await runCommand(pip, [
    'install',
    '--quiet',
    '--disable-pip-version-check',
    '--no-compile',
    `azure-cli==${AZURE_CLI_VERSION}`,
  ]);
  if (installed.exitCode !== 0) return { part, state: 'missing', detail: lastLines(installed.output) };
  writeFileSync(STAMP, AZURE_CLI_VERSION);
  return { part, state: 'installed', detail: AZURE_CLI_VERSION };
}

/** Debian's Python comes first: python3-venv belongs to that one, not to another that PATH may name. */
function findPython(): string | undefined {
  return isExecutable('/usr/bin/python3') ? '/usr/bin/python3' : findProgram('python3');
}
