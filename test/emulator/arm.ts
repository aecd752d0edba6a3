/** As much of Azure Resource Manager as `az login`, `az acr login` and the program ask for. */

import { describeResource, resourceNameOf } from './arm-resource.ts';
import { answerResourceGraph, RESOURCE_GRAPH_PATH } from './arm-resource-graph.ts';
import { parseString } from './json.ts';
import { type EmulatedRequest, type EmulatedResponse, jsonResponse } from './message.ts';

import {
  ARM_AUDIENCES,
  type Context,
  type EmulatorState,
  findTenant,
  type Registry,
  registryOf,
  type Subscription,
  type Tenant,
} from './state.ts';
import { verifyToken } from './tokens.ts';

/** Answers any request to the resource manager. */
export function answerArm(request: EmulatedRequest, context: Context): EmulatedResponse {
  const token = /^bearer +(\S+)$/i.exec(request.headers['authorization'] ?? '')?.[1] ?? '';
  const claims = verifyToken('entra', token, context.now);
  const audience = parseString(claims?.['aud'])?.replace(/\/+$/, '') ?? '';
  const tenant = findTenant(context.state, parseString(claims?.['tid']) ?? '');
  if (tenant === undefined || !ARM_AUDIENCES.includes(audience)) {
    return jsonResponse(
      401,
      { error: { code: 'InvalidAuthenticationToken', message: 'The access token is invalid.' } },
      { 'WWW-Authenticate': `Bearer authorization_uri="https://login.microsoftonline.com/"`, ...headers(context) },
    );
  }
  const path = request.path.replace(/\/+$/, '').toLowerCase();
  const registryName = /\/providers\/microsoft\.containerregistry\/registries\/([^/]+)$/.exec(path)?.[1];
  if (path === '/subscriptions') {
    return list(
      tenant.subscriptions.map((one) => describeSubscription(one, tenant)),
      context,
    );
  }
  const subscription = tenant.subscriptions.find(({ id }) => path === `/subscriptions/${id}`);
  if (subscription !== undefined) {
    return jsonResponse(200, describeSubscription(subscription, tenant), headers(context));
  }
  if (path === '/tenants') {
    return list([{ id: `/tenants/${tenant.id}`, tenantId: tenant.id, displayName: tenant.name }], context);
  }
  if (registryName !== undefined) {
    return jsonResponse(200, describeRegistry(findRegistry(context.state, registryName)), headers(context));
  }
  if (path.endsWith('/providers/microsoft.containerregistry/registries')) {
    return list([...context.state.registries.values()].map(describeRegistry), context);
  }
  if (path === RESOURCE_GRAPH_PATH && request.method === 'POST') {
    const user = parseString(claims?.['oid']) ?? '';
    return answerResourceGraph(request, { tenant, user }, context);
  }
  if (path.endsWith('/resources')) {
    const name = /name eq '([^']+)'/i.exec(request.query.get('$filter') ?? '')?.[1];
    const registries =
      name === undefined ? [...context.state.registries.values()] : [findRegistry(context.state, name)];
    return list(registries.map(describeRegistry), context);
  }
  return jsonResponse(
    404,
    { error: { code: 'ResourceNotFound', message: `The resource '${request.path}' was not found.` } },
    headers(context),
  );
}

/** The login server of a resource: one that a test created under this name, else `NAME.azurecr.io`. */
function findRegistry(state: EmulatorState, name: string): Registry {
  const known = [...state.registries.values()].find((registry) => resourceNameOf(registry) === name.toLowerCase());
  return known ?? registryOf(state, `${name.toLowerCase()}.azurecr.io`);
}

function describeRegistry(registry: Registry): Readonly<Record<string, unknown>> {
  return {
    ...describeResource(registry),
    sku: { name: 'Premium', tier: 'Premium' },
    tags: {},
    properties: {
      loginServer: registry.loginServer,
      provisioningState: 'Succeeded',
      adminUserEnabled: registry.adminUser !== undefined,
      anonymousPullEnabled: registry.anonymousPull,
      publicNetworkAccess: 'Enabled',
      roleAssignmentMode: registry.mode === 'abac' ? 'AbacRepositoryPermissions' : 'LegacyRegistryPermissions',
      policies: { azureADAuthenticationAsArmPolicy: { status: registry.armTokens ? 'enabled' : 'disabled' } },
    },
  };
}

function describeSubscription({ id, name }: Subscription, tenant: Tenant): Readonly<Record<string, unknown>> {
  return {
    id: `/subscriptions/${id}`,
    subscriptionId: id,
    tenantId: tenant.id,
    displayName: name,
    state: 'Enabled',
    authorizationSource: 'RoleBased',
    subscriptionPolicies: { locationPlacementId: 'Public_2014-09-01', quotaId: 'EnterpriseAgreement_2014-09-01' },
    managedByTenants: [],
  };
}

function list(value: readonly unknown[], context: Context): EmulatedResponse {
  return jsonResponse(200, { value }, headers(context));
}

function headers(context: Context): Readonly<Record<string, string>> {
  return { 'x-ms-request-id': context.requestId, 'x-ms-correlation-request-id': context.requestId };
}
