/** Asks the system about processes. */

import { readErrorCode } from '../errors.ts';

/** Whether a process of this machine is running. A process of another user counts, and so does a stopped one. */
export function isRunning(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch (cause) {
    return readErrorCode(cause) !== 'ESRCH';
  }
}
