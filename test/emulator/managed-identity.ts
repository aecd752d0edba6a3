/** The managed identity services of every Azure host, as pure handlers: what they demand, what they answer and how they refuse. */
import { type EmulatedRequest, type EmulatedResponse, jsonResponse } from './message.ts';

/** An identity as it is assigned to a host. */
export interface AssignedIdentity {
  readonly clientId: string;
  readonly objectId: string;
  readonly resourceId: string;
}

/** Everything the services remember; a test may change it while they run. */
export interface ManagedIdentityState {
  /** `undefined` for a host without an identity of its own. */
  systemAssigned: AssignedIdentity | undefined;
  userAssigned: readonly AssignedIdentity[];
  /** The secret in each request to App Service, Azure Machine Learning and Service Fabric. */
  readonly secret: string;
  /** Audiences for which no token is issued. */
  readonly refusedAudiences: Set<string>;
  /** How the expiry of a token is written, instead of the service's own format. */
  writeEnd: ((endSeconds: number) => Record<string, unknown>) | undefined;
  /** The key that the Azure Arc agent demands, and the challenge that says where it is. */
  arcKey: string;
  arcChallenge: string;
  /** Whether the agent knows user-assigned identities and says whose token it is. */
  isArcAgentNew: boolean;
  readonly issue: (audience: string, identity: AssignedIdentity) => string;
  readonly nowSeconds: () => number;
}

export const PATHS = {
  imds: '/metadata/identity/oauth2/token',
  appService: '/msi/token',
  azureMl: '/ml/msi/token',
  cloudShell: '/oauth2/token',
  azureArc: '/arc/metadata/identity/oauth2/token',
  serviceFabric: '/sf/metadata/identity/oauth2/token',
} as const;

const TOKEN_SECONDS = 86_400;

type Handler = (request: EmulatedRequest, state: ManagedIdentityState) => EmulatedResponse;

const HANDLERS: Readonly<Record<string, Handler>> = {
  [PATHS.imds]: answerImds,
  [PATHS.appService]: answerAppService,
  [PATHS.azureMl]: answerAzureMl,
  [PATHS.cloudShell]: answerCloudShell,
  [PATHS.azureArc]: answerAzureArc,
  [PATHS.serviceFabric]: answerServiceFabric,
};

export const answerManagedIdentity: Handler = (request, state) => {
  const handler = HANDLERS[request.path.replace(/\/$/, '')];
  return handler === undefined ? { status: 404, headers: {}, body: 'Not Found' } : handler(request, state);
};

function answerImds(request: EmulatedRequest, state: ManagedIdentityState): EmulatedResponse {
  const refuse = (error: string, description: string) => jsonResponse(400, { error, error_description: description });
  const metadata = checkMetadataRequest(request, '2018-02-01');
  if (metadata !== undefined) return refuse('invalid_request', metadata);
  const resource = request.query.get('resource') ?? '';
  const identity = findIdentity(request, state, ['client_id', 'object_id', 'msi_res_id']);
  if (identity === undefined) return refuse('invalid_request', 'Identity not found');
  if (state.refusedAudiences.has(resource)) return refuse('invalid_resource', describeUnknown(resource));
  return jsonResponse(200, {
    ...issue(state, resource, identity, (end) => ({ expires_in: String(TOKEN_SECONDS), expires_on: String(end) })),
    refresh_token: '',
    not_before: String(state.nowSeconds()),
    resource,
  });
}

function answerAppService(request: EmulatedRequest, state: ManagedIdentityState): EmulatedResponse {
  const refuse = (statusCode: number, message: string) =>
    jsonResponse(statusCode, { statusCode, message, correlationId: '5a6d1e9c-0000-4000-8000-000000000001' });
  if (request.method !== 'GET') return refuse(405, 'Method Not Allowed');
  if (request.headers['x-identity-header'] !== state.secret) return refuse(401, 'Unauthorized');
  if (request.query.get('api-version') !== '2019-08-01') return refuse(400, 'Unsupported api-version');
  const resource = request.query.get('resource') ?? '';
  const identity = findIdentity(request, state, ['client_id', 'object_id', 'mi_res_id']);
  if (identity === undefined) return refuse(400, 'No User Assigned or Delegated Managed Identity found');
  if (state.refusedAudiences.has(resource)) return refuse(400, `ExceptionMessage: ${describeUnknown(resource)}`);
  return jsonResponse(200, {
    ...issue(state, resource, identity, (end) => ({ expires_on: String(end) })),
    client_id: identity.clientId,
    resource,
  });
}

function answerAzureMl(request: EmulatedRequest, state: ManagedIdentityState): EmulatedResponse {
  const refuse = (status: number, message: string) => jsonResponse(status, { error: { code: 'UserError', message } });
  if (request.method !== 'GET') return refuse(405, 'Method Not Allowed');
  if (request.headers['secret'] !== state.secret) return refuse(401, 'The secret is wrong');
  if (request.query.get('api-version') !== '2017-09-01') return refuse(400, 'Unsupported api-version');
  const resource = request.query.get('resource') ?? '';
  const identity = findIdentity(request, state, ['clientid']);
  if (identity === undefined) return refuse(400, 'No identity with this clientid');
  if (state.refusedAudiences.has(resource)) return refuse(400, `The resource ${resource} is not supported.`);
  return jsonResponse(200, {
    ...issue(state, resource, identity, (end) => ({ expires_on: formatAmerican(end) })),
    resource,
  });
}

function answerCloudShell(request: EmulatedRequest, state: ManagedIdentityState): EmulatedResponse {
  const refuse = (code: string, message: string) => jsonResponse(400, { error: { code, message } });
  if (request.method !== 'POST') return refuse('MethodNotAllowed', 'Use POST');
  if (request.headers['metadata'] !== 'true') return refuse('MetadataHeaderMissing', 'Metadata header is missing');
  const resource = request.form.get('resource') ?? '';
  if (state.refusedAudiences.has(resource)) {
    return refuse('AudienceNotSupported', `Audience ${resource} isn't a supported MSI token audience.`);
  }
  if (state.systemAssigned === undefined) return refuse('NoIdentity', 'There is nobody signed in');
  const write = (end: number) => ({ expires_in: String(TOKEN_SECONDS), expires_on: String(end) });
  return jsonResponse(200, { ...issue(state, resource, state.systemAssigned, write), refresh_token: '', resource });
}

function answerAzureArc(request: EmulatedRequest, state: ManagedIdentityState): EmulatedResponse {
  const refuse = (error: string, description: string, status = 400) =>
    jsonResponse(status, { error, error_description: description });
  const metadata = checkMetadataRequest(request, '2020-06-01');
  if (metadata !== undefined) return refuse('invalid_request', metadata);
  const { authorization } = request.headers;
  if (authorization === undefined) {
    return { status: 401, headers: { 'WWW-Authenticate': state.arcChallenge }, body: '' };
  }
  if (authorization !== `Basic ${state.arcKey}`) return refuse('unauthorized', 'The key is wrong', 403);
  const resource = request.query.get('resource') ?? '';
  const identity = state.isArcAgentNew
    ? findIdentity(request, state, ['client_id', 'object_id', 'msi_res_id'])
    : state.systemAssigned; // an old agent does not read the choice
  if (identity === undefined) return refuse('invalid_request', 'Identity not found');
  if (state.refusedAudiences.has(resource)) return refuse('invalid_resource', describeUnknown(resource));
  const { clientId, objectId, resourceId } = identity;
  const echo = { client_id: clientId.toUpperCase(), object_id: objectId, mi_res_id: resourceId };
  return jsonResponse(200, {
    ...issue(state, resource, identity, (end) => ({ expires_in: String(TOKEN_SECONDS), expires_on: String(end) })),
    ...(state.isArcAgentNew ? echo : {}),
    resource,
  });
}

function answerServiceFabric(request: EmulatedRequest, state: ManagedIdentityState): EmulatedResponse {
  const refuse = (status: number, code: string, message: string) =>
    jsonResponse(status, { error: { correlationId: '5a6d1e9c-0000-4000-8000-000000000002', code, message } });
  const { secret } = request.headers;
  if (secret === undefined) return refuse(400, 'SecretHeaderNotFound', 'Secret is not found in the request headers.');
  if (secret !== state.secret) return refuse(404, 'ManagedIdentityNotFound', 'Managed identity not found.');
  if (request.query.get('api-version') !== '2019-07-01-preview') {
    return refuse(400, 'InvalidApiVersion', 'The api-version is not supported.');
  }
  const resource = request.query.get('resource') ?? '';
  if (state.refusedAudiences.has(resource)) return refuse(400, 'BadRequest', describeUnknown(resource));
  if (state.systemAssigned === undefined) return refuse(404, 'ManagedIdentityNotFound', 'Managed identity not found.');
  return jsonResponse(200, {
    ...issue(state, resource, state.systemAssigned, (end) => ({ expires_on: end })),
    resource,
  });
}

/** @returns what is wrong with a request to a metadata service. */
function checkMetadataRequest(request: EmulatedRequest, apiVersion: string): string | undefined {
  if (request.headers['metadata'] !== 'true') return 'Required metadata header not specified';
  if (request.headers['x-forwarded-for'] !== undefined) return 'Request contains X-Forwarded-For header';
  if (request.method !== 'GET') return 'Method Not Allowed';
  if (request.query.get('api-version') !== apiVersion) return 'Required query variable api-version is not supported';
  return request.query.get('resource') ? undefined : 'Required query variable resource is missing';
}

/** @param names of the fields for client id, object id and resource id, where the service has them. */
function findIdentity(
  { query }: EmulatedRequest,
  { systemAssigned, userAssigned }: ManagedIdentityState,
  names: readonly string[],
): AssignedIdentity | undefined {
  const [clientId, objectId, resourceId] = names.map((name) => query.get(name)?.toLowerCase() ?? undefined);
  if (clientId === undefined && objectId === undefined && resourceId === undefined) return systemAssigned;
  const assigned = systemAssigned === undefined ? userAssigned : [systemAssigned, ...userAssigned];
  return assigned.find(
    (one) =>
      one.clientId.toLowerCase() === clientId ||
      one.objectId.toLowerCase() === objectId ||
      one.resourceId.toLowerCase() === resourceId,
  );
}

function issue(
  state: ManagedIdentityState,
  audience: string,
  identity: AssignedIdentity,
  writeEnd: (endSeconds: number) => Record<string, unknown>,
): Record<string, unknown> {
  const endSeconds = state.nowSeconds() + TOKEN_SECONDS;
  const end = (state.writeEnd ?? writeEnd)(endSeconds);
  return { access_token: state.issue(audience, identity), token_type: 'Bearer', ...end };
}

/** `09/19/2037 21:45:21 +00:00` */
function formatAmerican(seconds: number): string {
  const [, year, month, day, time] = /^(\d+)-(\d+)-(\d+)T([\d:]+)/.exec(new Date(seconds * 1000).toISOString()) ?? [];
  return `${month}/${day}/${year} ${time} +00:00`;
}

function describeUnknown(resource: string): string {
  return `AADSTS500011: The resource principal named ${resource} was not found in the tenant named Contoso.`;
}
