/** The refusals of ACR, byte for byte as recorded: compact JSON with a line feed, and the headers around it. */
import type { EmulatedRequest, EmulatedResponse } from './message.ts';

import type { Context, Registry } from './state.ts';

const AUTHENTICATION_REQUIRED = 'authentication required, visit https://aka.ms/acr/authorization for more information.';

/** One entry of a scope, as the `detail` of a challenge spells it. */
export interface ScopeDetail {
  readonly type: string;
  readonly name: string;
  readonly action: string;
}

/** The headers on every answer of the `/v2/` and `/acr/v1/` paths. */
export function registryHeaders(context: Context): Record<string, string | readonly string[]> {
  return {
    Server: 'openresty',
    'Access-Control-Expose-Headers': [
      'Docker-Content-Digest',
      'WWW-Authenticate',
      'Link',
      'X-Ms-Correlation-Request-Id',
    ],
    'Docker-Distribution-Api-Version': 'registry/2.0',
    'Strict-Transport-Security': ['max-age=31536000; includeSubDomains', 'max-age=31536000; includeSubDomains'],
    'X-Content-Type-Options': 'nosniff',
    'X-Ms-Correlation-Request-Id': context.requestId,
  };
}

/** The headers on every answer of the `/oauth2/` paths. */
export function tokenHeaders(context: Context): Record<string, string | readonly string[]> {
  return {
    Server: 'openresty',
    'Strict-Transport-Security': 'max-age=31536000; includeSubDomains',
    'X-Ms-Correlation-Request-Id': context.requestId,
  };
}

/** 200 of the `/oauth2/` paths, which the service sends without a length. */
export function tokenResponse(value: unknown, context: Context): EmulatedResponse {
  return {
    status: 200,
    headers: {
      ...tokenHeaders(context),
      'Content-Type': 'application/json; charset=utf-8',
      'Transfer-Encoding': 'chunked',
    },
    body: JSON.stringify(value),
  };
}

/** 401 with the Bearer challenge that tells a client where to get a token. */
export function challengeBearer(
  registry: Registry,
  request: EmulatedRequest,
  context: Context,
  options: {
    readonly scopes: readonly string[];
    readonly details: readonly ScopeDetail[];
    readonly error?: 'invalid_token' | 'insufficient_scope';
  },
): EmulatedResponse {
  const scope = options.scopes.length === 0 ? '' : `,scope="${options.scopes.join(' ')}"`;
  const error = options.error === undefined ? '' : `,error="${options.error}"`;
  const detail =
    options.details.length === 0
      ? null
      : options.details.map(({ type, name, action }) => ({ Type: type, Name: name, Action: action }));
  const challenge = `Bearer realm="https://${request.host}/oauth2/token",service="${registry.loginServer}"${scope}${error}`;
  const message = withCorrelation(AUTHENTICATION_REQUIRED, registry, context);
  return errorResponse(401, { code: 'UNAUTHORIZED', message, detail }, registryHeaders(context), challenge);
}

/** 401 to a wrong `Authorization: Basic`. */
export function challengeBasic(registry: Registry, context: Context): EmulatedResponse {
  const message = withCorrelation(AUTHENTICATION_REQUIRED, registry, context);
  return errorResponse(
    401,
    { code: 'UNAUTHORIZED', message, detail: null },
    registryHeaders(context),
    'Basic realm="Azure Container Registry"',
  );
}

/** The one 401 of the exchange and the token endpoint; older clients get `message` word for word. */
export function refuseToken(
  registry: Registry,
  context: Context,
  message: string = AUTHENTICATION_REQUIRED,
): EmulatedResponse {
  return errorResponse(
    401,
    { code: 'UNAUTHORIZED', message: withCorrelation(message, registry, context) },
    tokenHeaders(context),
  );
}

/** 403 of the firewall, of a disabled public endpoint, and of a data endpoint asked for a login. */
export function denyAccess(registry: Registry, context: Context, clientAddress: string): EmulatedResponse {
  const message = `client with IP '${clientAddress}' is not allowed access. Refer https://aka.ms/acr/firewall to grant access.`;
  return errorResponse(
    403,
    { code: 'DENIED', message: withCorrelation(message, registry, context) },
    tokenHeaders(context),
  );
}

export function denyDataEndpoint(context: Context): EmulatedResponse {
  return errorResponse(
    403,
    { code: 'DENIED', message: 'requested access to the resource is denied' },
    tokenHeaders(context),
  );
}

export function emptyResponse(status: number, context: Context): EmulatedResponse {
  return { status, headers: tokenHeaders(context), body: '' };
}

export function notFound(context: Context): EmulatedResponse {
  return errorResponse(404, { code: 'NOT_FOUND', message: 'page not found' }, tokenHeaders(context));
}

function errorResponse(
  status: number,
  error: Readonly<Record<string, unknown>>,
  headers: EmulatedResponse['headers'],
  challenge?: string,
): EmulatedResponse {
  return {
    status,
    headers: {
      'Content-Type': 'application/json; charset=utf-8',
      ...headers,
      ...(challenge === undefined ? {} : { 'Www-Authenticate': challenge }),
    },
    body: `${JSON.stringify({ errors: [error] })}\n`,
  };
}

function withCorrelation(message: string, registry: Registry, context: Context): string {
  return registry.correlationIds ? `${message} CorrelationId: ${context.requestId}` : message;
}
