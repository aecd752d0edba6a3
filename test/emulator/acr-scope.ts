/** Scopes of ACR: what a request needs, what a client asks for, and how much of that a grant allows. */
import { type JsonRecord, parseRecord, parseString, parseStrings } from './json.ts';
import type { Registry, RegistryAction, RepositoryToken, Role } from './state.ts';

/** One entry of a token's `access` claim. */
export interface Access {
  readonly type: string;
  readonly name: string;
  readonly actions: readonly string[];
}

/** What an authenticated caller may do. */
export type Grant =
  /** RBAC: the permissions that the refresh token carries. */
  | { readonly kind: 'permissions'; readonly actions: readonly string[] }
  /** ABAC: an object id, whose role is looked up each time. */
  | { readonly kind: 'identity'; readonly objectId: string }
  | { readonly kind: 'token'; readonly token: RepositoryToken }
  | { readonly kind: 'access'; readonly access: readonly Access[] }
  | { readonly kind: 'anonymous' }
  | { readonly kind: 'admin' };

const PERMISSIONS: Readonly<Record<RegistryAction, readonly string[]>> = {
  pull: ['read'],
  push: ['write'],
  delete: ['delete'],
  catalog: [],
};

const READ_ACTIONS = ['pull', 'metadata_read'];
const WRITE_ACTIONS = ['push', 'metadata_write'];
const DELETE_ACTIONS = ['delete', 'deleted_read', 'deleted_restore'];
const ALL_ACTIONS = [...READ_ACTIONS, ...WRITE_ACTIONS, ...DELETE_ACTIONS, '*'];

/** The `permissions.actions` that a role gets in RBAC mode. */
export function listPermissions(role: Role): string[] {
  return role.actions.flatMap((action) => PERMISSIONS[action]);
}

export function findRole(registry: Registry, objectId: string): Role {
  return registry.roles.get(objectId) ?? registry.defaultRole;
}

/** Splits `repository:team/x:pull,push`; a name may hold colons, as in `host:port/x`. */
export function parseScope(scope: string): Access | undefined {
  const start = scope.indexOf(':');
  const end = scope.lastIndexOf(':');
  if (start <= 0 || end <= start + 1 || end === scope.length - 1) {
    return undefined;
  }
  return { type: scope.slice(0, start), name: scope.slice(start + 1, end), actions: scope.slice(end + 1).split(',') };
}

/** The scopes of a form or query: repeated, or joined by spaces, or both. */
export function parseScopes(parameters: URLSearchParams): Access[] {
  return parameters
    .getAll('scope')
    .flatMap((value) => value.split(' '))
    .map(parseScope)
    .filter((scope) => scope !== undefined);
}

/** The `access` claim of a token. */
export function parseAccess(claims: JsonRecord): Access[] {
  const list = claims['access'];
  return (Array.isArray(list) ? list : []).map(parseRecord).map((entry) => ({
    type: parseString(entry?.['type']) ?? '',
    name: parseString(entry?.['name']) ?? '',
    actions: parseStrings(entry?.['actions']),
  }));
}

/** The part of `wanted` that the grant allows, without entries that are left empty. */
export function intersectScopes(wanted: readonly Access[], grant: Grant, registry: Registry): Access[] {
  return wanted
    .map((scope) => ({
      ...scope,
      actions: scope.actions.filter((action) => isAllowed(scope, action, grant, registry)),
    }))
    .filter(({ actions }) => actions.length > 0);
}

/** Whether `access` holds all that is `needed`. */
export function coversScopes(access: readonly Access[], needed: readonly Access[]): boolean {
  return needed.every((scope) =>
    scope.actions.every((action) =>
      access.some(
        (entry) =>
          entry.type === scope.type &&
          (entry.name === scope.name || (entry.name === '*' && scope.type === 'repository')) &&
          (entry.actions.includes(action) || entry.actions.includes('*')),
      ),
    ),
  );
}

function isAllowed(scope: Access, action: string, grant: Grant, registry: Registry): boolean {
  switch (grant.kind) {
    case 'admin':
      return true;
    case 'access':
      return coversScopes(grant.access, [{ ...scope, actions: [action] }]);
    case 'anonymous':
      return scope.type === 'registry' ? scope.name === 'catalog' : scope.name !== '*' && READ_ACTIONS.includes(action);
    case 'token':
      return scope.type === 'repository' && (grant.token.scopeMap[scope.name] ?? []).includes(action);
    case 'permissions': {
      const allowed = listRepositoryActions(grant.actions);
      return scope.type === 'registry' ? allowed.includes('pull') : allowed.includes(action);
    }
    case 'identity': {
      const role = findRole(registry, grant.objectId);
      if (scope.type === 'registry') {
        return role.actions.includes('catalog');
      }
      // A wildcard repository is silently ignored by a registry in ABAC mode.
      const isInCondition = role.repositories === undefined || role.repositories.includes(scope.name);
      return scope.name !== '*' && isInCondition && listRepositoryActions(listPermissions(role)).includes(action);
    }
  }
}

function listRepositoryActions(permissions: readonly string[]): readonly string[] {
  const has = (permission: string) => permissions.includes(permission) || permissions.includes('*');
  const actions = [
    ...(has('read') ? READ_ACTIONS : []),
    ...(has('write') ? WRITE_ACTIONS : []),
    ...(has('delete') ? DELETE_ACTIONS : []),
  ];
  return actions.length === ALL_ACTIONS.length - 1 ? ALL_ACTIONS : actions;
}
