/** testcontainers for Node. The tests run the code with which several of its releases read a credential helper. */
import { join } from 'node:path';
import { installNpmPackage, isNpmPackageInstalled } from './npm-package.ts';
import { PARTS_FOLDER, type PartReport } from './part.ts';

/** The newest release, the last one that calls `list` first, and one that does not check the result of `list`. */
export const TESTCONTAINERS_VERSIONS = ['12.2.0', '11.5.1', '10.8.1'] as const;

/** The module of a release that finds the credential of a registry. */
export function findTestcontainersModule(version: string): string {
  const module = ['container-runtime', 'auth', 'get-auth-config.js'];
  return join(folderOf(version), 'node_modules', 'testcontainers', 'build', ...module);
}

export function isTestcontainersInstalled(version: string): boolean {
  return isNpmPackageInstalled({ folder: folderOf(version), version });
}

/** Installs the missing releases one after the other: then npm's cache has the packages that they share. */
export async function installTestcontainers(): Promise<readonly PartReport[]> {
  const reports: PartReport[] = [];
  for (const version of TESTCONTAINERS_VERSIONS) {
    const wanted = { part: `testcontainers-${version}`, name: 'testcontainers', version, folder: folderOf(version) };
    reports.push(await installNpmPackage(wanted));
  }
  return reports;
}

function folderOf(version: string): string {
  return join(PARTS_FOLDER, 'testcontainers', version);
}
