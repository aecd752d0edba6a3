/** The permissions: whether what `get` returns may pull from the repository, and push to it. */

import { type Claims, readClaims } from '../../entra/claims.ts';
import { asJsonObject } from '../../json.ts';
import { describeResponse } from '../../network/http.ts';
import { createQuote } from '../../redact.ts';
import { shellWord } from '../../shell-word.ts';
import { type Check, type DoctorContext, type Finding, found } from './check.ts';
import { assignRole, forbidsPull, readMode } from './exchange.ts';
import { explain } from './explain.ts';
import type { Plan, Visit } from './visit.ts';

/** @see https://distribution.github.io/distribution/spec/ (the name of a repository) */
const REPOSITORY = /^[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:\/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*$/;
const MAX_REPOSITORY_LENGTH = 255;

/** The check of the permissions. */
export const PERMISSIONS: Check = {
  name: 'permissions',
  title: 'Asking what is allowed',
  needsRegistry: true,
  run: checkPermissions,
};

async function checkPermissions({ runtime, visit }: DoctorContext): Promise<readonly Finding[]> {
  if (visit === undefined) return [found('skipped', 'not a registry of Azure')];
  const { repository } = visit;
  if (repository !== undefined && !isRepository(repository)) {
    const quoted = createQuote(runtime)(repository, 100);
    const what = `"${quoted}" cannot be a repository: names have lower-case letters, digits, and . _ - / between them`;
    return [found('problem', what, { fix: 'check the path in the name of the image' })];
  }
  const plan = await visit.plan();
  if (!('value' in plan)) return [found('skipped', 'the configuration has a mistake')];
  const limited = repository === undefined ? undefined : checkScope(visit, plan.value, repository);
  if (limited !== undefined) return [limited];
  const access = await findAccess(visit, plan.value);
  if ('skipped' in access) return [found('skipped', access.skipped)];
  if ('failure' in access) {
    // The check of the login tells about what is stored.
    if (['login', 'stored-token'].includes(plan.value.kind)) return [found('skipped', 'the registry gives no token')];
    return [explain(access.failure, { code: 'CONNECTIVITY_ACCESS_TOKEN_ERROR' })];
  }
  const { token } = access.value;
  return repository === undefined
    ? [await judgeCatalog(visit, token)]
    : await judgeRepository(visit, { repository, token, refresh: await readRefresh(visit), plan: plan.value });
}

/** Without an identity, clients go on anonymously. */
async function findAccess(visit: Visit, plan: Plan) {
  const { outcome, identity } = await visit.signIn();
  const isAlone = plan.kind === 'identity' && identity === undefined && 'skipped' in outcome;
  if (!isAlone) return await visit.access();
  const anonymous = await visit.anonymousAccess();
  return 'value' in anonymous ? anonymous : { skipped: outcome.skipped };
}

function isRepository(name: string): boolean {
  return name.length <= MAX_REPOSITORY_LENGTH && REPOSITORY.test(name);
}

/** Whether the scope that the configuration asks for leaves the repository out. */
function checkScope(visit: Visit, plan: Plan, repository: string): Finding | undefined {
  const { secret, scope } = visit.settings();
  if (secret !== 'access-token' || plan.kind !== 'identity') return undefined;
  const isCovered = scope.some((one) => {
    const [, name, actions = ''] = /^repository:(.+):([^:]+)$/.exec(one) ?? [];
    return (name === repository || name === '*') && /(?:^|,)(?:pull|\*)(?:,|$)/.test(actions);
  });
  if (isCovered) return undefined;
  const what = `get returns a token for ${scope.join(' ')} only, as the configuration says: it cannot pull ${repository}`;
  return found('problem', what, { fix: `add "repository:${repository}:pull" to "scope" of the registry` });
}

/** The claims of the registry's refresh token; empty when there is none. */
async function readRefresh(visit: Visit): Promise<Claims> {
  const exchanged = await visit.exchange();
  return 'value' in exchanged ? readClaims(exchanged.value.token) : {};
}

/** Without a repository there is only the probe of `az acr check-health`. It says little of a registry in ABAC mode. */
async function judgeCatalog(visit: Visit, token: string): Promise<Finding> {
  const { host } = visit.registry;
  const response = await visit.fetch('/v2/', token);
  const ask = `doctor ${host}/REPOSITORY tells whether it may pull and push`;
  if ('value' in response && response.value.status === 200) {
    return found('ok', `${host} accepts an access token; ${ask}`);
  }
  return found('note', `${host} issues access tokens; ${ask}`, {
    causes: 'value' in response ? [describeResponse(response.value)] : [],
  });
}

interface Judgement {
  readonly repository: string;
  /** The access token. */
  readonly token: string;
  /** The claims of the refresh token; empty where there is none. */
  readonly refresh: Claims;
  readonly plan: Plan;
}

async function judgeRepository(visit: Visit, judgement: Judgement): Promise<readonly Finding[]> {
  const { repository, token, refresh, plan } = judgement;
  const mode = readMode(refresh);
  const granted = listGranted(readClaims(token), repository);
  const details = { repository, pull: granted.includes('pull'), push: granted.includes('push'), mode };
  if (!granted.includes('pull')) return [{ ...(await explainNoPull(visit, judgement)), details }];
  const findings = [found('ok', `pull: ${repository} may be pulled`, { details })];
  if (granted.includes('push')) findings.push(found('ok', `push: ${repository} may be pushed to`));
  else {
    const role = mode === 'abac' ? 'Container Registry Repository Writer' : 'AcrPush';
    const fix = plan.kind === 'identity' ? await assignRole(visit, role) : undefined;
    const denied = 'a push ends with "requested access to the resource is denied"';
    findings.push(found('note', `push: ${repository} may not be pushed to; ${denied}`, { fix }));
  }
  return [...findings, ...(await lookForRepository(visit, repository, token))];
}

async function explainNoPull(visit: Visit, { repository, refresh, plan }: Judgement): Promise<Finding> {
  const { host } = visit.registry;
  const [name = host] = host.split(/[-.]/);
  const code = 'CONNECTIVITY_ACCESS_TOKEN_ERROR';
  // The check of the exchange tells it, and what fixes it.
  if (forbidsPull(refresh)) return found('skipped', `pull: the roles allow no pull of ${repository}`);
  if (readMode(refresh) === 'abac') {
    const why = 'it is in ABAC mode, where AcrPull does not count and a condition can leave a repository out';
    const fix = await assignRole(visit, 'Container Registry Repository Reader');
    return found('problem', `pull: ${host} allows no pull of ${repository}: ${why}`, { fix, code });
  }
  if (plan.kind === 'login') {
    const fix = `az acr token list -r ${shellWord(name)} -o table, and add the repository to its scope map`;
    return found('problem', `pull: the stored login may not pull ${repository}`, { fix, code });
  }
  const fix = await assignRole(visit, 'AcrPull');
  return found('problem', `pull: ${host} allows no pull of ${repository}`, { fix, code });
}

/** Whether the repository exists, which a push would not need. */
async function lookForRepository(visit: Visit, repository: string, token: string): Promise<readonly Finding[]> {
  const { host } = visit.registry;
  const response = await visit.fetch(`/v2/${repository}/tags/list?n=1`, token);
  if (!('value' in response)) return [];
  const [name = host] = host.split(/[-.]/);
  const { status } = response.value;
  const causes = [describeResponse(response.value)];
  if (status === 404) {
    const what = `${host} has no repository ${repository}: a pull ends with "not found", or "access denied"`;
    return [found('warning', what, { fix: `az acr repository list -n ${shellWord(name)} -o table`, causes })];
  }
  if (status !== 401 && status !== 403) return [];
  const what = `pull: ${host} issues a token for ${repository}, and then does not accept it`;
  return [found('problem', what, { fix: `docker logout ${shellWord(host)}`, causes })];
}

/** What the `access` claim of a token allows in a repository. */
function listGranted({ access }: Claims, repository: string): readonly string[] {
  const entries: unknown[] = Array.isArray(access) ? access : [];
  return entries.flatMap((entry) => {
    const { type, name, actions } = asJsonObject(entry) ?? {};
    if (type !== 'repository' || (name !== repository && name !== '*') || !Array.isArray(actions)) return [];
    return actions.flatMap((one) => (one === '*' ? ['pull', 'push'] : typeof one === 'string' ? [one] : []));
  });
}
