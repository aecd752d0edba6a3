/** Finds the application that a token request is for, and judges its secret or assertion. */
import { judgeAssertion } from './entra-assertion.ts';
import type { EmulatedRequest } from './message.ts';
import type { Application, Context, Tenant } from './state.ts';
import type { EntraError } from './state-sign-in.ts';

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** @returns the application when the request proves to come from it, else the error. */
export function judgeClient(tenant: Tenant, request: EmulatedRequest, context: Context): Application | EntraError {
  const { form } = request;
  const clientId = form.get('client_id') ?? '';
  if (clientId === '') {
    return {
      error: 'invalid_request',
      code: 900_144,
      text: "The request body must contain the following parameter: 'client_id'.",
    };
  }
  const application = tenant.applications.get(clientId.toLowerCase());
  if (application === undefined) {
    return {
      error: 'unauthorized_client',
      code: 700_016,
      text:
        `Application with identifier '${clientId}' was not found in the directory '${tenant.name}'. This can happen ` +
        'if the application has not been installed by the administrator of the tenant or consented to by any user ' +
        'in the tenant. You may have sent your authentication request to the wrong tenant.',
    };
  }
  if (!application.enabled) {
    const text = `Application '${clientId}'(${tenant.name}) is disabled.`;
    return { error: 'unauthorized_client', code: 7_000_112, text };
  }
  if (application.isPublic) {
    return form.has('client_secret') || form.has('client_assertion')
      ? refuse(700_025, "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.")
      : application;
  }
  const assertion = form.get('client_assertion');
  if (assertion !== null) {
    context.state.issuedSecrets.add(assertion);
    const type = form.get('client_assertion_type');
    const error =
      type === ASSERTION_TYPE
        ? judgeAssertion(assertion, application, tenant, request, context)
        : ({
            error: 'invalid_request',
            code: 900_144,
            text: "The request body must contain the following parameter: 'client_assertion_type'.",
          } satisfies EntraError);
    return error ?? application;
  }
  return judgeSecret(form.get('client_secret'), application, context) ?? application;
}

function judgeSecret(secret: string | null, application: Application, context: Context): EntraError | undefined {
  if (secret === null) {
    return refuse(
      7_000_218,
      "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    );
  }
  const known = application.secrets.find(({ value }) => value === secret);
  if (known === undefined) {
    return refuse(
      7_000_215,
      'Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not ' +
        `the client secret ID, for a secret added to app '${application.clientId}'.`,
    );
  }
  if (known.expiresAtSeconds !== undefined && known.expiresAtSeconds <= context.now) {
    return refuse(
      7_000_222,
      `The provided client secret keys for app '${application.clientId}' are expired. Visit the Azure portal to ` +
        'create new keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials ' +
        'for added security: https://aka.ms/certCreds.',
    );
  }
  return undefined;
}

function refuse(code: number, text: string): EntraError {
  return { error: 'invalid_client', code, text, status: 401 };
}
