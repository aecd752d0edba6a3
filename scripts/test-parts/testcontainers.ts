/** testcontainers for Node. The tests run the code with which several of its releases read a credential helper. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { lastLines, readTextFile, runCommand } from './command.ts';
import { PARTS_FOLDER, type PartReport } from './part.ts';

/** The newest release, the last one that calls `list` first, and one that does not check the result of `list`. */
export const TESTCONTAINERS_VERSIONS = ['12.2.0', '11.5.1', '10.8.1'] as const;

/** The module of a release that finds the credential of a registry. */
export function findTestcontainersModule(version: string): string {
  const module = ['container-runtime', 'auth', 'get-auth-config.js'];
  return join(folderOf(version), 'node_modules', 'testcontainers', 'build', ...module);
}

export function isTestcontainersInstalled(version: string): boolean {
  return readTextFile(join(folderOf(version), 'version')) === version;
}

/** Installs the missing releases one after the other: then npm's cache has the packages that they share. */
export async function installTestcontainers(): Promise<readonly PartReport[]> {
  const reports: PartReport[] = [];
  for (const version of TESTCONTAINERS_VERSIONS) reports.push(await install(version));
  return reports;
}

async function install(version: string): Promise<PartReport> {
  const part = `testcontainers-${version}`;
  if (isTestcontainersInstalled(version)) return { part, state: 'present', detail: '' };
  const folder = folderOf(version);
  // A folder without the stamp is left from an interrupted installation.
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  // No install scripts: they build native code for remote engines, which no test uses.
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock', '--omit=optional'];
  const result = await runNpm(['install', '--prefix', folder, ...options, `testcontainers@${version}`]);
  if (result.exitCode !== 0) return { part, state: 'missing', detail: lastLines(result.output) };
  writeFileSync(join(folder, 'version'), version);
  return { part, state: 'installed', detail: version };
}

function folderOf(version: string): string {
  return join(PARTS_FOLDER, 'testcontainers', version);
}

/** `npm run` sets the path of its npm in a variable. On Windows, `npm` is a script that cannot be executed directly. */
function runNpm(args: readonly string[]) {
  const npm = process.env['npm_execpath'];
  return npm ? runCommand(process.execPath, [npm, ...args]) : runCommand('npm', args);
}
