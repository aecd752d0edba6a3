/**
 * The codes of `az acr check-health`, for scripts that know them.
 *
 * @see https://learn.microsoft.com/azure/container-registry/container-registry-health-error-reference
 */

import { CredentialError, readErrorCode } from '../../errors.ts';
import { explainCertificate } from '../../network/certificate-failure.ts';

/** A code of `az acr check-health`. */
export type HealthCode =
  | 'CONNECTIVITY_DNS_ERROR'
  | 'CONNECTIVITY_FORBIDDEN_ERROR'
  | 'CONNECTIVITY_CHALLENGE_ERROR'
  | 'CONNECTIVITY_AAD_LOGIN_ERROR'
  | 'CONNECTIVITY_REFRESH_TOKEN_ERROR'
  | 'CONNECTIVITY_ACCESS_TOKEN_ERROR'
  | 'CONNECTIVITY_SSL_ERROR'
  | 'CONNECTIVITY_TOOMANYREQUESTS_ERROR'
  | 'LOGIN_SERVER_ERROR';

const DNS_CODES = ['ENOTFOUND', 'EAI_AGAIN'];

/**
 * Finds the code of a failure.
 * @param otherwise the code of the step that failed, for failures that have none of their own.
 */
export function findHealthCode<T extends HealthCode | undefined>(failure: unknown, otherwise: T): HealthCode | T {
  if (!(failure instanceof CredentialError)) return otherwise;
  const { cause, message } = failure;
  const code = readErrorCode(cause) ?? '';
  if (DNS_CODES.includes(code)) return 'CONNECTIVITY_DNS_ERROR';
  if (explainCertificate(new URL('https://registry.invalid/'), code, message) !== undefined) {
    return 'CONNECTIVITY_SSL_ERROR';
  }
  if (failure.code !== 'REGISTRY_REFUSED') return otherwise;
  if (/ received too many requests$/.test(message)) return 'CONNECTIVITY_TOOMANYREQUESTS_ERROR';
  return / denies access$|^the firewall of /.test(message) ? 'CONNECTIVITY_FORBIDDEN_ERROR' : otherwise;
}
