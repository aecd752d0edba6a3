/** The identities: every source with its state, and which credential `get` returns now. */

import { CLOUDS } from '../../clouds.ts';
import { CredentialError, describeCause } from '../../errors.ts';
import { readAllowedSources } from '../../identity/allowed-sources.ts';
import type { ConfiguredSource, IdentitySource, SourceRequest } from '../../identity/identity.ts';
import { SOURCES } from '../../identity/sources.ts';
import { isNotSetUp } from '../../not-set-up.ts';
import { createQuote } from '../../redact.ts';
import { parseRegistry, type Registry } from '../../registry.ts';
import { shellWord } from '../../shell-word.ts';
import type { Runtime } from '../../system/runtime.ts';
import { type Check, type DoctorContext, type Finding, found } from './check.ts';
import { explain, formatWhen } from './explain.ts';
import type { Plan, Visit } from './visit.ts';

/** The state of a source. */
type SourceState = 'chosen' | 'set-up' | 'not-set-up' | 'broken' | 'excluded';

interface SourceReport {
  readonly source: string;
  readonly state: SourceState;
  /** Why it is in this state; what is missing. */
  readonly reason: string | undefined;
}

/** The check of the identities. */
export const IDENTITIES: Check = {
  name: 'identities',
  title: 'Looking for identities',
  needsRegistry: false,
  run: checkIdentities,
};

/** Stands for any registry: which sources are set up depends on the cloud only. */
const ANY_REGISTRY = parseRegistry(`registry.${CLOUDS[0]?.registrySuffix ?? ''}`);

async function checkIdentities(context: DoctorContext): Promise<readonly Finding[]> {
  const { runtime, visit, target } = context;
  if (visit === undefined && target !== undefined) return [found('skipped', 'not a registry of Azure')];
  if (visit === undefined) return await reportMachine(context);
  const plan = await visit.plan();
  if ('failure' in plan) return [found('skipped', 'the configuration has a mistake')];
  if (!('value' in plan)) return [];
  const settings = visit.settings();
  const attempt = await visit.signIn();
  const chosen = attempt.identity?.source;
  const reports = listReports(runtime, visit.registry, settings).map((report) => {
    const late = attempt.notSetUp.findLast(({ source }) => source === report.source);
    if (report.source === chosen) return { ...report, state: 'chosen' as const, reason: undefined };
    return late === undefined || report.state === 'broken' || report.state === 'excluded'
      ? report
      : { ...report, state: 'not-set-up' as const, reason: late.reason };
  });
  const details = { returns: plan.value.kind, sources: reports.map((report) => ({ ...report })) };
  const first = await describePlan(context, visit, plan.value, reports);
  return [{ ...first, details: { ...first.details, ...details } }, ...describeReports(runtime, reports)];
}

/** What is set up on this machine, whatever the registry. */
async function reportMachine({ runtime }: DoctorContext): Promise<readonly Finding[]> {
  if (ANY_REGISTRY === undefined) return [];
  try {
    readAllowedSources(runtime);
  } catch (cause) {
    return [explain(cause)];
  }
  const reports = listReports(runtime, ANY_REGISTRY, { identity: undefined, tenantId: undefined });
  const usable = reports.filter(({ state }) => state === 'set-up').map(({ source }) => source);
  const details = { sources: reports.map((report) => ({ ...report })) };
  const first =
    usable.length === 0
      ? found('warning', 'no identity is set up, unless the metadata service of a virtual machine has one', {
          fix: `${runtime.programName} login`,
          details,
        })
      : found('ok', `set up, in this order: ${usable.join(', ')}; doctor HOST tries them`, { details });
  return [first, ...describeReports(runtime, reports)];
}

async function describePlan(
  { runtime, names }: DoctorContext,
  visit: Visit,
  plan: Plan,
  reports: readonly SourceReport[],
): Promise<Finding> {
  const { host } = visit.registry;
  const quote = createQuote(runtime);
  const nowSeconds = runtime.now() / 1000;
  switch (plan.kind) {
    case 'forbidden': {
      const what = '"strict" forbids a credential: the configuration names no identity for this registry';
      return found('problem', `get returns nothing for ${host}: ${what}`, {
        fix: `add ${host} to "registries" of the configuration, with its "identity"`,
      });
    }
    case 'login':
      names.add('USER', plan.entry.username);
      return found(
        'note',
        `get returns the stored login of ${quote(plan.entry.username, 80)}, which comes before every identity`,
      );
    case 'stored-token': {
      const when = formatWhen(plan.cached.expiresAtSeconds, nowSeconds);
      return found('note', `get returns the token that a client stored; it ends ${when}, and is not renewed`);
    }
    case 'anonymous':
      return found('note', `get returns nothing, since the configuration says "anonymous": true for ${host}`);
    case 'identity':
      return await describeIdentity({ runtime, visit, plan, reports });
  }
}

async function describeIdentity({
  runtime,
  visit,
  plan,
  reports,
}: {
  readonly runtime: Runtime;
  readonly visit: Visit;
  readonly plan: Extract<Plan, { readonly kind: 'identity' }>;
  readonly reports: readonly SourceReport[];
}): Promise<Finding> {
  const { host } = visit.registry;
  const { programName } = runtime;
  const { outcome, identity, notSetUp } = await visit.signIn();
  const { identity: chosen } = visit.settings();
  const others = reports.filter(({ state }) => state === 'set-up').map(({ source }) => source);
  if (identity !== undefined) {
    const also = others.length === 0 ? '' : ` (also set up, but not used: ${others.join(', ')})`;
    const by = chosen === undefined ? 'the first that is set up' : 'as the configuration says';
    return found('ok', `get signs in with ${identity.source}, ${by}${also}`, {
      details: { identity: createQuote(runtime)(identity.description) },
    });
  }
  if ('failure' in outcome) return explain(outcome.failure);
  if (chosen !== undefined) {
    const reasons = notSetUp.map(({ reason }) => reason).join('; ');
    const what = `${chosen.name}, which the configuration chooses for ${host}, is not set up: ${reasons}`;
    return found('problem', what, { fix: `set up ${chosen.name}, or remove "identity" from the configuration` });
  }
  const anonymous = await visit.anonymousAccess();
  const expired = plan.expiredAtSeconds === undefined ? '' : '; the token of the last login has expired';
  if ('value' in anonymous) {
    return found('note', `no identity is set up, but ${host} allows anonymous pulls${expired}`);
  }
  return found('problem', `no identity is set up, so get returns nothing for ${host}${expired}`, {
    fix: [
      ...(plan.expiredAtSeconds === undefined ? [] : [`docker logout ${shellWord(host)}`]),
      `${programName} login ${shellWord(host)}`,
    ].join('; '),
  });
}

/** One line for each source that is not used. */
function describeReports(runtime: Runtime, reports: readonly SourceReport[]): readonly Finding[] {
  const quote = createQuote(runtime);
  return reports.flatMap(({ source, state, reason = '' }): Finding[] => {
    switch (state) {
      case 'chosen':
        return [];
      case 'set-up':
        return [found('note', `${source}: set up`)];
      case 'broken':
        return [found('warning', `${source}: ${quote(reason)}`)];
      default:
        return [found('skipped', `${source}: ${quote(reason)}`)];
    }
  });
}

function listReports(
  runtime: Runtime,
  registry: Registry,
  {
    identity: chosen,
    tenantId,
  }: { readonly identity: ConfiguredSource | undefined; readonly tenantId: string | undefined },
): readonly SourceReport[] {
  const { sources: allowed, isChosen } = listAllowed(runtime, chosen);
  return SOURCES.map((source) => {
    const { name } = source;
    const exclude = (reason: string): SourceReport => ({ source: name, state: 'excluded', reason });
    if (chosen !== undefined && chosen.source !== name) return exclude('excluded: the configuration chooses another');
    if (chosen === undefined && source.group === undefined)
      return exclude('used only where the configuration names it');
    if (chosen === undefined && !allowed.includes(source)) return exclude('excluded by AZURE_TOKEN_CREDENTIALS');
    const configured = chosen ?? source.configure();
    return examine(name, configured, { runtime, registry, tenantId, isChosen: chosen !== undefined || isChosen });
  });
}

function listAllowed(
  runtime: Runtime,
  chosen: ConfiguredSource | undefined,
): { readonly sources: readonly IdentitySource[]; readonly isChosen: boolean } {
  if (chosen !== undefined) return { sources: [], isChosen: true };
  try {
    return readAllowedSources(runtime);
  } catch {
    return { sources: [], isChosen: false }; // the sign-in reports it
  }
}

function examine(source: string, configured: ConfiguredSource, request: SourceRequest): SourceReport {
  try {
    const identity = configured.find(request);
    return isNotSetUp(identity)
      ? { source, state: 'not-set-up', reason: identity.notSetUp }
      : { source, state: 'set-up', reason: undefined };
  } catch (cause) {
    const hint = cause instanceof CredentialError && cause.hint !== undefined ? `; ${cause.hint}` : '';
    return { source, state: 'broken', reason: `${describeCause(cause)}${hint}` };
  }
}
