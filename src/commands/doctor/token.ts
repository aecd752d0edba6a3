/** The Entra token: whether the identity gets one, and what its claims say. */

import { readAudiences, readClaims, readExpiry } from '../../entra/claims.ts';
import { asText } from '../../json.ts';
import { trimSlashes } from '../../network/plain-url.ts';
import { createQuote } from '../../redact.ts';
import { ACCOUNT_CLAIMS, readAccount } from './account.ts';
import { type Check, type DoctorContext, type Finding, found } from './check.ts';
import { explain, formatWhen } from './explain.ts';

/** The check of the Entra token. */
export const TOKEN: Check = {
  name: 'token',
  title: 'Signing in to Entra ID',
  needsRegistry: true,
  run: checkToken,
};

async function checkToken({ runtime, visit, names }: DoctorContext): Promise<readonly Finding[]> {
  if (visit === undefined) return [found('skipped', 'not a registry of Azure')];
  names.add('TENANT', readTenant(visit));
  const { outcome, identity } = await visit.signIn();
  if ('skipped' in outcome) return [found('skipped', outcome.skipped)];
  if ('failure' in outcome) {
    // Without an identity, the check of the identities tells it.
    if (identity === undefined) return [found('skipped', 'no identity can be used')];
    return [explain(outcome.failure, { about: identity.source, code: 'CONNECTIVITY_AAD_LOGIN_ERROR' })];
  }
  const { token } = outcome.value;
  const quote = createQuote(runtime);
  const claims = readClaims(token);
  const claim = (name: string) => {
    const text = asText(claims[name]);
    return text === undefined ? undefined : quote(text, 100);
  };
  const who = readAccount(token);
  for (const name of [...ACCOUNT_CLAIMS, 'name']) names.add('USER', asText(claims[name]));
  const audience = readAudiences(claims).join(' ');
  const expiresAtSeconds = readExpiry(token);
  const nowSeconds = runtime.now() / 1000;
  const details = {
    source: outcome.value.identity.source,
    who: who === undefined ? undefined : quote(who, 100),
    objectId: claim('oid'),
    tenant: claim('tid'),
    issuer: claim('iss'),
    audience: quote(audience, 200),
    expiresAt: expiresAtSeconds === undefined ? undefined : formatTime(expiresAtSeconds),
  };
  if (who === undefined && audience === '') {
    const what = `${details.source} returned a token that cannot be read; the registry decides`;
    return [found('note', what, { details })];
  }
  const end = expiresAtSeconds === undefined ? 'has no end' : `ends ${formatWhen(expiresAtSeconds, nowSeconds)}`;
  const what = `${details.source} signed in as ${details.who ?? 'nobody'} in tenant ${details.tenant ?? '(none)'}; the token is for ${details.audience} and ${end}`;
  if (expiresAtSeconds !== undefined && expiresAtSeconds <= nowSeconds) {
    return [found('problem', `${what}: it has expired, or this machine's clock is wrong`, { fix: 'date -u', details })];
  }
  const { armAudience, audience: own } = visit.registry.cloud;
  if (armAudience !== undefined && isSame(audience, armAudience)) {
    const why = 'the tenant or the managed identity issues none for registries';
    return [found('warning', `${what}, since ${why}; a registry may refuse it`, { fix: ARM_FIX, details })];
  }
  const wanted = visit.settings().identity?.audience ?? own;
  if (!isSame(audience, wanted)) {
    return [found('warning', `${what}, while ${visit.registry.host} wants ${quote(wanted, 200)}`, { details })];
  }
  return [found('ok', what, { details })];
}

const ARM_FIX = 'check that AZURE_TENANT_ID is the tenant of the registry, or set "audience" in the configuration';

function readTenant(visit: NonNullable<DoctorContext['visit']>): string | undefined {
  try {
    const { tenantId, identity } = visit.settings();
    return tenantId ?? identity?.tenantId;
  } catch {
    return undefined; // the check of the configuration tells it
  }
}

function isSame(one: string, other: string): boolean {
  return trimSlashes(one).toLowerCase() === trimSlashes(other).toLowerCase();
}

function formatTime(seconds: number): string | undefined {
  const time = new Date(seconds * 1000);
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString();
}
