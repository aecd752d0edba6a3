/** Whether processes that a test started are still there. */
import { readFileSync } from 'node:fs';

/** Whether a process is running; one that has ended stays listed as a zombie until its parent collects it. */
export function isRunning(processId: number): boolean {
  try {
    process.kill(processId, 0);
  } catch {
    return false;
  }
  try {
    return !/\) Z /.test(readFileSync(`/proc/${processId}/stat`, 'utf8'));
  } catch {
    // It has just ended, or the system has no /proc.
    return process.platform !== 'linux';
  }
}
