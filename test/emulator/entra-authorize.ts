/** The page on which a user signs in; here it needs no input and answers at once as the state's `signIn` decides. */
import { createSecret } from './entra-user.ts';
import type { EmulatedRequest, EmulatedResponse } from './message.ts';

import type { Context, Tenant } from './state.ts';

/** `GET …/authorize`: answers with the form, or the redirect, that brings the code to the loopback. */
export function answerAuthorize(tenant: Tenant, request: EmulatedRequest, context: Context): EmulatedResponse {
  const { query } = request;
  const { signIn } = context.state;
  const client = tenant.applications.get((query.get('client_id') ?? '').toLowerCase());
  const redirectUri = query.get('redirect_uri') ?? '';
  const redirect = URL.parse(redirectUri);
  if (client === undefined) {
    return page(400, `AADSTS700016: Application '${query.get('client_id')}' was not found in the directory.`);
  }
  // Any port of the loopback counts as http://localhost for a native client, but only by this name.
  if (redirect?.protocol !== 'http:' || redirect.hostname !== 'localhost') {
    return page(400, `AADSTS50011: The redirect URI '${redirectUri}' does not match the redirect URIs configured.`);
  }
  const challenge = query.get('code_challenge') ?? '';
  if (query.get('response_type') !== 'code' || query.get('code_challenge_method') !== 'S256' || challenge === '') {
    return page(400, 'AADSTS9002325: Proof Key for Code Exchange is required.');
  }
  const answer = new URLSearchParams();
  if (signIn.declines) {
    answer.set('error', 'access_denied');
    answer.set('error_description', 'AADSTS65004: User declined to consent to access the app.');
  } else {
    const code = createSecret(context.state);
    signIn.authorizationCodes.set(code, {
      clientId: client.clientId,
      redirectUri,
      codeChallenge: challenge,
      scope: query.get('scope') ?? '',
      nonce: query.get('nonce') ?? undefined,
      expiresAtSeconds: context.now + 600,
      claims: query.get('claims') ?? undefined,
    });
    answer.set('code', code);
    answer.set('session_state', context.requestId);
  }
  const state = query.get('state');
  if (state !== null) {
    answer.set('state', state);
  }
  if (query.get('response_mode') !== 'form_post') {
    redirect.search = answer.toString();
    return { status: 302, headers: { Location: redirect.href }, body: '' };
  }
  const inputs = [...answer].map(
    ([name, value]) => `<input type="hidden" name="${name}" value="${escapeHtml(value)}"/>`,
  );
  return page(
    200,
    `<form method="POST" action="${escapeHtml(redirectUri)}">${inputs.join('')}<noscript><input type="submit"/></noscript></form>` +
      '<script>document.forms[0].submit();</script>',
  );
}

/** Reads the form of an answer, as a browser does before it sends it. */
export function parseAuthorizeForm(
  html: string,
): { readonly action: string; readonly body: URLSearchParams } | undefined {
  const action = /<form method="POST" action="([^"]*)">/.exec(html)?.[1];
  const body = new URLSearchParams();
  for (const [, name = '', value = ''] of html.matchAll(/name="([^"]*)" value="([^"]*)"/g)) {
    body.append(name, unescapeHtml(value));
  }
  return action === undefined ? undefined : { action: unescapeHtml(action), body };
}

function page(status: number, content: string): EmulatedResponse {
  return {
    status,
    headers: { 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-store, no-cache' },
    body: `<!DOCTYPE html><html><head><title>Sign in</title></head><body>${content}</body></html>`,
  };
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
}

function unescapeHtml(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&quot;', '"').replaceAll('&amp;', '&');
}
