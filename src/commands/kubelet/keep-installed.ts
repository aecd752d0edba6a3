/** Keeps an installation as it is, for a container that must not end. */

import { describeFailure } from '../../report.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import { installOnNode } from './install.ts';
import type { InstallRequest } from './install-plan.ts';
import { formatInstall } from './install-text.ts';

const CHECK_INTERVAL_MS = 5 * 60 * 1000;

/**
 * Repairs every five minutes what somebody has changed, until the process is asked to end. It restarts nothing. A failure
 * is told, and what failed is tried again.
 * @param wait waits, and returns whether the process was asked to end meanwhile.
 */
export async function keepInstalled(
  request: InstallRequest,
  { write, writeError }: Pick<Terminal, 'write' | 'writeError'>,
  wait: (durationMs: number) => Promise<boolean>,
): Promise<void> {
  const { runtime } = request;
  writeError('Waiting; the files are checked every five minutes.\n');
  while (!(await wait(CHECK_INTERVAL_MS))) {
    try {
      const result = installOnNode(request);
      if (result.changed.length > 0) write(formatInstall(runtime, result));
    } catch (failure) {
      const { error, hint } = describeFailure(runtime, failure);
      writeError(`error: ${error}\n${hint === undefined ? '' : `hint: ${hint}\n`}`);
    }
  }
}
