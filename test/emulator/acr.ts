/** ACR: which endpoint a path belongs to, and whether a bearer token grants access to `/v2/` and `/acr/v1/`. */
import {
  challengeBasic,
  challengeBearer,
  denyAccess,
  denyDataEndpoint,
  notFound,
  registryHeaders,
  type ScopeDetail,
} from './acr-error.ts';
import { answerExchange } from './acr-exchange.ts';
import { judgeLogin } from './acr-login.ts';
import { type MetadataTarget, parseMetadataPath } from './acr-metadata.ts';
import { answerToken, parseBasic } from './acr-oauth.ts';
import { type Access, coversScopes, intersectScopes, parseAccess } from './acr-scope.ts';
import { readRegistryToken } from './acr-token.ts';
import type { AzureHost } from './hosts.ts';
import type { Answer, EmulatedRequest } from './message.ts';

import { type Context, NULL_GUID, type Registry, registryOf } from './state.ts';

type RegistryHost = Extract<AzureHost, { kind: 'acr' | 'acr-data' }>;

/** Answers any request to a login server or data endpoint, or passes it on to the registry behind it. */
export function answerAcr(host: RegistryHost, request: EmulatedRequest, context: Context): Answer {
  const registry = registryOf(context.state, host.loginServer);
  if (registry.firewall !== undefined) {
    return denyAccess(registry, context, registry.firewall);
  }
  if (host.kind === 'acr-data') {
    return denyDataEndpoint(context);
  }
  switch (request.path) {
    case '/oauth2/exchange':
      return answerExchange(registry, request, context);
    case '/oauth2/token':
      return answerToken(registry, request, context);
    default:
      break;
  }
  if (request.path.startsWith('/acr/v1/')) {
    const target = parseMetadataPath(request.path);
    return target === undefined
      ? { status: 400, headers: registryHeaders(context), body: '' }
      : (judgeAccess(registry, request, context, needOfMetadata(target, request.method)) ?? 'metadata');
  }
  if (request.path === '/v2' || request.path.startsWith('/v2/')) {
    return judgeAccess(registry, request, context, needOfContent(request)) ?? 'registry';
  }
  return notFound(context);
}

/** @returns the refusal, or `undefined` when the request may go on. */
function judgeAccess(
  registry: Registry,
  request: EmulatedRequest,
  context: Context,
  needed: readonly Access[],
): Answer | undefined {
  const scopes = needed.map(({ type, name, actions }) => `${type}:${name}:${actions.join(',')}`);
  const details: ScopeDetail[] = needed.flatMap(({ type, name, actions }) =>
    actions.map((action) => ({ type, name, action })),
  );
  const challenge = (error?: 'invalid_token' | 'insufficient_scope') =>
    challengeBearer(registry, request, context, { scopes, details, ...(error === undefined ? {} : { error }) });

  const authorization = request.headers['authorization'];
  if (authorization === undefined) {
    return challenge();
  }
  if (/^basic\b/i.test(authorization)) {
    const basic = parseBasic(authorization);
    // The null GUID is a user of the token endpoint only, and so are repository tokens.
    const isForTokens = basic === undefined || basic.user === NULL_GUID || registry.repositoryTokens.has(basic.user);
    const caller = isForTokens ? undefined : judgeLogin(basic.user, basic.password, registry, context);
    if (caller === undefined || !('grant' in caller)) {
      return challengeBasic(registry, context);
    }
    const isEnough = coversScopes(intersectScopes(needed, caller.grant, registry), needed);
    return isEnough ? undefined : challenge('insufficient_scope');
  }
  const bearer = /^bearer +(\S+)$/i.exec(authorization)?.[1] ?? '';
  const claims = readRegistryToken(context.state, registry, 'access_token', bearer, context.now);
  if (claims === undefined) {
    return challenge('invalid_token');
  }
  return coversScopes(parseAccess(claims), needed) ? undefined : challenge('insufficient_scope');
}

function needOfContent(request: EmulatedRequest): Access[] {
  if (request.path === '/v2/_catalog') {
    return [{ type: 'registry', name: 'catalog', actions: ['*'] }];
  }
  const name = /^\/v2\/(.+)\/(?:manifests|blobs|tags|referrers)\/.*$/.exec(request.path)?.[1];
  if (name === undefined) {
    return [];
  }
  const source = request.query.get('from');
  return [
    { type: 'repository', name, actions: actionsOf(request.method) },
    // Mounting a blob reads the repository that it comes from.
    ...(source === null || source === name ? [] : [{ type: 'repository', name: source, actions: ['pull'] }]),
  ];
}

function actionsOf(method: string): string[] {
  switch (method) {
    case 'GET':
    case 'HEAD':
      return ['pull'];
    case 'DELETE':
      return ['delete'];
    default:
      return ['pull', 'push'];
  }
}

function needOfMetadata({ name }: MetadataTarget, method: string): Access[] {
  if (name === '_catalog') {
    return [{ type: 'registry', name: 'catalog', actions: ['*'] }];
  }
  const actions = { PATCH: ['metadata_write', 'metadata_read'], DELETE: ['delete'] }[method];
  return [{ type: 'repository', name, actions: actions ?? ['metadata_read'] }];
}
