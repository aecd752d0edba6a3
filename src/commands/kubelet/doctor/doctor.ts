/** Examines a node, and tells what it finds. */

import { hostname } from 'node:os';
import type { Log } from '../../../log.ts';
import { readClockMs } from '../../../system/clock.ts';
import type { Runtime } from '../../../system/runtime.ts';
import { withProgress } from '../../../terminal/progress.ts';
import type { Terminal } from '../../../terminal/terminal.ts';
import { type CheckResult, found } from '../../doctor/check.ts';
import { createPrivateNames, type PrivateNames } from '../../doctor/private-names.ts';
import { cleanResult } from '../../doctor/result-text.ts';
import { startChecks } from '../../doctor/runner.ts';
import { ARGUMENTS } from './arguments.ts';
import { AUDIENCE } from './audience.ts';
import { type Cluster, openCluster, type ServiceAccountName } from './cluster.ts';
import { CONFIGURATION } from './configuration.ts';
import type { NodeCheck, NodeContext } from './context.ts';
import { ENVIRONMENT } from './environment.ts';
import { FEATURES } from './features.ts';
import { IMAGE } from './image.ts';
import { loadNode, type NodeOptions } from './node.ts';
import { PROGRAMS } from './programs.ts';

/** What `examineNode` works with. */
export interface NodeExamination {
  readonly runtime: Runtime;
  readonly terminal: Terminal;
  readonly log: Log | undefined;
  readonly programFile: string | undefined;
  readonly options: NodeOptions;
  readonly kubeconfig: string | undefined;
  readonly image: string | undefined;
  readonly serviceAccount: ServiceAccountName | undefined;
  /** How long a plug-in may take; as long as a kubelet gives it by default. */
  readonly pluginTimeoutMs?: number;
  /** How long a program that a plug-in left running may hold its output; two seconds by default. */
  readonly lastWordsMs?: number;
  /** Called with the results of each check, in their order, as soon as they and those before are there. */
  readonly show: (results: readonly CheckResult[]) => void;
}

/** What was found, and the names that it contains. */
export interface NodeDiagnosis {
  readonly results: readonly CheckResult[];
  readonly names: PrivateNames;
}

const KUBELET: NodeCheck = {
  name: 'kubelet',
  title: 'Looking for the kubelet',
  needsRegistry: false,
  run: async ({ node }) => {
    const { findings } = await node;
    return findings.length > 0 ? findings : [found('skipped', 'nothing was looked for')];
  },
};

/** Every check, in the order in which their lines are shown: the way of a pull. */
const CHECKS: readonly NodeCheck[] = [
  KUBELET,
  CONFIGURATION,
  PROGRAMS,
  FEATURES,
  ARGUMENTS,
  ENVIRONMENT,
  AUDIENCE,
  IMAGE,
];

/** The limit of a kubelet. */
const PLUGIN_TIMEOUT_MS = 60_000;
const LAST_WORDS_MS = 2_000;
/** How long everything else may take. */
const BUDGET_MS = 30_000;

/**
 * Runs every check. Changes nothing itself; the plug-in that is asked for an image keeps its token as ever.
 * @returns the results in the order of the checks, with nothing in them that may not be shown.
 */
export async function examineNode(examination: NodeExamination): Promise<NodeDiagnosis> {
  const { runtime, terminal, log, programFile, options, kubeconfig, image, serviceAccount, show } = examination;
  const { pluginTimeoutMs = PLUGIN_TIMEOUT_MS, lastWordsMs = LAST_WORDS_MS } = examination;
  const names = createPrivateNames(runtime);
  names.add('HOST', hostname());
  names.add('USER', serviceAccount?.name);
  if (serviceAccount?.namespace !== 'default') names.add('HOST', serviceAccount?.namespace);
  const deadlineMs = readClockMs() + BUDGET_MS + pluginTimeoutMs;
  const cluster = kubeconfig === undefined ? undefined : open(runtime, { file: kubeconfig, deadlineMs, log });
  // Each check that needs it tells why it cannot be used.
  cluster?.catch(() => undefined);
  const context: NodeContext = {
    ...{ runtime, log, names, programFile, image, serviceAccount, cluster, pluginTimeoutMs, lastWordsMs },
    node: loadNode(runtime, options),
  };
  const results: CheckResult[] = [];
  try {
    for (const { check, results: running } of startChecks(CHECKS, context, deadlineMs)) {
      const clean = (await withProgress(terminal, check.title, running)).map((result) => cleanResult(runtime, result));
      results.push(...clean);
      show(clean);
    }
  } finally {
    cluster?.then((opened) => opened.close()).catch(() => undefined);
  }
  return { results, names };
}

async function open(runtime: Runtime, options: Parameters<typeof openCluster>[1]): Promise<Cluster> {
  return openCluster(runtime, options);
}
