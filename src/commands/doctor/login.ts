/** The stored login: whether it can be read, and whether the registry accepts it. */

import { createQuote } from '../../redact.ts';
import { shellWord } from '../../shell-word.ts';
import type { Runtime } from '../../system/runtime.ts';
import { type Check, type DoctorContext, type Finding, found } from './check.ts';
import { explain, formatWhen } from './explain.ts';
import type { Plan } from './visit.ts';

/** The check of the stored login. */
export const LOGIN: Check = {
  name: 'login',
  title: 'Trying the stored login',
  needsRegistry: true,
  run: checkLogin,
};

async function checkLogin({ runtime, visit, names }: DoctorContext): Promise<readonly Finding[]> {
  if (visit === undefined) return [found('skipped', 'not a registry of Azure')];
  const plan = await visit.plan();
  if (!('value' in plan)) return [found('skipped', 'the configuration has a mistake')];
  const { host } = visit.registry;
  const { kind } = plan.value;
  if (kind !== 'login' && kind !== 'stored-token') return [found('skipped', `nothing is stored for ${host}`)];
  const logout = `docker logout ${shellWord(host)}`;
  const code = 'CONNECTIVITY_ACCESS_TOKEN_ERROR';
  if (kind === 'login') {
    const login = await visit.login();
    if ('failure' in login) {
      const { what: cause, causes = [], ...problem } = explain(login.failure, { fix: logout });
      // The keychain's own words, which may contain names, are left to the causes.
      return [{ ...problem, what: `the stored login for ${host} cannot be read`, causes: [cause, ...causes] }];
    }
    if ('value' in login) names.add('USER', login.value.username);
  }
  const access = await visit.access();
  if ('skipped' in access) return [found('skipped', access.skipped)];
  if ('failure' in access) {
    const problem = explain(access.failure, { fix: logout, code });
    // The registry would give an image to nobody, but not to somebody with a wrong password.
    const anonymous = await visit.anonymousAccess();
    const note = 'value' in anonymous ? `; ${host} allows anonymous pulls, which fail only because of it` : '';
    return [{ ...problem, what: `${problem.what}${note}` }];
  }
  return [found('ok', describeAccepted(runtime, host, plan.value))];
}

function describeAccepted(runtime: Runtime, host: string, plan: Plan): string {
  if (plan.kind === 'login') {
    return `${host} accepts the stored login of ${createQuote(runtime)(plan.entry.username, 80)}`;
  }
  const end = plan.kind === 'stored-token' ? formatWhen(plan.cached.expiresAtSeconds, runtime.now() / 1000) : 'later';
  return `${host} accepts the stored token, which ends ${end}`;
}
