/** What the checks of a node work with. */

import type { Log } from '../../../log.ts';
import type { Runtime } from '../../../system/runtime.ts';
import type { Check } from '../../doctor/check.ts';
import type { PrivateNames } from '../../doctor/private-names.ts';
import type { Cluster, ServiceAccountName } from './cluster.ts';
import type { KubeletNode } from './node.ts';

/** What a check works with. */
export interface NodeContext {
  readonly runtime: Runtime;
  readonly log: Log | undefined;
  /** This program's own file; `undefined` when it runs from its sources. */
  readonly programFile: string | undefined;
  /** Never rejects. */
  readonly node: Promise<KubeletNode>;
  /** What the kubelet would ask for, without a tag; `undefined` when the person named no image. */
  readonly image: string | undefined;
  /** The pod's service account, if the person named one. */
  readonly serviceAccount: ServiceAccountName | undefined;
  /** The API server; `undefined` without a kubeconfig. Rejects with a CredentialError when it cannot be used. */
  readonly cluster: Promise<Cluster> | undefined;
  /** What must not stand in a text for the public. */
  readonly names: PrivateNames;
  /** How long a plug-in may take. */
  readonly pluginTimeoutMs: number;
  /** How long a program that a plug-in left running may hold its output. A kubelet would wait for it much longer. */
  readonly lastWordsMs: number;
}

/** A check of a node. */
export type NodeCheck = Check<NodeContext>;
