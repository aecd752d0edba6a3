/** Says why a file of a node cannot be read, understood or written, and what helps. */

import { CredentialError, describeCause, readErrorCode } from '../../errors.ts';
import { createQuote } from '../../redact.ts';
import { shellWord } from '../../shell-word.ts';
import type { Runtime } from '../../system/runtime.ts';

/** What was being done with the file. */
export type NodeStep = 'read' | 'merge' | 'write' | 'restore';

/**
 * Explains a failure.
 * @param path the file, as the message names it.
 * @returns an INSTALL_FAILED error; an error that explains itself is returned as it is.
 */
function explainNodeFailure(runtime: Runtime, path: string, cause: unknown, step: NodeStep): unknown {
  // An error of another class without a code comes from this program: it has its own words, or is a mistake in it.
  if (!(cause instanceof Error) || cause instanceof CredentialError || cause.name === 'UsageError') return cause;
  const quote = createQuote(runtime);
  return new CredentialError('INSTALL_FAILED', `Cannot ${step} ${quote(path, 4096)}: ${quote(describeCause(cause))}`, {
    hint: advise(path, readErrorCode(cause), step),
    cause,
  });
}

function advise(path: string, code: string | undefined, step: NodeStep): string {
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return 'make room on the file system: df -h';
    case 'EROFS':
      return 'choose a folder that can be written to, or mount it without readOnly';
    case 'EACCES':
    case 'EPERM':
      return 'run it as root';
    default:
      return step === 'merge' ? 'correct the file, or give --config another path' : `ls -ld ${shellWord(path)}`;
  }
}

/** Runs a step, and says which file is the matter when it fails. @throws INSTALL_FAILED */
export function withNodeFile<T>(runtime: Runtime, path: string, step: NodeStep, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw explainNodeFailure(runtime, path, cause, step);
  }
}
