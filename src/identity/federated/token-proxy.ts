/**
 * The token proxy of a Kubernetes cluster with identity bindings. It replaces Entra's token endpoint.
 *
 * @see https://learn.microsoft.com/azure/aks/identity-bindings-concepts
 */

import { readAudiences, readClaims } from '../../entra/claims.ts';
import { BINDING_AUDIENCE } from '../../entra/error-codes.ts';
import type { TokenRoute } from '../../entra/token-endpoint.ts';
import { CredentialError } from '../../errors.ts';
import { formatBaseUrl, parsePlainUrl } from '../../network/plain-url.ts';
import { readPathVariable } from '../../system/path-variable.ts';
import { type Runtime, readVariable } from '../../system/runtime.ts';
import type { TokenContext } from '../identity.ts';
import { checkCertificates, readAuthorityFile } from './authority-file.ts';

const PROXY = 'AZURE_KUBERNETES_TOKEN_PROXY';
const SERVER_NAME = 'AZURE_KUBERNETES_SNI_NAME';
const CA_FILE = 'AZURE_KUBERNETES_CA_FILE';
const CA_DATA = 'AZURE_KUBERNETES_CA_DATA';

/**
 * Finds the cluster's token proxy for an assertion.
 * @param tokenEndpoint the URL of Entra's token endpoint; the proxy serves the same path.
 * @returns `undefined` when the assertion is not for a token proxy, or there is none. Then the request goes to Entra,
 * whose error says what is missing.
 * @throws IDENTITY_INVALID when a variable is invalid, or they contradict each other.
 */
export function findTokenProxy(
  context: TokenContext,
  assertion: string,
  tokenEndpoint: string,
): TokenRoute | undefined {
  // An unreadable assertion goes to Entra too, since its error explains the problem better.
  if (!readAudiences(readClaims(assertion)).includes(BINDING_AUDIENCE)) return undefined;
  const { runtime } = context;
  const proxy = readVariable(runtime, PROXY);
  if (proxy === undefined) {
    const leftover = [SERVER_NAME, CA_FILE, CA_DATA].find((name) => readVariable(runtime, name) !== undefined);
    if (leftover === undefined) return undefined;
    throw invalid(`${leftover} is set, but ${PROXY} is not`, `set ${PROXY}, or unset ${leftover}`);
  }
  const url = parsePlainUrl(proxy);
  if (url === undefined) throw invalid(`${PROXY} is not an https URL`, `set ${PROXY}=https://HOST`);
  const certificates = readProxyCertificates(runtime);
  const serverName = readVariable(runtime, SERVER_NAME);
  return {
    tokenEndpoint: `${formatBaseUrl(url)}${new URL(tokenEndpoint).pathname}`,
    http: context.openDirect({
      ...(certificates === undefined ? {} : { certificates }),
      ...(serverName === undefined ? {} : { serverName }),
    }),
    hint: `check ${PROXY}, ${SERVER_NAME} and ${CA_FILE} or ${CA_DATA}, which the cluster sets in the pod`,
  };
}

function readProxyCertificates(runtime: Runtime): string | undefined {
  const file = readPathVariable(runtime, CA_FILE, 'IDENTITY_INVALID');
  const data = readVariable(runtime, CA_DATA);
  if (file === undefined) return data === undefined ? undefined : checkCertificates(data, CA_DATA, CA_FILE);
  if (data !== undefined) {
    throw invalid(`both ${CA_FILE} and ${CA_DATA} are set`, `unset ${CA_DATA}`);
  }
  return readAuthorityFile(file, CA_FILE);
}

function invalid(what: string, hint: string): CredentialError {
  return new CredentialError('IDENTITY_INVALID', what, { hint });
}
