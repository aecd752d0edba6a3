/** Which code of `az acr check-health` a failure has. */
import { expect, test } from 'vitest';
import { findHealthCode } from '../../../../src/commands/doctor/health-code.ts';
import { CredentialError } from '../../../../src/errors.ts';

const because = (code: string) =>
  new CredentialError('NETWORK_FAILED', 'it fails', { cause: Object.assign(new Error('x'), { code }) });

test.each([
  [because('ENOTFOUND'), 'CONNECTIVITY_DNS_ERROR'],
  [because('EAI_AGAIN'), 'CONNECTIVITY_DNS_ERROR'],
  [because('CERT_HAS_EXPIRED'), 'CONNECTIVITY_SSL_ERROR'],
  [because('SELF_SIGNED_CERT_IN_CHAIN'), 'CONNECTIVITY_SSL_ERROR'],
  [because('ECONNREFUSED'), undefined],
  [new CredentialError('REGISTRY_REFUSED', 'x received too many requests'), 'CONNECTIVITY_TOOMANYREQUESTS_ERROR'],
  [new CredentialError('REGISTRY_REFUSED', 'the firewall of x blocks y'), 'CONNECTIVITY_FORBIDDEN_ERROR'],
  [new CredentialError('REGISTRY_REFUSED', 'x denies access'), 'CONNECTIVITY_FORBIDDEN_ERROR'],
  [new CredentialError('REGISTRY_REFUSED', 'x responded with status 500'), undefined],
  [new Error('x'), undefined],
])('%s has %s', (failure, code) => {
  expect(findHealthCode(failure, undefined)).toBe(code);
});

test('has the code of the step where it has none of its own', () => {
  expect(findHealthCode(because('ECONNREFUSED'), 'CONNECTIVITY_AAD_LOGIN_ERROR')).toBe('CONNECTIVITY_AAD_LOGIN_ERROR');
});
