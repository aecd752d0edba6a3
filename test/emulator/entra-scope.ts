/** The resource that a token request is for, in the three ways to name it. */
import type { EmulatedRequest } from './message.ts';
import type { Tenant } from './state.ts';
import type { EntraError } from './state-sign-in.ts';

const OPENID_SCOPES: ReadonlySet<string> = new Set(['openid', 'profile', 'email', 'offline_access']);
const GRAPH = 'https://graph.microsoft.com';

/**
 * The `scope` of an application, which is one resource with `/.default`. Entra ignores the words of OpenID Connect
 * beside it, which MSAL for Go adds to every request.
 */
export function parseApplicationScope(request: EmulatedRequest, tenant: Tenant): string | EntraError {
  const scope = request.form.get('scope') ?? '';
  if (scope === '') {
    return formatMissing('scope');
  }
  const [resource = '', ...others] = scope.split(' ').filter((word) => word !== '' && !OPENID_SCOPES.has(word));
  if (!resource.endsWith('/.default') || others.length > 0) {
    const text =
      `The provided value for scope ${scope} is not valid. Client credential flows must have a scope value with ` +
      '/.default suffixed to the resource identifier (application ID URI).';
    return { error: 'invalid_scope', code: 1_002_012, text };
  }
  return judgeResource(resource.slice(0, -'/.default'.length), tenant);
}

/** The `resource` of the version 1 endpoint. */
export function parseResource(request: EmulatedRequest, tenant: Tenant): string | EntraError {
  const resource = request.form.get('resource') ?? '';
  return resource === '' ? formatMissing('resource') : judgeResource(resource, tenant);
}

/** The `scope` of a person: one resource among the words of OpenID Connect; Graph when there is none. */
export function parseUserScope(scope: string, tenant: Tenant): string | EntraError {
  const resources = scope
    .split(' ')
    .filter((word) => word !== '' && !OPENID_SCOPES.has(word))
    .map((word) => (word.includes('://') ? word.slice(0, word.lastIndexOf('/')) : GRAPH));
  const [resource = GRAPH, ...others] = [...new Set(resources)];
  if (others.length > 0) {
    const text = `Provided value for the input parameter scope is not valid because it contains more than one resource.`;
    return { error: 'invalid_request', code: 28_000, text };
  }
  return judgeResource(resource, tenant);
}

export function formatMissing(parameter: string): EntraError {
  const text = `The request body must contain the following parameter: '${parameter}'.`;
  return { error: 'invalid_request', code: 900_144, text };
}

function judgeResource(resource: string, tenant: Tenant): string | EntraError {
  if (tenant.resources.has(resource.replace(/\/$/, ''))) {
    return resource;
  }
  const text =
    `The resource principal named ${resource} was not found in the tenant named ${tenant.name}. This can happen if ` +
    'the application has not been installed by the administrator of the tenant or consented to by any user in the ' +
    'tenant. You might have sent your authentication request to the wrong tenant.';
  return { error: 'invalid_resource', code: 500_011, text };
}
