/** What the cloud provider's file on a node says about its identity: azure.json. */

import type { Cloud } from '../clouds.ts';
import type { ChosenIdentity } from '../config/identity-settings.ts';
import type { Runtime } from '../system/runtime.ts';

/** The identity of a node, and the cloud that it is in. */
export interface NodeIdentity {
  /** `undefined` when the file names none. */
  readonly identity: ChosenIdentity | undefined;
  /** The tenant of the node. */
  readonly tenantId: string | undefined;
  /** The cloud of the node, if this program does not know it. */
  readonly clouds: readonly Cloud[];
}

/**
 * Reads azure.json.
 * @param file its absolute path; `undefined` outside of Azure.
 * @throws CONFIG_INVALID when there is no such file, or it cannot be used.
 */
export async function readNodeIdentity(_runtime: Runtime, _file: string | undefined): Promise<NodeIdentity> {
  return { identity: undefined, tenantId: undefined, clouds: [] };
}
