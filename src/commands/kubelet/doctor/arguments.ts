/** The arguments: whether this program understands those of the configuration, and can read the file that they name. */

import { statSync } from 'node:fs';
import { basename } from 'node:path';
import { describeCause } from '../../../errors.ts';
import { asJsonObject, asText } from '../../../json.ts';
import { parseArguments } from '../../../kubelet/arguments.ts';
import { createQuote } from '../../../redact.ts';
import { shellWord } from '../../../shell-word.ts';
import { readForeignFile } from '../../../system/files.ts';
import type { Runtime } from '../../../system/runtime.ts';
import { type Finding, found } from '../../doctor/check.ts';
import { explain } from '../../doctor/explain.ts';
import { PLUGIN_NAME } from '../config/provider-config.ts';
import type { NodeCheck, NodeContext } from './context.ts';
import type { Provider } from './provider-file.ts';
import { parseYaml } from './yaml-text.ts';

/** The check of the arguments. */
export const ARGUMENTS: NodeCheck = {
  name: 'arguments',
  title: 'Reading the arguments of the plug-ins',
  needsRegistry: false,
  run: checkArguments,
};

const MAX_BYTES = 1024 * 1024;
const HELPER_NAME = 'docker-credential-acr';
const READ_BY_OTHERS = 0o044;

async function checkArguments({ runtime, node: loading }: NodeContext): Promise<readonly Finding[]> {
  const { file } = await loading;
  const own = (file?.providers ?? []).filter(
    ({ name }) => name.startsWith(PLUGIN_NAME) || name.startsWith(HELPER_NAME),
  );
  if (own.length === 0) return [found('skipped', 'no plug-in has a name of this program')];
  return own.flatMap((provider) => judgeArguments(runtime, provider));
}

function judgeArguments(runtime: Runtime, { name, args, place, env }: Provider): readonly Finding[] {
  const quote = createQuote(runtime);
  const isPlugin = name.startsWith(PLUGIN_NAME);
  if (!isPlugin && args[0] !== 'kubelet') {
    const what = `${place}: called as ${quote(name, 100)}, this program is a plug-in only with the argument "kubelet"`;
    return [found('problem', what, { fix: "args: ['kubelet', …]" })];
  }
  if (isPlugin && args[0] === 'kubelet') {
    const what = `${place}: called as ${quote(name, 100)}, this program takes "kubelet" for the name of a file`;
    return [found('problem', what, { fix: 'remove "kubelet" from args' })];
  }
  let azureJson: string | undefined;
  try {
    azureJson = parseArguments(isPlugin ? args : args.slice(1)).azureJson;
  } catch (failure) {
    return [explain(failure, { about: place })];
  }
  const named = azureJson ?? env.find((one) => one.name === 'AZURE_ENVIRONMENT_FILEPATH')?.value;
  if (named !== undefined) return judgeAzureJson(runtime, named);
  return [found('ok', `${quote(name, 100)} is called with no file: it uses the identities of this program`)];
}

function judgeAzureJson(runtime: Runtime, file: string): readonly Finding[] {
  const quote = createQuote(runtime);
  const look = { fix: `sudo ls -l ${shellWord(file)}` };
  let text: string | undefined;
  try {
    text = readForeignFile(file, MAX_BYTES);
  } catch (cause) {
    return [found('problem', `${quote(file)} cannot be read (${describeCause(cause)})`, look)];
  }
  if (text === undefined) return [found('problem', `there is no ${quote(file)}`, look)];
  const { value, mistakes } = parseYaml(text);
  const settings = asJsonObject(value);
  if (settings === undefined) {
    const [mistake] = mistakes;
    const where = mistake?.line === undefined ? '' : `, line ${mistake.line}`;
    const what = `${quote(file)} is not valid${where}: ${quote(mistake?.what ?? 'it is not an object', 200)}`;
    return [found('problem', what, { fix: `sudo sed -n ${mistake?.line ?? 1}p ${shellWord(file)}` })];
  }
  const secret = asText(settings['aadClientSecret']);
  const hasSecret = secret !== undefined && secret !== 'msi';
  if (hasSecret) runtime.secrets.add(secret);
  const details = { file, cloud: quote(asText(settings['cloud']) ?? ''), hasSecret };
  const findings = [found('ok', `${quote(file)} can be read (${basename(file)} of the node)`, { details })];
  if (hasSecret && (statSync(file).mode & READ_BY_OTHERS) !== 0) {
    const what = `${quote(file)} holds a client secret that other users can read`;
    findings.push(found('warning', what, { fix: `sudo chmod 600 ${shellWord(file)}` }));
  }
  return findings;
}
