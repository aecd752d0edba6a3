/**
 * The managed identity of a Service Fabric application. The token service has a self-signed certificate; the cluster
 * gives its thumbprint to the application.
 *
 * @see https://learn.microsoft.com/azure/service-fabric/how-to-managed-identity-service-fabric-app-code
 */

import { CredentialError, readErrorCode } from '../../errors.ts';
import { UNEXPECTED_CERTIFICATE } from '../../network/certificate-pin.ts';
import type { HttpResponse } from '../../network/http.ts';
import { readPort } from '../../network/sockets.ts';
import { shellWord } from '../../shell-word.ts';
import { readVariable } from '../../system/runtime.ts';
import type { TokenContext } from '../identity.ts';
import { addQuery, parseEndpoint } from './endpoint.ts';
import { askService, formatSelector, type ManagedIdentityRequest, type TokenService } from './request.ts';
import { parseTokenResponse } from './token-response.ts';

const SERVICE: TokenService = {
  name: 'Service Fabric',
  hint: 'set the IdentityBindingPolicy of the service in ApplicationManifest.xml',
};
const THUMBPRINT = 'IDENTITY_SERVER_THUMBPRINT';

/**
 * Gets an Entra token from Service Fabric.
 * @throws IDENTITY_INVALID, IDENTITY_FAILED, AUDIENCE_UNKNOWN, ANSWER_INVALID, NETWORK_FAILED
 */
export async function requestServiceFabricToken(
  context: TokenContext,
  { endpoint, selector }: ManagedIdentityRequest,
): Promise<string> {
  const { runtime } = context;
  const server = parseEndpoint(SERVICE, endpoint, 'https');
  formatSelector(SERVICE, selector, {}); // the application's manifest selects the identity
  const certificateSha1 = parseThumbprint(readVariable(runtime, THUMBPRINT) ?? '');
  if (certificateSha1 === undefined) {
    throw new CredentialError('IDENTITY_INVALID', `${THUMBPRINT} is not a SHA-1 thumbprint`, {
      hint: showThumbprint(server),
    });
  }
  let response: HttpResponse;
  try {
    response = await askService(context.openDirect({ certificateSha1 }), SERVICE, {
      method: 'GET',
      url: addQuery(server, { 'api-version': '2019-07-01-preview', resource: context.audience }),
      headers: { Secret: readVariable(runtime, 'IDENTITY_HEADER') ?? '' },
    });
  } catch (cause) {
    if (!(cause instanceof CredentialError) || readErrorCode(cause.cause) !== UNEXPECTED_CERTIFICATE) throw cause;
    throw new CredentialError(
      'IDENTITY_FAILED',
      `the certificate of the server at ${server.host} does not match ${THUMBPRINT}`,
      { causes: ['nothing was sent to it'], hint: showThumbprint(server), cause },
    );
  }
  return parseTokenResponse(context.runtime, SERVICE, response);
}

/** @returns 40 lower-case hexadecimal digits. */
function parseThumbprint(text: string): string | undefined {
  const digits = text.replaceAll(/[\s:]/g, '').toLowerCase();
  return /^[0-9a-f]{40}$/.test(digits) ? digits : undefined;
}

function showThumbprint(url: URL): string {
  return `openssl s_client -connect ${shellWord(`${url.hostname}:${readPort(url)}`)} </dev/null | openssl x509 -noout -fingerprint -sha1`;
}
