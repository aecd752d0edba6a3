/** Folders for what is made on the way, which do not outlive their work, even when it is interrupted. */

import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** What programs that were interrupted too may still write to. */
const REMOVAL = { recursive: true, force: true, maxRetries: 5 };
const folders = new Set<string>();

/**
 * Makes a folder and removes it after the work.
 * @param prefix its path, to which some characters are added.
 */
export async function useScratchFolder<T>(prefix: string, work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(prefix);
  if (folders.size === 0) for (const signal of SIGNALS) process.on(signal, end);
  folders.add(folder);
  try {
    const result = await work(folder);
    await rm(folder, REMOVAL);
    return result;
  } catch (error) {
    // What has gone wrong matters more than what is left.
    await rm(folder, REMOVAL).catch(() => {});
    throw error;
  } finally {
    forget(folder);
  }
}

/** Removes all of them, and ends the process as the signal does. */
function end(signal: NodeJS.Signals): void {
  for (const folder of folders) {
    try {
      rmSync(folder, REMOVAL);
    } catch {
      // Nobody is left to be told.
    }
    forget(folder);
  }
  process.kill(process.pid, signal);
}

function forget(folder: string): void {
  folders.delete(folder);
  if (folders.size === 0) for (const signal of SIGNALS) process.off(signal, end);
}
