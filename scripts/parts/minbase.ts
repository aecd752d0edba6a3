/**
 * The smallest Debian in which apt works, as container images have it: without `libatomic.so.1`, which Node needs. The
 * tests install a release there.
 */
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram, lastLines, readTextFile, runCommand } from './command.ts';
import { canInstallPackages } from './debian.ts';
import { PARTS_FOLDER, type PartReport } from './part.ts';

const SUITE = 'bookworm';
/** What installs a package in it without a network: the dependencies that it lacks. */
const KEPT_PACKAGES = ['libatomic1'];

const FOLDER = join(PARTS_FOLDER, 'minbase');
const STAMP = join(FOLDER, 'sources');
const SOURCES = `${SUITE} ${KEPT_PACKAGES.join(' ')}\n`;

/** The folder of the system. Change nothing in it: all tests share it. */
export const MINBASE_ROOT = join(FOLDER, 'root');
/** The folder of the Debian packages that it lacks: libatomic1. */
export const MINBASE_PACKAGES = join(FOLDER, 'packages');

export function isMinbaseInstalled(): boolean {
  return readTextFile(STAMP) === SOURCES;
}

/** Makes the system if it is missing: as root, with the package debootstrap. */
export async function installMinbase(): Promise<PartReport> {
  const part = 'minbase';
  if (isMinbaseInstalled()) return { part, state: 'present', detail: '' };
  const debootstrap = findProgram('debootstrap');
  if (debootstrap === undefined || !canInstallPackages()) {
    return { part, state: 'missing', detail: 'it is made by debootstrap, as root on Debian' };
  }
  mkdirSync(PARTS_FOLDER, { recursive: true });
  const unfinished = mkdtempSync(join(PARTS_FOLDER, 'debootstrap-'));
  try {
    for (const [command, ...args] of listCommands(debootstrap, unfinished)) {
      const { exitCode, output } = await runCommand(command, args, cleanEnvironment());
      if (exitCode !== 0) return { part, state: 'missing', detail: lastLines(output) };
    }
    writeFileSync(join(unfinished, 'sources'), SOURCES);
    rmSync(FOLDER, { recursive: true, force: true });
    renameSync(unfinished, FOLDER);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
  return { part, state: 'installed', detail: `Debian ${SUITE}` };
}

function listCommands(debootstrap: string, folder: string): readonly (readonly [string, ...string[]])[] {
  const root = join(folder, 'root');
  const archives = join(root, 'var/cache/apt/archives');
  const download = ['-qq', '-o', 'APT::Sandbox::User=root', '-o', 'Debug::NoLocking=1', '--download-only', 'install'];
  return [
    [debootstrap, '--variant=minbase', SUITE, root],
    // What debootstrap downloaded is installed: only the packages that follow are of use.
    ['sh', '-c', 'rm -f "$1"/*.deb', 'sh', archives],
    ['chroot', root, 'apt-get', ...download, ...KEPT_PACKAGES],
    [
      'sh',
      '-c',
      'mkdir "$2" && mv "$1"/*.deb "$2" && chmod 755 "$3"',
      'sh',
      archives,
      join(folder, 'packages'),
      folder,
    ],
  ];
}

/** Without the settings of this machine's users; a proxy stays, since the packages may come through it. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const proxies = Object.entries(process.env).filter(([name]) => /_proxy$/i.test(name));
  return {
    ...Object.fromEntries(proxies),
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: '/root',
    LANG: 'C.UTF-8',
    DEBIAN_FRONTEND: 'noninteractive',
  };
}
