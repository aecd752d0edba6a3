/** The host: whether it is a registry of Azure, in which cloud, and which kind of endpoint. */

import { loadConfig } from '../../config/config.ts';
import { createQuote } from '../../redact.ts';
import { parseRegistry } from '../../registry.ts';
import { shellWord } from '../../shell-word.ts';
import type { Runtime } from '../../system/runtime.ts';
import { type Check, type DoctorContext, type Finding, found } from './check.ts';

const DATA_ENDPOINT = /^([a-z0-9-]{5,63})\.[a-z0-9]{2,63}\.data\.(.{1,100})$/;
const PRIVATE_LINK = /^([a-z0-9-]{5,63})\.privatelink\.(.{1,100})$/;

/** The check of the host. */
export const HOST: Check = {
  name: 'host',
  title: 'Looking at the name of the registry',
  needsRegistry: true,
  run: async (context) => [await checkHost(context)],
};

async function checkHost({ runtime, visit, target }: DoctorContext): Promise<Finding> {
  const host = target?.host ?? '';
  const quoted = createQuote(runtime)(host, 100);
  if (visit === undefined && (await isBroken(runtime, host)))
    return found('skipped', 'the configuration has a mistake');
  if (visit === undefined) return explainForeign(runtime.programName, host, quoted);
  const { registry } = visit;
  const { cloud, service } = registry;
  const details = { host: registry.host, service, cloud: cloud.name };
  const isRegional = registry.host !== service;
  const kind = isRegional ? `the regional endpoint of ${service}` : 'a registry of Azure';
  const authority =
    cloud.authority === undefined ? 'AZURE_AUTHORITY_HOST names Entra ID' : `Entra ID is ${cloud.authority}`;
  return found('ok', `${registry.host} is ${kind}, in the cloud ${cloud.name}; ${authority}`, { details });
}

/** Whether a mistake in the configuration hides which cloud the host belongs to. */
async function isBroken(runtime: Runtime, host: string): Promise<boolean> {
  const config = await loadConfig(runtime);
  try {
    config.findRegistry(host);
    return false;
  } catch {
    return true;
  }
}

/** Says what a host is that gets no token. */
function explainForeign(programName: string, host: string, quoted: string): Finding {
  const lower = host.toLowerCase();
  const ask = (better: string) => `${programName} doctor ${shellWord(better)}`;
  const details = { host: quoted };
  if (lower === 'mcr.microsoft.com' || lower.endsWith('.data.mcr.microsoft.com')) {
    return found('note', `${quoted} is public: it needs no login, and get returns none`, { details });
  }
  const [, name = '', suffix = ''] = DATA_ENDPOINT.exec(lower) ?? PRIVATE_LINK.exec(lower) ?? [];
  if (name !== '') {
    const what = `${quoted} is not a login server, so it gets no token: images are pulled from ${name}.${suffix}`;
    return found('problem', what, { fix: ask(`${name}.${suffix}`), code: 'LOGIN_SERVER_ERROR', details });
  }
  const what = `${quoted} is not a registry of Azure, so get returns only a login that is stored for it`;
  const guess = lower.includes('.') ? undefined : parseRegistry(`${lower}.azurecr.io`);
  const fix =
    guess === undefined
      ? 'check the spelling; for a cloud or a domain of your own, see "clouds" in docs/identities.md'
      : ask(guess.host);
  return found('problem', what, { fix, code: 'LOGIN_SERVER_ERROR', details });
}
