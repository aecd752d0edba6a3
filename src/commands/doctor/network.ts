/** The network: DNS, the proxy, the connection and the certificate of the registry. */

import { BlockList, isIPv6 } from 'node:net';
import { readErrorCode } from '../../errors.ts';
import { createQuote } from '../../redact.ts';
import { shellWord } from '../../shell-word.ts';
import { type Runtime, readVariable } from '../../system/runtime.ts';
import { type Check, type DoctorContext, type Finding, found } from './check.ts';
import { explain } from './explain.ts';
import type { Route, Visit } from './visit.ts';

/** The check of the network. */
export const NETWORK: Check = {
  name: 'network',
  title: 'Connecting to the registry',
  needsRegistry: true,
  run: checkNetwork,
};

async function checkNetwork({ runtime, visit, names }: DoctorContext): Promise<readonly Finding[]> {
  if (visit === undefined) return [found('skipped', 'not a registry of Azure')];
  const route = await visit.route();
  if ('failure' in route) return [explainRoute(visit, route.failure)];
  if (!('value' in route)) return [];
  const { proxy, addresses } = route.value;
  names.add('HOST', proxy?.hostname);
  const { host } = visit.registry;
  const way = describeWay(runtime, route.value);
  const details = { proxy: proxy?.host, addresses };
  const challenge = await visit.challenge();
  if ('failure' in challenge) {
    const problem = explain(challenge.failure);
    const search = findLoginServer(host);
    // The proxy looks the name up itself, and says in this way that it does not find it.
    const isUnknown = /^the proxy responded with status 50[234] /.test(problem.what);
    return [
      {
        ...problem,
        what: `${problem.what} (${way})`,
        ...(isUnknown ? { fix: `${search} (if the name is right, check HTTPS_PROXY and NO_PROXY)` } : {}),
        ...(isUnknown ? { code: 'CONNECTIVITY_DNS_ERROR' as const } : {}),
        details: { ...problem.details, ...details },
      },
    ];
  }
  const findings = [found('ok', `${host} is reached ${way}, and its certificate is trusted`, { details })];
  if (addresses.some(isPrivate)) {
    findings.push(found('note', `${host} is at a private endpoint (${createQuote(runtime)(addresses.join(', '))})`));
  }
  return findings;
}

function explainRoute({ registry: { host } }: Visit, failure: unknown): Finding {
  const code = readErrorCode(failure);
  if (code === 'ENOTFOUND') {
    const what = `DNS does not know ${host}: no registry has this name, or a private DNS zone is missing`;
    return { ...explain(failure), what, fix: findLoginServer(host), code: 'CONNECTIVITY_DNS_ERROR' };
  }
  if (code === 'EAI_AGAIN') {
    const what = `no DNS server answers, so ${host} cannot be found`;
    return { ...explain(failure), what, fix: `nslookup ${shellWord(host)}`, code: 'CONNECTIVITY_DNS_ERROR' };
  }
  return explain(failure);
}

/** Says how requests get to the registry, and why in this way. */
function describeWay(runtime: Runtime, { proxy }: Route): string {
  if (proxy !== undefined) return `through the proxy ${createQuote(runtime)(proxy.host, 100)}`;
  const variables = ['https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY'];
  const variable = variables.find((name) => readVariable(runtime, name) !== undefined);
  if (variable === undefined) return 'without a proxy';
  const bypass = readVariable(runtime, 'no_proxy') === undefined ? 'NO_PROXY' : 'no_proxy';
  return `without the proxy of ${variable}, since ${bypass} covers it`;
}

/** The command that shows the login server of a registry: its name may end in a hash. */
function findLoginServer(host: string): string {
  const [name = host] = host.split(/[-.]/);
  return `az acr show -n ${shellWord(name)} --query loginServer`;
}

const PRIVATE = new BlockList();
PRIVATE.addSubnet('10.0.0.0', 8);
PRIVATE.addSubnet('172.16.0.0', 12);
PRIVATE.addSubnet('192.168.0.0', 16);
PRIVATE.addSubnet('100.64.0.0', 10);
PRIVATE.addSubnet('fc00::', 7, 'ipv6');

function isPrivate(address: string): boolean {
  return PRIVATE.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}
