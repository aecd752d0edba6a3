/** The exchange: whether the registry accepts the Entra token, and what its own token allows. */

import { type Claims, readClaims, readExpiry } from '../../entra/claims.ts';
import { asJsonObject } from '../../json.ts';
import { createQuote } from '../../redact.ts';
import { shellWord } from '../../shell-word.ts';
import { readAccount } from './account.ts';
import { type Check, type DoctorContext, type Finding, found } from './check.ts';
import { explain, formatWhen } from './explain.ts';
import type { Visit } from './visit.ts';

/** How the registry decides what an identity may do. */
type Mode = 'rbac' | 'abac' | undefined;

/** The check of the exchange. */
export const EXCHANGE: Check = {
  name: 'exchange',
  title: 'Exchanging the token',
  needsRegistry: true,
  run: checkExchange,
};

async function checkExchange({ runtime, visit }: DoctorContext): Promise<readonly Finding[]> {
  if (visit === undefined) return [found('skipped', 'not a registry of Azure')];
  const exchanged = await visit.exchange();
  if ('skipped' in exchanged) return [found('skipped', exchanged.skipped)];
  if ('failure' in exchanged) return [explain(exchanged.failure, { code: 'CONNECTIVITY_REFRESH_TOKEN_ERROR' })];
  const { host } = visit.registry;
  const { token } = exchanged.value;
  const claims = readClaims(token);
  const quote = createQuote(runtime);
  const mode = readMode(claims);
  const actions = listActions(claims);
  const expiresAtSeconds = readExpiry(token);
  const end = expiresAtSeconds === undefined ? '' : ` and ends ${formatWhen(expiresAtSeconds, runtime.now() / 1000)}`;
  const details = { mode, actions: actions.map((one) => quote(one, 60)) };
  if (mode === 'abac') {
    const what = `${host} accepts the identity, and decides for each repository (ABAC); its token${end || ' is valid'}`;
    return [found('ok', what.replace('token and', 'token'), { details })];
  }
  if (mode === undefined)
    return [found('ok', `${host} accepts the identity; its token cannot be read${end}`, { details })];
  const list = quote(actions.join(', '), 200) || 'nothing';
  if (forbidsPull(claims)) {
    const what = `${host} accepts the identity, but its roles allow no pull: they allow ${list}`;
    return [found('problem', what, { fix: await assignRole(visit, 'AcrPull'), details })];
  }
  return [found('ok', `${host} accepts the identity; its token allows ${list}${end}`, { details })];
}

/**
 * The command that assigns a role on the registry to the identity that signed in.
 * @param role such as `AcrPull`.
 */
export async function assignRole(visit: Visit, role: string): Promise<string> {
  const { outcome } = await visit.signIn();
  const account = 'value' in outcome ? readAccount(outcome.value.token) : undefined;
  const { host } = visit.registry;
  const [name = host] = host.split(/[-.]/);
  return `az role assignment create --role ${shellWord(role)} --assignee ${shellWord(account ?? 'ID')} --scope $(az acr show -n ${shellWord(name)} --query id -o tsv) (it takes up to 10 minutes to apply)`;
}

/** Reads from a refresh token how the registry decides. @returns `undefined` when the token does not say. */
export function readMode(claims: Claims): Mode {
  if (claims['permissions'] !== undefined) return 'rbac';
  return claims['aad_identity'] === undefined ? undefined : 'abac';
}

/** The spelling of the key is not documented. */
function listActions({ permissions }: Claims): readonly string[] {
  const [, actions] =
    Object.entries(asJsonObject(permissions) ?? {}).find(([key]) => key.toLowerCase() === 'actions') ?? [];
  return Array.isArray(actions) ? actions.filter((one) => typeof one === 'string') : [];
}

/** Whether a refresh token says that its roles allow no pull. */
export function forbidsPull(claims: Claims): boolean {
  return readMode(claims) === 'rbac' && !mayRead(listActions(claims));
}

function mayRead(actions: readonly string[]): boolean {
  return actions.some((one) => one === '*' || one.toLowerCase() === 'read');
}
