/** The audience: whether the API server lets nodes request the tokens that the configuration wants. */

import { shellWord } from '../../../shell-word.ts';
import { type Finding, found } from '../../doctor/check.ts';
import { explain } from '../../doctor/explain.ts';
import { formatMinor } from '../kubernetes-version.ts';
import type { Cluster } from './cluster.ts';
import type { NodeCheck, NodeContext } from './context.ts';

/** The check of the audience. */
export const AUDIENCE: NodeCheck = {
  name: 'audience',
  title: 'Asking the API server',
  needsRegistry: false,
  run: checkAudience,
};

/** Since then, the API server asks for the right. */
const RESTRICTED_SINCE_MINOR = 33;

async function checkAudience(context: NodeContext): Promise<readonly Finding[]> {
  const { file, kubelet } = await context.node;
  const audiences = [...new Set((file?.providers ?? []).flatMap(({ tokens }) => tokens?.audience ?? []))];
  if (audiences.length === 0) return [found('skipped', 'no plug-in gets tokens of service accounts')];
  if (context.cluster === undefined) {
    const own = kubelet?.flags.get('kubeconfig') ?? '/var/lib/kubelet/kubeconfig';
    const what = 'whether nodes may request the tokens is not examined without a kubeconfig';
    return [
      found('skipped', what, { fix: `${context.runtime.programName} kubelet doctor --kubeconfig ${shellWord(own)}` }),
    ];
  }
  try {
    const cluster = await context.cluster;
    const minor = await cluster.readMinor();
    if (minor !== undefined && minor < RESTRICTED_SINCE_MINOR) {
      return [found('ok', `nodes need no right to request tokens in ${formatMinor(minor)}`)];
    }
    return await Promise.all(audiences.map((audience) => judgeAudience(context, cluster, audience)));
  } catch (failure) {
    return [explain(failure)];
  }
}

async function judgeAudience(
  { runtime, serviceAccount, names }: NodeContext,
  cluster: Cluster,
  audience: string,
): Promise<Finding> {
  const { isAllowed, who } = await cluster.reviewTokenRight({ audience, account: serviceAccount });
  names.add('HOST', /^system:node:(.{1,253})$/.exec(who)?.[1]);
  const details = { audience, isAllowed };
  if (isAllowed) return found('ok', `${who} may request tokens for ${audience}`, { details });
  const what = `${who} may not request tokens for ${audience}: pods get no credentials`;
  const fix = `${runtime.programName} kubelet config --mode service-account --audience ${shellWord(audience)} --rbac | kubectl apply -f -`;
  return found('problem', what, { fix, details });
}
