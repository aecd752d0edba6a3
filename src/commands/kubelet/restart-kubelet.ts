/** Ends the kubelet of a node, so that systemd starts it again with its new configuration. The pods keep running. */

import { CredentialError, describeCause } from '../../errors.ts';
import { shellWord } from '../../shell-word.ts';
import { findKubelet, type NodeKubelet } from './node-kubelet.ts';

/** The node's processes, and how to signal and wait. */
export interface RestartRequest {
  readonly processTable: string;
  /** Sends SIGTERM. @throws the system's error. */
  readonly terminate: (processId: number) => void;
  readonly wait: (durationMs: number) => Promise<void>;
}

const MAX_WAIT_MS = 60_000;
const PAUSE_MS = 250;

/**
 * Restarts the kubelet.
 * @returns the new one.
 * @throws INSTALL_FAILED when it cannot be seen or signalled, when nothing is known that starts it again, or when it does
 * not come back within a minute.
 */
export async function restartKubelet(request: RestartRequest): Promise<NodeKubelet> {
  const { processTable, terminate, wait } = request;
  const kubelet = findKubelet(processTable);
  if (kubelet === undefined) {
    throw fail('it cannot be seen', 'give the pod "hostPID: true", or restart the kubelet in another way');
  }
  const { processId, program, isBuiltIn, unit } = kubelet;
  if (isBuiltIn || unit?.includes('kubelet') !== true) {
    const what = isBuiltIn ? `it is a part of ${program}` : 'it is not known what would start it again';
    throw fail(
      what,
      unit === undefined ? 'restart it in the way of this node' : `systemctl restart ${shellWord(unit)}`,
    );
  }
  const byHand = `systemctl restart ${shellWord(unit)}`;
  try {
    terminate(processId);
  } catch (cause) {
    throw fail(`process ${processId} cannot be signalled (${describeCause(cause)})`, byHand);
  }
  for (let waitedMs = 0; waitedMs < MAX_WAIT_MS; waitedMs += PAUSE_MS) {
    await wait(PAUSE_MS);
    const next = findKubelet(processTable);
    if (next !== undefined && next.processId !== processId) return next;
  }
  throw fail(`process ${processId} was ended, and ${unit} has not started another within a minute`, byHand);
}

function fail(why: string, hint: string): CredentialError {
  return new CredentialError('INSTALL_FAILED', `Cannot restart the kubelet: ${why}`, { hint });
}
