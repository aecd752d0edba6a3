/** Checks package-lock.json by itself: every package has a checksum, comes from npm, and runs nothing when it is installed. */

import { asJsonObject, type JsonObject } from '../../src/json.ts';

const REGISTRY_HOST = 'registry.npmjs.org';

/**
 * Finds what is wrong with a lock file.
 * @param lock the object in package-lock.json.
 * @param allowedScripts the packages whose install scripts `allowScripts` in package.json allows.
 */
export function checkLockFile(lock: unknown, allowedScripts: readonly string[]): readonly string[] {
  const packages = objectOf(objectOf(lock)['packages']);
  const entries = Object.entries(packages).filter(([path]) => path !== '');
  if (entries.length === 0) return ['package-lock.json lists no packages'];
  return entries.flatMap(([path, value]) => {
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
    return checkPackage(objectOf(value), allowedScripts.includes(name)).map((problem) => `${path}: ${problem}`);
  });
}

function checkPackage(entry: JsonObject, mayRunScripts: boolean): readonly string[] {
  const { integrity, resolved, link, hasInstallScript } = entry;
  const problems: string[] = [];
  if (link === true) problems.push('it is a link, whose content nobody checks');
  // Several checksums may stand side by side; npm checks the strongest.
  else if (!/(?:^| )sha512-[A-Za-z0-9+/]{86}==(?: |$)/.test(String(integrity))) problems.push('it has no SHA-512');
  if (resolved !== undefined && !isFromRegistry(String(resolved))) problems.push(`it comes from ${resolved}`);
  if (hasInstallScript === true && !mayRunScripts) problems.push('it has an install script that nobody allowed');
  return problems;
}

function isFromRegistry(resolved: string): boolean {
  const url = URL.parse(resolved);
  return url?.protocol === 'https:' && url.host === REGISTRY_HOST && url.username === '' && url.password === '';
}

/** Reads which packages may run scripts from the object in package.json. */
export function readAllowedScripts(manifest: unknown): readonly string[] {
  const allowed = Object.entries(objectOf(objectOf(manifest)['allowScripts']));
  return allowed.filter(([, isAllowed]) => isAllowed === true).map(([name]) => name);
}

function objectOf(value: unknown): JsonObject {
  return asJsonObject(value) ?? {};
}
