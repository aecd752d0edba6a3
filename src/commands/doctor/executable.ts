/** The executable: which file the clients start, and whether it is this program. */

import { realpathSync, type Stats, statSync } from 'node:fs';
import { dirname, win32 } from 'node:path';
import { HELPER_PREFIX, helperNameOf } from '../../helper-name.ts';
import { createQuote } from '../../redact.ts';
import { shellWord } from '../../shell-word.ts';
import { findExecutable, listExecutableFiles, runChild } from '../../system/child-process.ts';
import { isKnownToDesktop } from '../../system/desktop.ts';
import { WRITE_ACCESS_BY_OTHERS } from '../../system/folders.ts';
import { INSTALL_GLOBALLY, isForNpmOnly } from '../../system/own-program.ts';
import type { Runtime } from '../../system/runtime.ts';
import { VERSION } from '../../version.ts';
import { type Check, type DoctorContext, type Finding, found } from './check.ts';
import { readVersionLine } from './version-line.ts';

const VERSION_TIMEOUT_MS = 5_000;
const READ_AND_RUN_BY_ALL = 0o005;

/** The check of the executable. */
export const EXECUTABLE: Check = {
  name: 'executable',
  title: 'Looking for the executable',
  needsRegistry: false,
  run: checkExecutable,
};

async function checkExecutable(context: DoctorContext): Promise<readonly Finding[]> {
  const { runtime, programFile, nodeFile } = context;
  const quote = createQuote(runtime);
  const name = runtime.programName;
  // The system decides about each file, so that a folder without access is skipped, as clients do.
  const files = findAll(runtime, name);
  const [first, ...others] = files;
  const details = { programFile, nodeFile, version: VERSION, onPath: files };
  if (first === undefined) {
    const fix = describeInstallation(context);
    return [found('problem', `${name} is not on PATH, so no client can start it`, { fix, details })];
  }
  const findings = [await identify(context, first, details)];
  for (const other of others.filter((file) => !isSameFile(file, first))) {
    findings.push(found('note', `${quote(other)} is never started: ${quote(first)} comes first on PATH`));
  }
  if (name !== `${HELPER_PREFIX}acr`) {
    const helper = helperNameOf(runtime);
    findings.push(found('note', `it was called as ${name}: that is "${quote(helper)}" in "credHelpers"`));
  }
  if (files.every(isForNpmOnly)) {
    const what = `clients that npm does not start do not look in ${quote(dirname(first))}`;
    findings.push(found('warning', what, { fix: INSTALL_GLOBALLY }));
  }
  if (nodeFile !== undefined) findings.push(...checkNode(runtime, nodeFile));
  findings.push(...checkAccess(runtime, first));
  const docker = findExecutable(runtime, 'docker');
  if (docker?.startsWith('/snap/') === true) {
    const fix = 'install Docker in another way: https://docs.docker.com/engine/install/';
    findings.push(found('problem', `${docker} is a snap package, which cannot start credential helpers`, { fix }));
  }
  return findings;
}

/** Says whether the file that the clients start is this program. */
async function identify(context: DoctorContext, file: string, details: Finding['details']): Promise<Finding> {
  const { runtime, programFile, nodeFile } = context;
  const quote = createQuote(runtime);
  if (programFile !== undefined && isSameFile(file, programFile)) {
    const origin = nodeFile === undefined ? '' : `, installed by npm, on Node ${process.versions.node}`;
    return found('ok', `${quote(file)} is this program, version ${VERSION}${origin}`, { details });
  }
  let said = '';
  try {
    const { stdout, timedOut } = await runChild(runtime, { file, args: ['version'], timeoutMs: VERSION_TIMEOUT_MS });
    if (timedOut) {
      const what = `${quote(file)} is on PATH and did not say its version within ${VERSION_TIMEOUT_MS / 1000} s`;
      return found('problem', what, { fix: describeLook(runtime, file), details });
    }
    said = quote(stdout, 200);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : '';
    const what = `${quote(file)} is on PATH and cannot be started`;
    return found('problem', what, { causes: [quote(reason)], fix: describeLook(runtime, file), details });
  }
  const version = readVersionLine(said);
  if (version === VERSION) return found('ok', `${quote(file)} is this program, version ${VERSION}`, { details });
  if (version !== undefined) {
    const what = `clients start version ${quote(version)} at ${quote(file)}; this is version ${VERSION}`;
    return found('warning', what, { fix: describeReplacement(context, file), details });
  }
  const what = `clients start ${quote(file)}, which is another program of this name`;
  const causes = said === '' ? [] : [`its version: ${said}`];
  return found('problem', what, { causes, fix: describeReplacement(context, file), details });
}

function describeInstallation({ runtime, programFile, nodeFile }: DoctorContext): string {
  const { platform, programName } = runtime;
  if (nodeFile !== undefined) return INSTALL_GLOBALLY;
  if (platform === 'win32') {
    const what = programFile === undefined ? 'the folder of this program' : shellWord(win32.dirname(programFile));
    return `put ${what} on the PATH of your account`;
  }
  return programFile === undefined
    ? `install ${programName} into a folder of PATH, such as /usr/local/bin`
    : `sudo install ${shellWord(programFile)} /usr/local/bin/${programName}`;
}

/** A copy of the script alone would not find the rest of its package. */
function describeReplacement({ runtime, programFile, nodeFile }: DoctorContext, file: string): string {
  if (programFile === undefined || nodeFile !== undefined) {
    return `remove ${shellWord(file)}, or put this program before it on PATH`;
  }
  return `${runtime.platform === 'win32' ? 'copy' : 'sudo install'} ${shellWord(programFile)} ${shellWord(file)}`;
}

/** A command that shows who may start a file. */
function describeLook({ platform }: Runtime, file: string): string {
  return `${platform === 'win32' ? 'icacls' : 'ls -l'} ${shellWord(file)}`;
}

/** The system looks for Node on the PATH of whoever starts the script. On Windows, npm makes a batch file of it. */
function checkNode(runtime: Runtime, nodeFile: string): readonly Finding[] {
  if (runtime.platform === 'win32') {
    const what = 'some clients, such as testcontainers, start only an .exe, and npm has installed a batch file';
    return [found('note', what, { fix: 'install the executable instead' })];
  }
  const file = findExecutable(runtime, 'node');
  if (file === undefined) {
    const fix = `sudo ln -s ${shellWord(nodeFile)} /usr/local/bin/node`;
    return [found('problem', 'node is not on PATH, so no client can start this program', { fix })];
  }
  if (isKnownToDesktop(runtime, dirname(file))) return [];
  const what = `programs that the desktop starts, such as editors, may not find node, which is in ${dirname(file)}`;
  return [found('note', what, { fix: `sudo ln -s ${shellWord(file)} /usr/local/bin/node` })];
}

function checkAccess(runtime: Runtime, file: string): readonly Finding[] {
  const { platform } = runtime;
  if (platform === 'win32') return [];
  const stats = readStats(file);
  if (stats === undefined) return [];
  const findings: Finding[] = [];
  const target = realpathSync(file);
  if ((stats.mode & WRITE_ACCESS_BY_OTHERS) !== 0) {
    const what = `other users can replace ${target}, which gets your tokens`;
    findings.push(found('warning', what, { fix: `chmod go-w ${shellWord(target)}` }));
  }
  if ((stats.mode & READ_AND_RUN_BY_ALL) !== READ_AND_RUN_BY_ALL) {
    findings.push(found('note', `only its owner or group can run ${target}: not with sudo -u, nor other users`));
  }
  const folder = dirname(file);
  if (!isKnownToDesktop(runtime, folder)) {
    const what = `programs that the desktop starts, such as editors, may not have ${folder} on PATH`;
    const fix = platform === 'darwin' ? `sudo ln -s ${shellWord(file)} /usr/local/bin/` : undefined;
    findings.push(found('note', what, { fix }));
  }
  return findings;
}

function findAll(runtime: Runtime, name: string): readonly string[] {
  return listExecutableFiles(runtime, name).filter((file) => {
    const stats = readStats(file);
    return stats?.isFile() === true && (runtime.platform === 'win32' || (stats.mode & 0o111) !== 0);
  });
}

function readStats(file: string): Stats | undefined {
  try {
    return statSync(file);
  } catch {
    return undefined;
  }
}

function isSameFile(one: string, other: string): boolean {
  try {
    return realpathSync(one) === realpathSync(other);
  } catch {
    return false;
  }
}
