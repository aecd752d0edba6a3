/** Where programs that a desktop starts, such as editors, look for other programs. */

import { join } from 'node:path';
import { findHome } from './paths.ts';
import { type Runtime, readVariable } from './runtime.ts';

const SYSTEM_FOLDERS = ['/usr/local/bin', '/usr/bin', '/bin', '/usr/sbin', '/sbin'];

/**
 * Whether programs that the desktop starts find what is in a folder. Where there is no desktop, as on a server or in a
 * CI job, nothing is missing.
 */
export function isKnownToDesktop(runtime: Runtime, folder: string): boolean {
  switch (runtime.platform) {
    case 'darwin':
      return SYSTEM_FOLDERS.includes(folder);
    case 'linux': {
      const hasDesktop = ['DISPLAY', 'WAYLAND_DISPLAY'].some((name) => readVariable(runtime, name) !== undefined);
      return !hasDesktop || [...SYSTEM_FOLDERS, '/usr/local/sbin', ...listProfileFolders(runtime)].includes(folder);
    }
    default:
      return true;
  }
}

/** The folders that the usual `~/.profile` puts on the PATH of a desktop. */
function listProfileFolders(runtime: Runtime): readonly string[] {
  const home = findHome(runtime);
  return home === undefined ? [] : [join(home, 'bin'), join(home, '.local', 'bin')];
}
