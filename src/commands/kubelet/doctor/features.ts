/** The features: whether this version of the kubelet, with its gates, knows what the configuration has. */

import { shellWord } from '../../../shell-word.ts';
import { type Finding, found } from '../../doctor/check.ts';
import { formatMinor, SINCE_MINOR, TOKEN_GATE } from '../kubernetes-version.ts';
import type { NodeCheck, NodeContext } from './context.ts';
import type { KubeletNode } from './node.ts';
import type { Provider } from './provider-file.ts';

/** The check of the features. */
export const FEATURES: NodeCheck = {
  name: 'features',
  title: 'Comparing the configuration with the version of the kubelet',
  needsRegistry: false,
  run: checkFeatures,
};

async function checkFeatures({ node: loading }: NodeContext): Promise<readonly Finding[]> {
  const node = await loading;
  const { file, minor } = node;
  if (file === undefined || file.providers.length === 0)
    return [found('skipped', 'there is no configuration to compare')];
  if (minor === undefined) {
    const fix = 'kubelet --version, and name it with --kubernetes-version';
    return [
      found('note', "the kubelet's version is not known", { fix }),
      ...judgeTokens(node, SINCE_MINOR.tokensByDefault),
    ];
  }
  const version = formatMinor(minor);
  const findings = [...judgeVersion(node, minor), ...judgeTokens(node, minor)];
  const details = { minor, gates: Object.fromEntries(node.gates) };
  return findings.length > 0 ? findings : [found('ok', `${version} knows everything in it`, { details })];
}

function judgeVersion({ file, configPath = '' }: KubeletNode, minor: number): readonly Finding[] {
  const version = formatMinor(minor);
  if (minor < SINCE_MINOR.plugins) {
    const what = `the kubelet of ${version} asks plug-ins only behind the gate KubeletCredentialProviders`;
    return [found('problem', what, { fix: `update to ${formatMinor(SINCE_MINOR.plugins)} or later` })];
  }
  const findings: Finding[] = [];
  const used = [...(file?.versions ?? []), ...(file?.providers ?? []).map(({ apiVersion }) => apiVersion)];
  if (minor < SINCE_MINOR.v1 && used.some((one) => /(?:^|\/)v1$/.test(one))) {
    const what = `${version} does not know the version v1 of the configuration, so the kubelet does not start`;
    findings.push(
      found('problem', what, {
        fix: `docker-credential-acr kubelet config --kubernetes-version ${shellWord(`1.${minor}`)}`,
      }),
    );
  }
  if (minor < SINCE_MINOR.folders && file?.isFolder === true) {
    const what = `${configPath} is a folder, which a kubelet reads only since ${formatMinor(SINCE_MINOR.folders)}`;
    findings.push(found('problem', what, { fix: 'name a file with --image-credential-provider-config' }));
  }
  return findings;
}

function judgeTokens({ file, gates }: KubeletNode, minor: number): readonly Finding[] {
  const providers = (file?.providers ?? []).filter(({ tokens }) => tokens !== undefined);
  const [first] = providers;
  if (first?.tokens === undefined) return [];
  const version = formatMinor(minor);
  const { place } = first.tokens;
  if (minor < SINCE_MINOR.tokens) {
    const what = `${place}: ${version} does not know "tokenAttributes", so the kubelet does not start`;
    const fix = `update to ${formatMinor(SINCE_MINOR.tokensByDefault)} or later, or remove tokenAttributes`;
    return [found('problem', what, { fix })];
  }
  const missing = providers.flatMap((provider) => judgeCacheType(provider, minor));
  if (isTokenGateOn(gates, minor)) return missing;
  const what = `${place}: the gate ${TOKEN_GATE} is off, so the kubelet does not start with "tokenAttributes"`;
  return [found('problem', what, { fix: `--feature-gates=${TOKEN_GATE}=true` }), ...missing];
}

/** The field came with 1.34, where it is required. */
function judgeCacheType({ tokens }: Provider, minor: number): readonly Finding[] {
  if (tokens === undefined) return [];
  const { place, cacheType } = tokens;
  if (minor >= SINCE_MINOR.tokensByDefault && cacheType === undefined) {
    const what = `${place}: "cacheType" is missing, so the kubelet does not start`;
    return [found('problem', what, { fix: 'cacheType: ServiceAccount' })];
  }
  if (minor >= SINCE_MINOR.tokensByDefault || cacheType === undefined) return [];
  const what = `${place}: ${formatMinor(minor)} does not know "cacheType", so the kubelet does not start`;
  return [found('problem', what, { fix: 'remove cacheType' })];
}

/** Whether the gate is on: set itself, by the gate of all of its kind, or by default. */
function isTokenGateOn(gates: ReadonlyMap<string, boolean>, minor: number): boolean {
  const isBeta = minor >= SINCE_MINOR.tokensByDefault;
  return gates.get(TOKEN_GATE) ?? gates.get(isBeta ? 'AllBeta' : 'AllAlpha') ?? isBeta;
}
