/** Packages of npm that are clients, each in a folder of its own. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { lastLines, readTextFile, runCommand } from './command.ts';
import type { PartReport } from './part.ts';

export interface NpmPackage {
  readonly part: string;
  readonly name: string;
  readonly version: string;
  readonly folder: string;
}

export function isNpmPackageInstalled({ folder, version }: Pick<NpmPackage, 'folder' | 'version'>): boolean {
  return readTextFile(join(folder, 'version')) === version;
}

/** Installs a package unless its folder has this version. No install scripts: what they build, no test uses. */
export async function installNpmPackage(wanted: NpmPackage): Promise<PartReport> {
  const { part, name, version, folder } = wanted;
  if (isNpmPackageInstalled(wanted)) return { part, state: 'present', detail: '' };
  // A folder without the stamp is left from an interrupted installation.
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock', '--omit=optional'];
  const result = await runNpm(['install', '--prefix', folder, ...options, `${name}@${version}`]);
  if (result.exitCode !== 0) return { part, state: 'missing', detail: lastLines(result.output) };
  writeFileSync(join(folder, 'version'), version);
  return { part, state: 'installed', detail: version };
}

/** `npm run` sets the path of its npm in a variable. On Windows, `npm` is a script that cannot be executed directly. */
function runNpm(args: readonly string[]) {
  const npm = process.env['npm_execpath'];
  return npm ? runCommand(process.execPath, [npm, ...args]) : runCommand('npm', args);
}
