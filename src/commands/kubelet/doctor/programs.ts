/** The programs: whether the kubelet can run each, and which program it is. */

import { accessSync, constants, lstatSync, readlinkSync, realpathSync, type Stats, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { describeCause, readErrorCode } from '../../../errors.ts';
import { createQuote } from '../../../redact.ts';
import { shellWord } from '../../../shell-word.ts';
import { runChild } from '../../../system/child-process.ts';
import { WRITE_ACCESS_BY_OTHERS } from '../../../system/folders.ts';
import type { Runtime } from '../../../system/runtime.ts';
import { VERSION } from '../../../version.ts';
import { type Finding, found } from '../../doctor/check.ts';
import { readVersionLine } from '../../doctor/version-line.ts';
import type { NodeCheck, NodeContext } from './context.ts';
import type { KubeletNode } from './node.ts';
import { hasOwnName, type Provider } from './provider-file.ts';
import { readLink } from './running-kubelet.ts';

/** The check of the programs. */
export const PROGRAMS: NodeCheck = {
  name: 'programs',
  title: 'Looking at the programs',
  needsRegistry: false,
  run: checkPrograms,
};

const VERSION_TIMEOUT_MS = 5_000;
/** What the loader of glibc says. */
const MISSING_LIBRARY = /error while loading shared libraries: ([\w.+-]{1,60}): cannot open/;
const PEER_VERSION = /^acr-credential-provider version (\S{1,50})/;
const MAX_LINKS = 40;

async function checkPrograms(context: NodeContext): Promise<readonly Finding[]> {
  const node = await context.node;
  const { binFolder, file } = node;
  if (binFolder === undefined) return [found('skipped', 'the folder of the programs is not known')];
  const folder = readStats(binFolder);
  if (folder?.isDirectory() !== true) {
    const what = `${binFolder} is not a folder, so the kubelet does not start`;
    return [found('problem', what, { fix: `sudo mkdir -p ${shellWord(binFolder)}` })];
  }
  const providers = (file?.providers ?? []).filter(({ name }) => isFileName(name));
  const findings = await Promise.all(providers.map((provider) => checkProgram(context, node, provider)));
  const shared = (folder.mode & WRITE_ACCESS_BY_OTHERS) === 0 ? [] : [explainShared(binFolder)];
  return providers.length === 0 && shared.length === 0
    ? [found('skipped', 'the configuration names no program')]
    : [...shared, ...findings.flat()];
}

/** Whether a name leads to a file of the folder itself. */
function isFileName(name: string): boolean {
  return name !== '' && name === basename(name) && name !== '.' && name !== '..';
}

/** Finds the file that the kubelet runs. @returns why it cannot run it, if so. */
export function findProgram(
  { binFolder = '' }: KubeletNode,
  { name }: Provider,
): { file: string } | { failure: string } {
  const file = join(binFolder, name);
  if (!isFileName(name)) return { failure: `"${name}" is not the name of a program` };
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile() ? { file } : { failure: `${file} is not a file` };
  } catch (cause) {
    return { failure: `${file} cannot be run (${describeCause(cause)})` };
  }
}

/** Whether others than root and oneself can replace a program, so that it must not be run for a test. */
export function isShared(file: string): boolean {
  try {
    const target = realpathSync(file);
    return [target, dirname(target), dirname(file)].some((one) => isWritableByOthers(statSync(one)));
  } catch {
    return false; // it cannot be run either
  }
}

function isWritableByOthers({ mode, uid }: Stats): boolean {
  const isForeign = uid !== 0 && process.geteuid !== undefined && uid !== process.geteuid();
  return (mode & WRITE_ACCESS_BY_OTHERS) !== 0 || isForeign;
}

async function checkProgram(context: NodeContext, node: KubeletNode, provider: Provider): Promise<readonly Finding[]> {
  const { runtime, programFile } = context;
  const file = join(node.binFolder ?? '', provider.name);
  const stats = readStats(file);
  if (stats === undefined) return [explainMissing(context, file)];
  if (!stats.isFile()) {
    return [
      found('problem', `${file} is not a file, so the kubelet does not start`, { fix: `ls -ld ${shellWord(file)}` }),
    ];
  }
  const target = realpathSync(file);
  if ((stats.mode & 0o111) === 0) {
    const what = `${file} is not executable, so the kubelet does not start`;
    return [found('problem', what, { fix: `sudo chmod 755 ${shellWord(target)}` })];
  }
  if (isShared(file)) return [explainShared(isWritableByOthers(stats) ? target : dirname(target))];
  const identity = await identify(runtime, { file, target, programFile });
  return [identity, ...(identity.status === 'ok' ? judgeName(runtime, provider) : [])];
}

/** Under another name, this program waits for the command of a Docker client. Its own names are judged with their arguments. */
function judgeName(runtime: Runtime, provider: Provider): readonly Finding[] {
  const { name, args, place } = provider;
  if (hasOwnName(provider) || args[0] === 'kubelet') return [];
  const what = `${place}: called as ${createQuote(runtime)(name, 100)}, this program is a plug-in only with the argument "kubelet"`;
  return [found('problem', what, { fix: "args: ['kubelet', …]" })];
}

function explainMissing({ programFile }: NodeContext, file: string): Finding {
  const link = readLink(file);
  const source = shellWord(programFile ?? '/usr/local/bin/docker-credential-acr');
  const fix = `sudo ln -sf ${source} ${shellWord(file)}`;
  if (link === undefined) return found('problem', `there is no ${file}, so the kubelet does not start`, { fix });
  if (isCircle(file))
    return found('problem', `the link ${file} leads in a circle, so the kubelet does not start`, { fix });
  const target = resolve(dirname(file), link);
  return found('problem', `${file} is a link to ${target}, which is not there, so the kubelet does not start`, { fix });
}

function explainShared(file: string): Finding {
  const what = `other users can replace ${file}, which the kubelet runs as root`;
  return found('problem', what, { fix: `sudo chown root ${shellWord(file)} && sudo chmod go-w ${shellWord(file)}` });
}

/** The names by which the systems of nodes know the libraries that minimal ones lack. */
function explainLibrary(shown: string, library: string): Finding {
  const fix = library.startsWith('libatomic.')
    ? `apt-get install libatomic1, or dnf install libatomic, or put ${library} of the archive beside the executable`
    : `install the package that has ${library}`;
  return found('problem', `${shown} cannot be started: the node has no ${library}`, { fix });
}

interface ProgramFile {
  readonly file: string;
  /** Behind every link. */
  readonly target: string;
  readonly programFile: string | undefined;
}

async function identify(runtime: Runtime, { file, target, programFile }: ProgramFile): Promise<Finding> {
  const quote = createQuote(runtime);
  const details = { file, target, version: VERSION };
  const shown = file === target ? file : `${file}, a link to ${target},`;
  if (programFile !== undefined && isSame(target, programFile)) {
    return found('ok', `${shown} is this program, version ${VERSION}`, { details });
  }
  let said: string;
  try {
    const { stdout, stderr, timedOut } = await runChild(runtime, {
      file,
      args: ['--version'],
      timeoutMs: VERSION_TIMEOUT_MS,
    });
    if (timedOut) {
      const what = `${shown} did not say its version within ${VERSION_TIMEOUT_MS / 1000} s`;
      return found('warning', what, { fix: `${shellWord(file)} --version` });
    }
    const library = quote(stderr, 300, (clean) => MISSING_LIBRARY.exec(clean)?.[1] ?? '');
    if (library !== '') return explainLibrary(shown, library);
    said = quote(stdout, 200);
  } catch (cause) {
    const fix = `file ${shellWord(target)}`;
    return found('problem', `${shown} cannot be started`, { causes: [quote(describeCause(cause))], fix });
  }
  const version = readVersionLine(said);
  if (version === VERSION) return found('ok', `${shown} is this program, version ${VERSION}`, { details });
  const replace = `sudo ln -sf ${shellWord(programFile ?? '/usr/local/bin/docker-credential-acr')} ${shellWord(file)}`;
  if (version !== undefined) {
    const what = `${shown} is version ${version} of this program; this is version ${VERSION}`;
    return found('warning', what, { fix: replace, details: { ...details, version } });
  }
  const peer = PEER_VERSION.exec(said)?.[1];
  if (peer !== undefined) {
    const what = `${shown} is the plug-in of Azure's cloud provider, version ${peer}, and not this program`;
    return found('note', what, { fix: replace, details: { ...details, version: peer } });
  }
  const causes = said === '' ? [] : [`its version: ${said}`];
  return found('note', `${shown} is another program`, { causes, details: { file, target } });
}

function isSame(one: string, other: string): boolean {
  try {
    return realpathSync(one) === realpathSync(other);
  } catch {
    return false;
  }
}

function isCircle(file: string): boolean {
  try {
    let current = file;
    for (let links = 0; links < MAX_LINKS; links += 1) {
      if (!lstatSync(current).isSymbolicLink()) return false;
      current = resolve(dirname(current), readlinkSync(current));
    }
    return true;
  } catch (cause) {
    return readErrorCode(cause) === 'ELOOP';
  }
}

function readStats(file: string): Stats | undefined {
  try {
    return statSync(file);
  } catch {
    return undefined;
  }
}
