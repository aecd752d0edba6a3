/** The environment of the plug-ins: where this program keeps its tokens there, its configuration, and proxies. */

import { accessSync, constants, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { describeCause } from '../../../errors.ts';
import { createQuote } from '../../../redact.ts';
import { shellWord } from '../../../shell-word.ts';
import { findCacheFolder, findConfigFile } from '../../../system/paths.ts';
import type { Runtime } from '../../../system/runtime.ts';
import { validateFile } from '../../config/validation.ts';
import { type Finding, found } from '../../doctor/check.ts';
import type { NodeCheck, NodeContext } from './context.ts';
import type { KubeletNode } from './node.ts';
import type { Provider } from './provider-file.ts';

/** The check of the environment. */
export const ENVIRONMENT: NodeCheck = {
  name: 'environment',
  title: 'Looking at the environment of the plug-ins',
  needsRegistry: false,
  run: checkEnvironment,
};

const METADATA_HOST = '169.254.169.254';

/** The environment that a plug-in gets: its own variables come first. */
export function environmentOf({ environment }: KubeletNode, { env }: Provider): Readonly<Record<string, string>> {
  return { ...environment, ...Object.fromEntries(env.map(({ name, value }) => [name, value])) };
}

async function checkEnvironment({ runtime, node: loading }: NodeContext): Promise<readonly Finding[]> {
  const node = await loading;
  const [first] = node.file?.providers ?? [];
  if (first === undefined) return [found('skipped', 'the configuration names no program')];
  const env = environmentOf(node, first);
  const plugin: Runtime = { ...runtime, env };
  return [await judgeCache(plugin), ...(await judgeConfig(runtime, plugin)), ...judgeProxy(runtime, env)];
}

/** Without a cache, each image of each pod signs in. */
async function judgeCache(plugin: Runtime): Promise<Finding> {
  const folder = await findCacheFolder(plugin);
  const fix = 'env: [{name: DOCKER_CREDENTIAL_ACR_CACHE_DIR, value: /var/cache/docker-credential-acr}]';
  if (folder === undefined) {
    const what = 'HOME is not set for the plug-ins, so there is no cache: each image signs in again';
    return found('warning', what, { fix });
  }
  const existing = findExisting(folder);
  try {
    if (!statSync(existing).isDirectory()) throw new Error('it is not a folder');
    accessSync(existing, constants.W_OK | constants.X_OK);
  } catch (cause) {
    const what = `tokens cannot be kept in ${folder}: ${existing} cannot be written to (${describeCause(cause)})`;
    return found('warning', what, { fix });
  }
  return found('ok', `tokens are kept in ${folder}`, { details: { folder } });
}

function findExisting(folder: string): string {
  for (let current = folder; ; current = dirname(current)) {
    try {
      statSync(current);
      return current;
    } catch {
      if (dirname(current) === current) return current;
    }
  }
}

/** A mistake in this program's own configuration, in the folder where the plug-ins look for it. */
async function judgeConfig(runtime: Runtime, plugin: Runtime): Promise<readonly Finding[]> {
  const location = await findConfigFile(plugin);
  if (location === undefined) return [];
  const { file, isExplicit } = location;
  const { findings } = validateFile(file, isExplicit);
  const quote = createQuote(runtime);
  return findings.slice(0, 1).map(({ severity, what, place }) => {
    const where = place === undefined ? quote(file) : `${quote(file)}:${place.line}`;
    const status = severity === 'error' ? 'problem' : 'warning';
    return found(status, `${where}: ${what}`, { fix: `${runtime.programName} config validate ${shellWord(file)}` });
  });
}

function judgeProxy(runtime: Runtime, env: Readonly<Record<string, string>>): readonly Finding[] {
  const read = (name: string) => env[name] || env[name.toLowerCase()] || undefined;
  const proxy = read('HTTPS_PROXY');
  if (proxy === undefined) return [];
  const around = (read('NO_PROXY') ?? '').split(',').map((one) => one.trim());
  const what = `the plug-ins reach Azure through the proxy ${createQuote(runtime)(proxy, 200)}`;
  if (around.includes(METADATA_HOST) || around.includes('*')) return [found('ok', what)];
  const more = `${what}; this program asks ${METADATA_HOST} directly, others may not`;
  const list = [...around.filter((one) => one !== ''), METADATA_HOST].join(',');
  return [found('note', more, { fix: `NO_PROXY=${shellWord(list)} in the kubelet's environment` })];
}
