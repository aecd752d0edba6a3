/** `/oauth2/token`: an ACR access token for a refresh token, a password or an anonymous caller. */
import { emptyResponse, notFound, refuseToken, tokenResponse } from './acr-error.ts';
import { type Caller, judgeLogin, type Refusal, readRefreshLogin } from './acr-login.ts';
import { intersectScopes, parseScopes } from './acr-scope.ts';
import { issueAccessToken } from './acr-token.ts';
import type { EmulatedRequest, EmulatedResponse } from './message.ts';

import { type Context, NULL_GUID, type Registry } from './state.ts';

const REFUSED: Refusal = { message: undefined };

/** Answers the token endpoint. */
export function answerToken(registry: Registry, request: EmulatedRequest, context: Context): EmulatedResponse {
  switch (request.method) {
    case 'POST': {
      const { form } = request;
      // Recorded: a POST without a scope is a 400 with an empty body, whatever its grant.
      if ((form.get('scope') ?? '').trim() === '' || !isGrantKnown(form)) {
        return emptyResponse(400, context);
      }
      const caller = isForThis(form, registry) ? judgeForm(form, registry, context) : REFUSED;
      return answerCaller(caller, form, form.get('access_type') === 'offline', registry, context);
    }
    case 'GET': {
      const { query } = request;
      const authorization = request.headers['authorization'];
      const caller = isForThis(query, registry) ? judgeHeader(authorization, registry, context) : REFUSED;
      return answerCaller(caller, query, query.get('offline_token') === 'true', registry, context);
    }
    default:
      return notFound(context);
  }
}

/** Splits the value of an `Authorization: Basic` header. */
export function parseBasic(authorization: string): { readonly user: string; readonly password: string } | undefined {
  const encoded = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(authorization)?.[1];
  const text = Buffer.from(encoded ?? '', 'base64').toString();
  const colon = text.indexOf(':');
  return colon === -1 ? undefined : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

function isGrantKnown(form: URLSearchParams): boolean {
  return ['refresh_token', 'password'].includes(form.get('grant_type') ?? '');
}

function isForThis(parameters: URLSearchParams, registry: Registry): boolean {
  return parameters.get('service') === registry.loginServer;
}

function judgeForm(form: URLSearchParams, registry: Registry, context: Context): Caller | Refusal {
  if (form.get('grant_type') === 'refresh_token') {
    return readRefreshLogin(form.get('refresh_token') ?? '', registry, context) ?? REFUSED;
  }
  const user = form.get('username') ?? '';
  const password = form.get('password') ?? '';
  if (user === '' && password === '') {
    return judgeNobody(registry);
  }
  return user === NULL_GUID && !registry.nullGuidPassword ? REFUSED : judgeLogin(user, password, registry, context);
}

function judgeHeader(authorization: string | undefined, registry: Registry, context: Context): Caller | Refusal {
  if (authorization === undefined) {
    return judgeNobody(registry);
  }
  const basic = parseBasic(authorization);
  return basic === undefined ? REFUSED : judgeLogin(basic.user, basic.password, registry, context);
}

function judgeNobody(registry: Registry): Caller | Refusal {
  return registry.anonymousPull ? { subject: '', grant: { kind: 'anonymous' } } : REFUSED;
}

function answerCaller(
  caller: Caller | Refusal,
  parameters: URLSearchParams,
  isOffline: boolean,
  registry: Registry,
  context: Context,
): EmulatedResponse {
  if (!('grant' in caller)) {
    return refuseToken(registry, context, caller.message);
  }
  const access = intersectScopes(parseScopes(parameters), caller.grant, registry);
  const token = issueAccessToken(context.state, registry, caller.subject, access, context.now);
  const refresh = isOffline && caller.refreshToken !== undefined ? { refresh_token: caller.refreshToken } : {};
  return tokenResponse({ access_token: token, ...refresh }, context);
}
