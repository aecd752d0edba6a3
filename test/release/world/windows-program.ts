/** The program in the two forms in which people have it on Windows: an executable, and a script of the npm package. */

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeBinary } from '../../../scripts/build/binary.ts';
import { bundleChunks } from '../../../scripts/build/chunks.ts';
import { ENTRY } from '../../../scripts/build/program.ts';
import { runProgram } from '../../../scripts/build/run.ts';
import { TARGETS } from '../../../scripts/build/target.ts';
import { readTextFile } from '../../../scripts/parts/command.ts';
import { WINDOWS_NODE_VERSION } from '../../../scripts/parts/wine.ts';
import { findReleased } from './trial.ts';
import { NODE, type Windows } from './wine.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const BUILD_SCRIPTS = join(ROOT, 'scripts/build');
const EXECUTABLE = join(ROOT, 'dist/windows-trial/docker-credential-acr.exe');

/** Where npm installs for everybody. It is on everybody's path. */
export const NPM_FOLDER = 'C:\\ProgramData\\npm global';

/** How a client starts the program. */
export interface WindowsProgram {
  readonly file: string;
  /** What comes before the program's own arguments. */
  readonly args: readonly string[];
}

/**
 * Installs the executable, made as for a release but with a Node that starts under Wine.
 * @param folder where it goes on Windows.
 */
export async function installExecutable(windows: Windows, folder: string): Promise<WindowsProgram> {
  await buildExecutable();
  const file = `${folder}\\docker-credential-acr.exe`;
  mkdirSync(dirname(windows.findHere(file)), { recursive: true });
  symlinkSync(EXECUTABLE, windows.findHere(file));
  return { file, args: [] };
}

/**
 * Installs the npm package of the release for everybody, as `npm install --global` does on Windows. (npm itself works under
 * Wine, but takes many seconds.)
 * @returns how its batch file starts it. A client starts the batch file, which takes longer.
 */
export async function installNpmPackage(windows: Windows): Promise<WindowsProgram> {
  const folder = `${NPM_FOLDER}\\node_modules\\docker-credential-acr`;
  const script = `${folder}\\bin\\docker-credential-acr.js`;
  const here = windows.findHere(folder);
  mkdirSync(here, { recursive: true });
  const archive = findReleased(/^docker-credential-acr-[\d.]+\.tgz$/);
  await runProgram('tar', ['-xzf', archive, '-C', here, '--strip-components=1']);
  // npm's own batch file goes to a label that does not exist. Where Windows goes on, the cmd.exe of Wine 8 ends the file.
  windows.write(`${NPM_FOLDER}\\docker-credential-acr.cmd`, `@ECHO off\r\n"${NODE}"  "${script}" %*\r\n`);
  return { file: NODE, args: [script] };
}

/** Builds it, unless the program and what builds it are as they were. */
async function buildExecutable(): Promise<void> {
  const target = TARGETS.find(({ os, cpu }) => os === 'win' && cpu === 'x64');
  if (target === undefined) throw new Error('There is no executable for Windows');
  const nodeVersion = WINDOWS_NODE_VERSION;
  const { start: code, parts } = await bundleChunks({ root: ROOT, entry: ENTRY, nodeVersion });
  const builders = readdirSync(BUILD_SCRIPTS).map((name) => readTextFile(join(BUILD_SCRIPTS, name)));
  const stamp = createHash('sha256')
    .update(JSON.stringify([nodeVersion, code, parts, builders]))
    .digest('hex');
  const stampFile = `${EXECUTABLE}.stamp`;
  if (existsSync(EXECUTABLE) && readTextFile(stampFile) === stamp) return;
  await makeBinary({ root: ROOT, target: { ...target, nodeVersion }, code, parts, output: EXECUTABLE });
  writeFileSync(stampFile, stamp);
}
