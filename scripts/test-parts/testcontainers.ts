/** testcontainers for Node, of which the tests run how it reads a credential helper, in the ways of several releases. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { lastLines, readTextFile, runCommand } from './command.ts';
import { PARTS_FOLDER, type PartReport } from './part.ts';

/** The newest, the last that asks for the list first, and one from before it minded what a list is. */
export const TESTCONTAINERS_VERSIONS = ['12.2.0', '11.5.1', '10.8.1'] as const;

/** The module of a release that finds the credential of a registry. */
export function findTestcontainersModule(version: string): string {
  const module = ['container-runtime', 'auth', 'get-auth-config.js'];
  return join(folderOf(version), 'node_modules', 'testcontainers', 'build', ...module);
}

export function isTestcontainersInstalled(version: string): boolean {
  return readTextFile(join(folderOf(version), 'version')) === version;
}

/** Installs the releases that are missing, one after the other: npm's cache then has what they share. */
export async function installTestcontainers(): Promise<readonly PartReport[]> {
  const reports: PartReport[] = [];
  for (const version of TESTCONTAINERS_VERSIONS) reports.push(await install(version));
  return reports;
}

async function install(version: string): Promise<PartReport> {
  const part = `testcontainers-${version}`;
  if (isTestcontainersInstalled(version)) return { part, state: 'present', detail: '' };
  const folder = folderOf(version);
  // A folder without the stamp is what an interrupted installation left.
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  // No scripts: what is native in it speaks to remote engines, which no test does.
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock', '--omit=optional'];
  const result = await runNpm(['install', '--prefix', folder, ...options, `testcontainers@${version}`]);
  if (result.exitCode !== 0) return { part, state: 'missing', detail: lastLines(result.output) };
  writeFileSync(join(folder, 'version'), version);
  return { part, state: 'installed', detail: version };
}

function folderOf(version: string): string {
  return join(PARTS_FOLDER, 'testcontainers', version);
}

/** `npm run` says where its own npm is; on Windows `npm` alone is a script that cannot be executed. */
function runNpm(args: readonly string[]) {
  const npm = process.env['npm_execpath'];
  return npm ? runCommand(process.execPath, [npm, ...args]) : runCommand('npm', args);
}
