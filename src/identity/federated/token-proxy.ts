/**
 * The token proxy of a Kubernetes cluster with identity bindings, which stands in for Entra's token endpoint.
 *
 * @see https://learn.microsoft.com/azure/aks/identity-bindings-concepts
 */

import { X509Certificate } from 'node:crypto';
import { readAudiences, readClaims } from '../../entra/claims.ts';
import { BINDING_AUDIENCE } from '../../entra/error-codes.ts';
import type { TokenRoute } from '../../entra/token-endpoint.ts';
import { CredentialError, describeCause } from '../../errors.ts';
import type { SignInTools } from '../../sign-in/sign-in.ts';
import { readForeignFile } from '../../system/files.ts';
import { type Machine, readVariable } from '../../system/runtime.ts';

const PROXY = 'AZURE_KUBERNETES_TOKEN_PROXY';
const SERVER_NAME = 'AZURE_KUBERNETES_SNI_NAME';
const CA_FILE = 'AZURE_KUBERNETES_CA_FILE';
const CA_DATA = 'AZURE_KUBERNETES_CA_DATA';
const LARGEST_CERTIFICATES_BYTES = 1024 * 1024;

/**
 * @returns the way through the proxy for a token that is meant for it, `undefined` for every other and where there is
 * no proxy: then Entra tells what it misses.
 * @throws IDENTITY_INVALID when the variables contradict each other.
 */
export function findTokenProxy(tools: SignInTools, assertion: string, tokenEndpoint: string): TokenRoute | undefined {
  // Entra tells better what is wrong with one that cannot be read.
  if (!readAudiences(readClaims(assertion)).includes(BINDING_AUDIENCE)) return undefined;
  const { machine } = tools;
  const proxy = readVariable(machine, PROXY);
  if (proxy === undefined) {
    const leftover = [SERVER_NAME, CA_FILE, CA_DATA].find((name) => readVariable(machine, name) !== undefined);
    if (leftover === undefined) return undefined;
    throw invalid(tools, `${leftover} is set, ${PROXY} is not`, `set ${PROXY}, or unset ${leftover}`);
  }
  const url = URL.parse(proxy);
  if (url?.protocol !== 'https:') throw invalid(tools, `${PROXY} is not an https URL`, `set ${PROXY}=https://HOST`);
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    const what = `${PROXY} has a user name, a query or a fragment`;
    throw invalid(tools, what, `set ${PROXY}=https://${url.host}${url.pathname}`);
  }
  const certificates = readCertificates(tools, machine);
  const serverName = readVariable(machine, SERVER_NAME);
  return {
    tokenEndpoint: `${url.origin}${url.pathname.replace(/\/+$/, '')}${new URL(tokenEndpoint).pathname}`,
    http: tools.openDirect({
      ...(certificates === undefined ? {} : { certificates }),
      ...(serverName === undefined ? {} : { serverName }),
    }),
    hint: `check ${PROXY}, ${SERVER_NAME} and ${CA_FILE} or ${CA_DATA}, which the cluster sets in the pod`,
  };
}

function readCertificates(tools: SignInTools, machine: Machine): string | undefined {
  const file = readVariable(machine, CA_FILE);
  const data = readVariable(machine, CA_DATA);
  if (file === undefined) return data === undefined ? undefined : checkCertificates(tools, data, CA_DATA);
  if (data !== undefined) {
    throw invalid(tools, `both ${CA_FILE} and ${CA_DATA} are set`, `unset ${CA_DATA}`);
  }
  let text: string | undefined;
  try {
    text = readForeignFile(file, LARGEST_CERTIFICATES_BYTES);
  } catch (cause) {
    throw invalid(tools, `${CA_FILE} ${file} cannot be read (${describeCause(cause)})`, `ls -l ${file}`);
  }
  if (text === undefined) throw invalid(tools, `there is no file ${file}, which ${CA_FILE} names`, `ls -l ${file}`);
  // It is empty for a moment while the cluster replaces it.
  return text.trim() === '' ? undefined : checkCertificates(tools, text, `${CA_FILE} ${file}`);
}

function checkCertificates(tools: SignInTools, text: string, where: string): string {
  try {
    new X509Certificate(text);
    return text;
  } catch {
    throw invalid(tools, `${where} holds no certificate`, `set ${CA_FILE} to a PEM file`);
  }
}

function invalid({ purpose }: SignInTools, what: string, hint: string): CredentialError {
  return new CredentialError('IDENTITY_INVALID', `${purpose}: ${what}`, { hint });
}
