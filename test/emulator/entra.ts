/** Entra ID: the token endpoint with its grants, and the little discovery that SDKs and the Azure CLI ask for. */

import { answerAuthorize } from './entra-authorize.ts';
import { judgeClient } from './entra-client.ts';
import { entraResponse, formatEntraError } from './entra-error.ts';
import { formatMissing, parseApplicationScope, parseResource } from './entra-scope.ts';
import { issueApplicationToken } from './entra-token.ts';
import {
  answerDeviceCode,
  type GrantRequest,
  grantAuthorizationCode,
  grantDeviceCode,
  grantRefreshToken,
} from './entra-user.ts';
import type { EmulatedRequest, EmulatedResponse } from './message.ts';
import { type Context, findTenant, type Tenant } from './state.ts';
import type { EntraError } from './state-sign-in.ts';

type Grant = (asked: GrantRequest) => EmulatedResponse | EntraError;

/** By `grant_type`; one more entry is one more way to sign in. */
const GRANTS: ReadonlyMap<string, Grant> = new Map([
  ['client_credentials', grantClientCredentials],
  ['authorization_code', grantAuthorizationCode],
  ['refresh_token', grantRefreshToken],
  ['urn:ietf:params:oauth:grant-type:device_code', grantDeviceCode],
  // The short name that MSAL sends.
  ['device_code', grantDeviceCode],
]);

/** Authorities that stand for the tenant of whoever signs in. */
const SHARED_TENANTS: ReadonlySet<string> = new Set(['common', 'organizations']);

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
  const isShared = SHARED_TENANTS.has(tenantName) && request.form.get('grant_type') !== 'client_credentials';
  const tenant = findTenant(context.state, isShared ? context.state.signIn.tenantId : tenantName);
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
  if (resource === 'oauth2/v2.0/authorize' && request.method === 'GET') {
    return answerAuthorize(tenant, request, context);
  }
  if (resource === 'oauth2/v2.0/devicecode' && request.method === 'POST') {
    return judgeAndAnswer(answerDeviceCode, tenant, request, context);
  }
  return { status: 404, headers: {}, body: '' };
}

/** Answers a client that proves its identity to the tenant, and refuses any other. */
function judgeAndAnswer(grant: Grant, tenant: Tenant, request: EmulatedRequest, context: Context): EmulatedResponse {
  const client = judgeClient(tenant, request, context);
  const answer = 'error' in client ? client : grant({ tenant, client, request, context });
  return 'error' in answer ? formatEntraError(answer, request, context) : answer;
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
        ? formatMissing('grant_type')
        : {
            error: 'unsupported_grant_type',
            code: 70003,
            text: `The app requested an unsupported grant type '${grantType}'.`,
          };
    return formatEntraError(error, request, context);
  }
  return judgeAndAnswer(grant, tenant, request, context);
}

function grantClientCredentials(asked: GrantRequest): EmulatedResponse | EntraError {
  const { tenant, client: application, request, context } = asked;
  if (application.isPublic) {
    const text = 'Public clients are not supported for this grant type.';
    return { error: 'unauthorized_client', code: 7_000_218, text };
  }
  const isVersion1 = request.path.endsWith('/oauth2/token');
  const resource = isVersion1 ? parseResource(request, tenant) : parseApplicationScope(request, tenant);
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
