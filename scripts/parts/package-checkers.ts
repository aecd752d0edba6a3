/** Programs that judge an npm package: publint, and "Are the types wrong?". */
import { join } from 'node:path';
import { installNpmPackage, isNpmPackageInstalled, type NpmPackage } from './npm-package.ts';
import { PARTS_FOLDER, type PartReport } from './part.ts';

const CHECKERS = {
  publint: { ...packageOf('publint', 'publint', '0.3.25'), script: 'src/cli.js' },
  attw: { ...packageOf('attw', '@arethetypeswrong/cli', '0.18.5'), script: 'dist/index.js' },
} as const;

/**
 * Finds the script of a checker, which Node runs.
 * @returns `undefined` where it is not installed.
 */
export function findPackageChecker(name: keyof typeof CHECKERS): string | undefined {
  const checker = CHECKERS[name];
  return isNpmPackageInstalled(checker)
    ? join(checker.folder, 'node_modules', checker.name, checker.script)
    : undefined;
}

/** Installs those that are missing. */
export async function installPackageCheckers(): Promise<readonly PartReport[]> {
  return [await installNpmPackage(CHECKERS.publint), await installNpmPackage(CHECKERS.attw)];
}

function packageOf(part: string, name: string, version: string): NpmPackage {
  return { part, name, version, folder: join(PARTS_FOLDER, part) };
}
