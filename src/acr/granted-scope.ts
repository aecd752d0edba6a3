/** Compares what an access token grants with what was wanted. */

import { readClaims } from '../entra/claims.ts';
import { asJsonObject, asText } from '../json.ts';

/** Each a scope with one action, such as `repository:team/app:pull`. */
type Permissions = readonly string[];

/**
 * Lists what an access token does not grant of a scope.
 * @returns scopes with one action each; none if all is granted or the token does not say what it grants.
 */
export function listMissing(scope: readonly string[], accessToken: string): Permissions {
  const granted = readGranted(accessToken);
  return granted === undefined ? [] : listUncovered(split(scope), granted);
}

/** Whether an access token says that it grants nothing beyond a scope. */
export function isWithin(scope: readonly string[], accessToken: string): boolean {
  const granted = readGranted(accessToken);
  return granted !== undefined && listUncovered(granted, split(scope)).length === 0;
}

function listUncovered(wanted: Permissions, granted: Permissions): Permissions {
  return wanted.filter((one) => !granted.includes(one) && !granted.includes(`${one.slice(0, one.lastIndexOf(':'))}:*`));
}

function split(scope: readonly string[]): Permissions {
  return scope.flatMap((one) => {
    const end = one.lastIndexOf(':');
    return one
      .slice(end + 1)
      .split(',')
      .map((action) => `${one.slice(0, end)}:${action}`);
  });
}

/** @returns `undefined` when the token does not say it. */
function readGranted(accessToken: string): Permissions | undefined {
  const { access } = readClaims(accessToken);
  if (!Array.isArray(access)) return undefined;
  const entries = access.map(asJsonObject).filter((entry) => entry !== undefined);
  return entries.flatMap(({ type, name, actions }) => {
    const list = Array.isArray(actions) ? actions.filter((action) => typeof action === 'string') : [];
    return list.map((action) => `${asText(type) ?? ''}:${asText(name) ?? ''}:${action}`);
  });
}
