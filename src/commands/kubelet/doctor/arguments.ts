/** The arguments: whether this program understands those of the configuration, and can use the file that they name. */

import { statSync } from 'node:fs';
import { PROVIDER_PREFIX } from '../../../helper-name.ts';
import { parseArguments } from '../../../kubelet/arguments.ts';
import { findNodeCloud } from '../../../kubelet/azure-environment.ts';
import { readAzureJson } from '../../../kubelet/azure-json.ts';
import { DUMMY } from '../../../kubelet/azure-json-identity.ts';
import { createQuote } from '../../../redact.ts';
import { shellWord } from '../../../shell-word.ts';
import type { Runtime } from '../../../system/runtime.ts';
import { type Finding, found } from '../../doctor/check.ts';
import { explain } from '../../doctor/explain.ts';
import type { NodeCheck, NodeContext } from './context.ts';
import { environmentOf } from './environment.ts';
import { hasOwnName, type Provider } from './provider-file.ts';

/** The check of the arguments. */
export const ARGUMENTS: NodeCheck = {
  name: 'arguments',
  title: 'Reading the arguments of the plug-ins',
  needsRegistry: false,
  run: checkArguments,
};

const READ_BY_OTHERS = 0o044;

async function checkArguments({ runtime, node: loading }: NodeContext): Promise<readonly Finding[]> {
  const node = await loading;
  const own = (node.file?.providers ?? []).filter(hasOwnName);
  if (own.length === 0) return [found('skipped', 'no plug-in has a name of this program')];
  const findings = own.map((provider) => {
    return judgeArguments({ ...runtime, env: environmentOf(node, provider) }, provider);
  });
  return (await Promise.all(findings)).flat();
}

/** @param plugin has the environment of the plug-in. */
async function judgeArguments(plugin: Runtime, { name, args, place }: Provider): Promise<readonly Finding[]> {
  const quote = createQuote(plugin);
  const isPlugin = name.startsWith(PROVIDER_PREFIX);
  if (!isPlugin && args[0] !== 'kubelet') {
    const what = `${place}: called as ${quote(name, 100)}, this program is a plug-in only with the argument "kubelet"`;
    return [found('problem', what, { fix: "args: ['kubelet', …]" })];
  }
  if (isPlugin && args[0] === 'kubelet') {
    const what = `${place}: called as ${quote(name, 100)}, this program takes "kubelet" for the name of a file`;
    return [found('problem', what, { fix: 'remove "kubelet" from args' })];
  }
  try {
    const { azureJson } = parseArguments(isPlugin ? args : args.slice(1));
    if (azureJson !== undefined) return await judgeAzureJson(plugin, azureJson);
  } catch (failure) {
    return [explain(failure, { about: place })];
  }
  return [found('ok', `${quote(name, 100)} is called with no file: it uses the identities of this program`)];
}

/** Reads the file as the plug-in does. @throws CONFIG_INVALID where the plug-in fails */
async function judgeAzureJson(plugin: Runtime, file: string): Promise<readonly Finding[]> {
  const quote = createQuote(plugin);
  const { cloud = '', aadClientSecret, aadClientCertPassword } = await readAzureJson(plugin, file);
  findNodeCloud(plugin, cloud);
  const hasSecret = [aadClientSecret, aadClientCertPassword].some((text) => text !== undefined && text !== DUMMY);
  const details = { file, cloud: quote(cloud), hasSecret };
  const findings = [found('ok', `${quote(file)} can be used`, { details })];
  if (hasSecret && (statSync(file).mode & READ_BY_OTHERS) !== 0) {
    const what = `${quote(file)} holds a secret that other users can read`;
    findings.push(found('warning', what, { fix: `sudo chmod 600 ${shellWord(file)}` }));
  }
  return findings;
}
