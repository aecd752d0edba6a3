/** The challenge: what the registry says to somebody without a credential, and whether it is a registry at all. */

import { explainRefusal } from '../../acr/token-response.ts';
import { parseJsonObject } from '../../json.ts';
import { describeResponse, type HttpResponse } from '../../network/http.ts';
import { MAX_FOREIGN_CHARACTERS } from '../../redact.ts';
import type { Registry } from '../../registry.ts';
import { shellWord } from '../../shell-word.ts';
import { parseUrl } from '../../url.ts';
import { type Check, type Finding, found } from './check.ts';
import { explain } from './explain.ts';
import type { Visit } from './visit.ts';

/** The check of the challenge. */
export const CHALLENGE: Check = {
  name: 'challenge',
  title: 'Asking the registry how to sign in',
  needsRegistry: true,
  run: async ({ visit }) => (visit === undefined ? [found('skipped', 'not a registry of Azure')] : await check(visit)),
};

async function check(visit: Visit): Promise<readonly Finding[]> {
  const challenge = await visit.challenge();
  const { registry } = visit;
  // The check of the network tells why.
  if (!('value' in challenge)) return [found('skipped', `${registry.host} cannot be reached`)];
  const { response } = challenge.value;
  const { status } = response;
  if (status === 401) return [judgeChallenge(registry, response)];
  if (status === 403 && !isFromRegistry(response)) {
    const what = `something on the way to ${registry.host} answers in its place, with status 403: a proxy or a firewall`;
    return [refuse(what, response, 'check HTTPS_PROXY and NO_PROXY, or ask who runs the proxy to allow the registry')];
  }
  if (status === 403 || status === 429 || status >= 500) return [explain(explainRefusal(registry, response))];
  return [explainStranger(registry, response)];
}

function judgeChallenge(registry: Registry, response: HttpResponse): Finding {
  const { host, service } = registry;
  const header = response.quote(response.header('www-authenticate') ?? '', MAX_FOREIGN_CHARACTERS);
  if (!/^bearer\b/i.test(header)) return explainStranger(registry, response);
  const realm = readParameter(header, 'realm');
  const named = readParameter(header, 'service');
  if (realm === undefined || named === undefined) return explainStranger(registry, response);
  const [cleanRealm, cleanService] = [response.quote(realm, 200), response.quote(named, 100)];
  const details = { realm: cleanRealm, service: cleanService };
  const url = parseUrl(realm);
  if (url?.protocol !== 'https:' || ![host, service].includes(url.host)) {
    const what = `${host} sends clients to ${cleanRealm} for tokens, which is not the registry`;
    return {
      ...refuse(what, response, 'check DNS, the hosts file and HTTPS_PROXY: another server may be answering'),
      details,
    };
  }
  if (named !== service) {
    const what = `${host} calls itself ${cleanService}, so it refuses tokens for ${service}`;
    return {
      ...refuse(what, response, `docker login ${shellWord(cleanService)} and use that name for images`),
      details,
    };
  }
  const regional = host === service ? '' : `; its tokens are for ${service}`;
  return found('ok', `${host} asks for a token, as a registry of Azure does${regional}`, { details });
}

function explainStranger({ host }: Registry, response: HttpResponse): Finding {
  const [name = host] = host.split(/[-.]/);
  const header = response.quote(response.header('www-authenticate') ?? '', 200);
  const what = /^basic\b/i.test(header)
    ? `${host} asks for a password only, so no identity can sign in`
    : `${host} does not answer as a login server does (status ${response.status}, no Bearer challenge)`;
  return refuse(what, response, `az acr show -n ${shellWord(name)} --query loginServer (or a captive portal answers)`);
}

function refuse(what: string, response: HttpResponse, fix: string): Finding {
  const code = response.status === 403 ? 'CONNECTIVITY_FORBIDDEN_ERROR' : 'CONNECTIVITY_CHALLENGE_ERROR';
  return found('problem', what, { fix, causes: [describeResponse(response)], code });
}

/** Whether a refusal has the shape of the registry's own. */
function isFromRegistry(response: HttpResponse): boolean {
  return Array.isArray(parseJsonObject(response.body)?.['errors']);
}

/** A value may contain commas, so that the header cannot be split. */
function readParameter(header: string, name: string): string | undefined {
  for (const [, key, value] of header.matchAll(/\b([a-z]{1,20})="([^"]*)"/gi)) {
    if (key?.toLowerCase() === name) return value;
  }
  return undefined;
}
