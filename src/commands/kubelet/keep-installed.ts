/** Keeps an installation as it is, for a container that must not end. */

import { join } from 'node:path';
import { CredentialError } from '../../errors.ts';
import { describeFailure } from '../../report.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import { installOnNode } from './install.ts';
import type { InstallRequest } from './install-plan.ts';
import { formatInstall } from './install-text.ts';
import { RECORD_NAME } from './installation.ts';
import { withNodeFile } from './node-failure.ts';
import { locateOnNode } from './node-path.ts';
import { readText } from './node-text.ts';

const CHECK_INTERVAL_MS = 5 * 60 * 1000;

/**
 * Repairs every five minutes what somebody has changed, until the process is asked to end. It restarts nothing. A failure
 * is told, and what failed is tried again. What another installation has put there stays: two that repair each other's
 * work would never end.
 * @param wait waits, and returns whether the process was asked to end meanwhile.
 */
export async function keepInstalled(
  request: InstallRequest,
  { write, writeError }: Pick<Terminal, 'write' | 'writeError'>,
  wait: (durationMs: number) => Promise<boolean>,
): Promise<void> {
  const { runtime } = request;
  writeError('Waiting; the files are checked every five minutes.\n');
  let own = readRecord(request);
  while (!(await wait(CHECK_INTERVAL_MS))) {
    try {
      const found = readRecord(request);
      if (found !== undefined && found !== own) throw explainOther(request);
      const result = installOnNode(request);
      own = readRecord(request);
      if (result.changed.length > 0) write(formatInstall(runtime, result));
    } catch (failure) {
      const { error, hint } = describeFailure(runtime, failure);
      writeError(`error: ${error}\n${hint === undefined ? '' : `hint: ${hint}\n`}`);
    }
  }
}

/** The record of what is installed now; every installation writes its own. */
function readRecord({ runtime, hostRoot, binFolder }: InstallRequest): string | undefined {
  const path = join(binFolder, RECORD_NAME);
  return withNodeFile(runtime, path, 'read', () => readText(locateOnNode(hostRoot, path).file));
}

function explainOther({ binFolder }: InstallRequest): CredentialError {
  return new CredentialError(
    'INSTALL_FAILED',
    `Cannot keep what is installed in ${binFolder}: another installation has taken its place`,
    { hint: 'end one of the two; give them different folders if the node needs both' },
  );
}
