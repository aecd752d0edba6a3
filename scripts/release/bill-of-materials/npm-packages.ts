/** Finds the npm packages whose code is in a program, with what the lock file says about them. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { asJsonObject, asText, type JsonObject, parseJsonObject } from '../../../src/json.ts';
import { type Component, type Dependency, escapePurl, licensedAs, referenceOf } from './cyclonedx.ts';

/** The packages of the lock file by their folders, such as `node_modules/jose`. */
export type LockedPackages = Readonly<Record<string, unknown>>;

export interface PackagesBill {
  readonly components: readonly Component[];
  /** Which of them needs which. */
  readonly dependencies: readonly Dependency[];
  /** Those that this project names itself. */
  readonly direct: readonly string[];
}

/** @throws when there is no lock file, or it is not of this format. */
export async function readLockedPackages(root: string): Promise<LockedPackages> {
  const packages = asJsonObject(parseJsonObject(await readFile(join(root, 'package-lock.json'), 'utf8'))?.['packages']);
  if (packages === undefined) throw new Error('Cannot read package-lock.json: it lists no packages');
  return packages;
}

/**
 * Lists the packages to which the files belong.
 * @param files relative to the project, as esbuild names them.
 * @throws when the lock file lacks one of them or its checksum.
 */
export function listPackages(locked: LockedPackages, files: readonly string[]): PackagesBill {
  const folders = [...new Set(files.flatMap((file) => findPackageFolder(file) ?? []))].sort();
  const byFolder = new Map(folders.map((folder) => [folder, describePackage(locked, folder)]));
  const listNeeded = (folder: string) => {
    const needed = Object.keys(asJsonObject(readEntry(locked, folder)['dependencies']) ?? {});
    const components = needed.flatMap((name) => findDependency(byFolder, folder, name) ?? []);
    return components.map(referenceOf).sort();
  };
  return {
    components: [...byFolder.values()],
    dependencies: [...byFolder].map(([folder, component]) => {
      return { ref: referenceOf(component), dependsOn: listNeeded(folder) };
    }),
    direct: listNeeded(''),
  };
}

/** A package of the lock file as a component. */
export function describePackage(locked: LockedPackages, folder: string): Component {
  const entry = readEntry(locked, folder);
  const [version, licence, integrity] = ['version', 'license', 'integrity'].map((key) => asText(entry[key]));
  const sum = /^sha512-([A-Za-z0-9+/]+={0,2})$/.exec(integrity ?? '')?.[1];
  if (version === undefined || licence === undefined || sum === undefined) {
    throw new Error(`package-lock.json does not tell the version, the licence and the SHA-512 of ${folder}`);
  }
  const name = folder.slice(folder.lastIndexOf('node_modules/') + 'node_modules/'.length);
  const purl = `pkg:npm/${name.split('/').map(escapePurl).join('/')}@${escapePurl(version)}`;
  return {
    ...{ type: 'library', 'bom-ref': purl, name, version, purl, licenses: licensedAs(licence) },
    hashes: [{ alg: 'SHA-512', content: Buffer.from(sum, 'base64').toString('hex') }],
  };
}

function readEntry(locked: LockedPackages, folder: string): JsonObject {
  const entry = asJsonObject(locked[folder]);
  if (entry === undefined) throw new Error(`package-lock.json does not name ${folder}`);
  return entry;
}

/** As Node looks for it: in the package's own folder, then in each above it. */
function findDependency(byFolder: ReadonlyMap<string, Component>, from: string, name: string): Component | undefined {
  const path = from === '' ? `node_modules/${name}` : `${from}/node_modules/${name}`;
  const found = byFolder.get(path);
  if (found !== undefined || from === '') return found;
  const above = from.lastIndexOf('/node_modules/');
  return findDependency(byFolder, above === -1 ? '' : from.slice(0, above), name);
}

/** @returns the folder of the package that a file belongs to; `undefined` for a file of our own. */
function findPackageFolder(file: string): string | undefined {
  return /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0];
}
