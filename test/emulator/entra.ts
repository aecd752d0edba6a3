/** Entra ID: the token endpoint with its grants, and the little discovery that SDKs and the Azure CLI ask for. */
import { judgeClient } from './entra-client.ts';
import { type EntraError, entraResponse, formatEntraError } from './entra-error.ts';
import { issueApplicationToken } from './entra-token.ts';
import type { Context, EmulatedRequest, EmulatedResponse } from './message.ts';
import { findTenant, type Tenant } from './state.ts';

type Grant = (tenant: Tenant, request: EmulatedRequest, context: Context) => EmulatedResponse | EntraError;

/** By `grant_type`; one more entry is one more way to sign in. */
const GRANTS: ReadonlyMap<string, Grant> = new Map([['client_credentials', grantClientCredentials]]);

/** Answers any request to an Entra authority. */
export function answerEntra(request: EmulatedRequest, context: Context): EmulatedResponse {
  const [tenantName = '', ...rest] = request.path.split('/').slice(1);
  const resource = rest.join('/');
  if (request.path === '/common/discovery/instance') {
    return answerInstanceDiscovery(request, context);
  }
  if (tenantName === 'common' && resource.startsWith('userrealm/')) {
    return entraResponse(200, { ver: '1.0', account_type: 'Managed' }, context, request);
  }
  const tenant = findTenant(context.state, tenantName);
  if (tenant === undefined || tenant.authorities?.includes(request.host) === false) {
    const text =
      `Tenant '${tenantName}' not found. Check to make sure you have the correct tenant ID and are signing into the ` +
      'correct cloud. Check with your subscription administrator, this may happen if there are no active ' +
      'subscriptions for the tenant.';
    return formatEntraError({ error: 'invalid_request', code: 90002, text }, request, context);
  }
  if (resource === 'v2.0/.well-known/openid-configuration' && request.method === 'GET') {
    return answerConfiguration(tenant, request, context);
  }
  if (resource === 'oauth2/v2.0/token' || resource === 'oauth2/token') {
    return answerToken(tenant, request, context);
  }
  return { status: 404, headers: {}, body: '' };
}

function answerToken(tenant: Tenant, request: EmulatedRequest, context: Context): EmulatedResponse {
  if (request.method !== 'POST') {
    const text = `Endpoint only accepts POST requests. Received a ${request.method} request.`;
    return formatEntraError({ error: 'invalid_request', code: 900561, text }, request, context);
  }
  const grantType = request.form.get('grant_type') ?? '';
  const grant = GRANTS.get(grantType);
  if (grant === undefined) {
    const error: EntraError =
      grantType === ''
        ? missing('grant_type')
        : {
            error: 'unsupported_grant_type',
            code: 70003,
            text: `The app requested an unsupported grant type '${grantType}'.`,
          };
    return formatEntraError(error, request, context);
  }
  const answer = grant(tenant, request, context);
  return 'error' in answer ? formatEntraError(answer, request, context) : answer;
}

function grantClientCredentials(
  tenant: Tenant,
  request: EmulatedRequest,
  context: Context,
): EmulatedResponse | EntraError {
  const application = judgeClient(tenant, request, context);
  if ('error' in application) {
    return application;
  }
  const isVersion1 = request.path.endsWith('/oauth2/token');
  const resource = isVersion1 ? parseResource(request, tenant) : parseScope(request, tenant);
  if (typeof resource !== 'string') {
    return resource;
  }
  const seconds = context.state.entraTokenSeconds;
  const method = request.form.has('client_secret') ? 'secret' : 'assertion';
  const token = issueApplicationToken(context.state, { tenant, application, audience: resource, method }, context.now);
  const answer = isVersion1
    ? {
        token_type: 'Bearer',
        expires_in: `${seconds}`,
        ext_expires_in: `${seconds}`,
        expires_on: `${context.now + seconds}`,
        not_before: `${context.now}`,
        resource,
        access_token: token,
      }
    : { token_type: 'Bearer', expires_in: seconds, ext_expires_in: seconds, access_token: token };
  return entraResponse(200, answer, context, request);
}

function parseScope(request: EmulatedRequest, tenant: Tenant): string | EntraError {
  const scope = request.form.get('scope') ?? '';
  if (scope === '') {
    return missing('scope');
  }
  if (!scope.endsWith('/.default') || scope.includes(' ')) {
    const text =
      `The provided value for scope ${scope} is not valid. Client credential flows must have a scope value with ` +
      '/.default suffixed to the resource identifier (application ID URI).';
    return { error: 'invalid_scope', code: 1_002_012, text };
  }
  return judgeResource(scope.slice(0, -'/.default'.length), tenant);
}

function parseResource(request: EmulatedRequest, tenant: Tenant): string | EntraError {
  const resource = request.form.get('resource') ?? '';
  return resource === '' ? missing('resource') : judgeResource(resource, tenant);
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

function missing(parameter: string): EntraError {
  const text = `The request body must contain the following parameter: '${parameter}'.`;
  return { error: 'invalid_request', code: 900_144, text };
}

function answerConfiguration(tenant: Tenant, request: EmulatedRequest, context: Context): EmulatedResponse {
  const base = `https://${request.host}/${tenant.id}`;
  return entraResponse(
    200,
    {
      token_endpoint: `${base}/oauth2/v2.0/token`,
      token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt', 'client_secret_basic'],
      jwks_uri: `${base}/discovery/v2.0/keys`,
      issuer: `${base}/v2.0`,
      authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
      device_authorization_endpoint: `${base}/oauth2/v2.0/devicecode`,
      end_session_endpoint: `${base}/oauth2/v2.0/logout`,
      response_types_supported: ['code'],
      subject_types_supported: ['pairwise'],
      id_token_signing_alg_values_supported: ['RS256'],
      cloud_instance_name: request.host.replace(/^login\./, ''),
    },
    context,
    request,
  );
}

function answerInstanceDiscovery(request: EmulatedRequest, context: Context): EmulatedResponse {
  const endpoint = URL.parse(request.query.get('authorization_endpoint') ?? '');
  const tenantName = endpoint?.pathname.split('/')[1] ?? 'common';
  const host = endpoint?.hostname ?? request.host;
  return entraResponse(
    200,
    {
      tenant_discovery_endpoint: `https://${host}/${tenantName}/v2.0/.well-known/openid-configuration`,
      'api-version': '1.1',
      metadata: [{ preferred_network: host, preferred_cache: host, aliases: [host] }],
    },
    context,
    request,
  );
}
