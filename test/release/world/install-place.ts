/** A release of a few lines, a server that hands it out, and a place with few programs to install it in. */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { join } from 'node:path';
import type { TestContext } from 'vitest';
import { sumFile } from '../../../scripts/build/checksums.ts';
import { runProgram } from '../../../scripts/build/run.ts';
import { type InstallScriptFacts, renderInstallScript } from '../../../scripts/release/install-script.ts';
import { asOtherUser } from '../../e2e/world/isolation.ts';
import { findPart, needParts, needRoot, partOf } from '../../e2e/world/parts.ts';
import { type RunResult, runProcess } from '../../e2e/world/process.ts';
import { createTemporaryFolder, type TemporaryFolder } from '../../e2e/world/temporary-folder.ts';
import type { CertificateAuthority } from '../../emulator/certificates.ts';

const TEMPLATE = join(import.meta.dirname, '../../../scripts/release/install.sh');
export const PROGRAM_NAME = 'docker-credential-acr';
const RELEASES_URL = 'https://releases.example.com/download';

/** The system's programs that the script may use, except those that download, unpack or compute a checksum. */
const BASE_TOOLS = [
  ...['cat', 'chmod', 'cmp', 'cp', 'dirname', 'find', 'getconf', 'grep', 'head', 'id', 'ls', 'mkdir', 'mktemp', 'mv'],
  ...['printf', 'rm', 'rmdir', 'sh', 'sort', 'tar', 'tr', 'uname'],
];
const PACKERS = ['tar', 'xz', 'zip'];
const USUAL_TOOLS = ['curl', 'xz', 'sha256sum'];

export interface ShellReleaseOptions {
  readonly version?: string;
  /** What `version` prints, and does besides. */
  readonly program?: string;
  readonly target?: string;
  /** Changes what is packed: the folder of the archives gets its top folder. */
  readonly change?: (packed: string, top: string) => void;
  /** The arguments for tar and zip that name what is packed; the top folder by default. */
  readonly members?: readonly string[];
  readonly facts?: Partial<InstallScriptFacts>;
}

/** Where the files of a release are. */
export interface ShellRelease {
  readonly folder: string;
  readonly name: string;
  readonly script: string;
}

/** The program of a release of a few lines. */
export function writeProgram(version: string, more = ''): string {
  return `#!/bin/sh
${more}
case $1 in
  version) echo "${PROGRAM_NAME} (${PROGRAM_NAME}) v${version}, commit 0123456789ab, Node 26.10.0" ;;
  configure) echo "called: $*" ;;
esac
`;
}

/** Whether there is what {@link makeShellRelease} needs. Without it, {@link createInstallPlace} skips the test. */
export function canMakeReleases(): boolean {
  return PACKERS.every((name) => findPart(name) !== undefined);
}

/** Makes the two archives, their checksums and the script. */
export async function makeShellRelease(folder: string, options: ShellReleaseOptions = {}): Promise<ShellRelease> {
  const { version = '0.1.0', target = 'linux-x64', facts } = options;
  const { program = writeProgram(version), change, members } = options;
  const name = `${PROGRAM_NAME}-${version}-${target}`;
  const packed = join(folder, 'packed');
  const top = join(packed, name);
  for (const below of ['man', 'completions']) mkdirSync(join(top, below), { recursive: true });
  const executable = target.startsWith('windows') ? `${PROGRAM_NAME}.exe` : PROGRAM_NAME;
  writeFileSync(join(top, executable), program, { mode: 0o755 });
  writeFileSync(join(top, 'libatomic.so.1'), 'library');
  writeFileSync(join(top, `man/${PROGRAM_NAME}.1`), 'manual page');
  for (const file of [`${PROGRAM_NAME}.bash`, `_${PROGRAM_NAME}`, `${PROGRAM_NAME}.fish`]) {
    writeFileSync(join(top, 'completions', file), file);
  }
  change?.(packed, top);
  const tarArguments = ['-cJPf', join(folder, `${name}.tar.xz`), ...(members ?? [name])];
  await runProgram('tar', tarArguments, { cwd: packed, env: { ...process.env, XZ_OPT: '-0' } });
  const zipMembers = (members ?? [name]).filter((member) => !member.startsWith('--'));
  await runProgram('zip', ['-qry', join(folder, `${name}.zip`), ...zipMembers], { cwd: packed });
  const sums = new Map<string, string>();
  for (const file of [`${name}.tar.xz`, `${name}.zip`]) sums.set(file, (await sumFile(join(folder, file))).sum);
  writeFileSync(join(folder, 'SHA256SUMS'), [...sums].map(([file, sum]) => `${sum}  ${file}\n`).join(''));
  const script = join(folder, 'install.sh');
  const known = { version, releasesUrl: RELEASES_URL, sums, minisignKey: '', cosignKey: '', ...facts };
  writeFileSync(script, renderInstallScript(readFileSync(TEMPLATE, 'utf8'), known));
  for (const path of [folder, script]) chmodSync(path, 0o755);
  return { folder, name, script };
}

export interface PlaceRunOptions {
  /** The shell and its options. */
  readonly shell?: readonly string[];
  /** What starts the shell, such as a program that changes the user. */
  readonly starter?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Whether the shell reads the script from a pipe, as after `curl … |`. */
  readonly isPiped?: boolean;
}

export interface InstallPlace {
  /** Its name has what shells trip over. */
  readonly folder: string;
  /** The folder for the program. It does not exist yet. */
  readonly dir: string;
  readonly program: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Puts a script of a test on PATH, before the system's programs. */
  readonly addStandIn: (name: string, script: string) => void;
  readonly run: (script: string, args?: readonly string[], options?: PlaceRunOptions) => Promise<RunResult>;
  /** Everything in the place but its programs: a line for each file, link and folder. */
  readonly list: () => readonly string[];
}

/**
 * Makes a place until the end of the test.
 * @param tools the system's programs that it has besides the usual ones; `-curl` takes one away.
 */
export function createInstallPlace(context: TestContext, ...tools: readonly string[]): InstallPlace {
  const absent = tools.filter((tool) => tool.startsWith('-')).map((tool) => tool.slice(1));
  const names = [...BASE_TOOLS, ...USUAL_TOOLS, ...tools].filter((tool) => !tool.startsWith('-'));
  const present = names.filter((name) => !absent.includes(name));
  needParts(context, ...present, ...PACKERS, 'dash');
  const { path, remove } = createTemporaryFolder('acr-install-');
  context.onTestFinished(remove);
  chmodSync(path, 0o755);
  const folder = join(path, "a place's $HOME");
  const [bin, standIns] = [join(path, 'bin'), join(path, 'stand-ins')];
  for (const made of [bin, standIns, folder]) mkdirSync(made, { mode: 0o755 });
  for (const name of ['home', 'tmp']) {
    mkdirSync(join(folder, name));
    chmodSync(join(folder, name), 0o777);
  }
  for (const name of present) symlinkSync(partOf(name), join(bin, name));
  const dir = join(folder, 'prefix', 'bin');
  const environment = {
    PATH: `${dir}:${standIns}:${bin}`,
    HOME: join(folder, 'home'),
    TMPDIR: join(folder, 'tmp'),
    LANG: 'C.UTF-8',
  };
  return {
    ...{ folder, dir, environment, program: join(dir, PROGRAM_NAME) },
    addStandIn: (name, script) => writeFileSync(join(standIns, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 }),
    run: (script, args = [], options = {}) => {
      const { shell = ['dash'], starter = [], isPiped = false } = options;
      const [shellName = 'dash', ...shellOptions] = shell;
      const [command = '', ...words] = [...starter, partOf(shellName), ...shellOptions];
      return runProcess(command, [...words, ...(isPiped ? ['-s', '--'] : [script]), ...args], {
        environment: { ...environment, ...options.environment },
        folder,
        ...(isPiped ? { input: readFileSync(script, 'utf8') } : {}),
        timeoutMs: 30_000,
      });
    },
    list: () => listTree(folder),
  };
}

/** What starts a shell as an ordinary user; skips the test where that takes rights that it has not. */
export function asOrdinaryUser(context: TestContext): readonly string[] {
  needRoot(context);
  needParts(context, 'setpriv');
  return [partOf('setpriv'), ...asOtherUser().slice(1)];
}

/** Lists what is in a folder: the mode, and the content of files and links. */
export function listTree(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((name) => {
      const path = join(folder, name);
      const stat = lstatSync(path);
      const mode = (stat.mode & 0o7777).toString(8);
      if (stat.isSymbolicLink()) return `${name} -> ${readlinkSync(path)}`;
      if (!stat.isFile()) return `${name}/ ${mode}`;
      return `${name} ${mode} ${createHash('sha256').update(readFileSync(path)).digest('hex').slice(0, 12)}`;
    });
}

/** What a server does instead of sending the file. */
export type Behaviour = (response: ServerResponse, content: Buffer, url: string) => void;

export interface ReleaseServer {
  readonly url: string;
  /** The names of the files that were asked for. */
  readonly requests: readonly string[];
}

/**
 * Serves a folder on loopback until the end of the test.
 * @param authority makes it a server of https, with a certificate of this authority.
 */
export async function serveFolder(
  context: TestContext,
  folder: string,
  behaviours: Readonly<Record<string, Behaviour>> = {},
  authority?: CertificateAuthority,
): Promise<ReleaseServer> {
  const requests: string[] = [];
  const listener: RequestListener = (request, response) => {
    const file = (request.url ?? '').split('/').at(-1) ?? '';
    requests.push(file);
    const [, behave] = Object.entries(behaviours).find(([ending]) => file.endsWith(ending)) ?? [];
    const content = readdirSync(folder).includes(file) ? readFileSync(join(folder, file)) : undefined;
    if (behave !== undefined) behave(response, content ?? Buffer.of(), request.url ?? '');
    else if (content === undefined) response.writeHead(404).end('not found\n');
    else response.writeHead(200, { 'content-length': content.length }).end(content);
  };
  const server = authority === undefined ? createServer(listener) : await createTlsServer(authority, listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  context.onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port');
  const origin = authority === undefined ? 'http://127.0.0.1' : 'https://localhost';
  return { url: `${origin}:${address.port}/v0.1.0`, requests };
}

async function createTlsServer(authority: CertificateAuthority, listener: RequestListener) {
  const context = await authority.contextFor('localhost');
  return createSecureServer({ SNICallback: (_name, done) => done(null, context) }, listener);
}

/** A folder for releases, until the end of a test file. */
export function createReleaseFolder(): TemporaryFolder & { readonly below: (name: string) => string } {
  const { path, remove } = createTemporaryFolder('acr-release-');
  chmodSync(path, 0o755);
  const below = (name: string) => {
    mkdirSync(join(path, name));
    return join(path, name);
  };
  return { path, remove, below };
}
