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
 * @throws CONFIG_INVALID when there is no such file, or it cannot be used. If only what it says about the identity is
 * wrong, the identity throws that when it is used: a pod's own identity does not need it.
 */
export async function readNodeIdentity(runtime: Runtime, file: string | undefined): Promise<NodeIdentity> {
  if (file === undefined) return { identity: undefined, tenantId: undefined, clouds: [] };
  // Loaded only here: outside of Azure there is no such file.
  const [{ readAzureJson }, { findNodeCloud }, { chooseNodeIdentity }] = await Promise.all([
    import('./azure-json.ts'),
    import('./azure-environment.ts'),
    import('./azure-json-identity.ts'),
  ]);
  const json = await readAzureJson(runtime, file);
  const cloud = findNodeCloud(runtime, json.cloud);
  return {
    identity: chooseNodeIdentity({ file, json, cloud }),
    tenantId: json.tenantId,
    clouds: cloud?.added === undefined ? [] : [cloud.added],
  };
}
