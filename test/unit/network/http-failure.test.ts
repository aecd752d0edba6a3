/** What a person is told when a request has no response: what is wrong, and a hint that fits. */
import { describe, expect, test } from 'vitest';
import { UNTRUSTED_CODES } from '../../../src/network/certificates.ts';
import { explainFailure } from '../../../src/network/http-failure.ts';
import { makeRuntime } from '../runtime.ts';

const URL_TEXT = 'https://myregistry.azurecr.io/oauth2/exchange';

function explain(code: string, message = 'something', { isDirect = false, url = URL_TEXT } = {}) {
  const failure = Object.assign(new Error(message), { code });
  return explainFailure(makeRuntime(), { method: 'GET', url }, failure, { attempts: 1, isDirect });
}

const CERTIFICATES: readonly (readonly [code: string, problem: string, hint: RegExp, message?: string])[] = [
  ...UNTRUSTED_CODES.map((code) => [code, 'is not trusted', /^set NODE_EXTRA_CA_CERTS=FILE/] as const),
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'is for another name', /check DNS, the hosts file and HTTPS_PROXY/],
  ['HOSTNAME_MISMATCH', 'is for another name', /check DNS/],
  ['CERT_HAS_EXPIRED', 'has expired', /check this machine's clock: date -u/],
  ['CERT_NOT_YET_VALID', 'is not valid yet', /check this machine's clock: date -u/],
  ['CRL_HAS_EXPIRED', 'has a revocation list that is out of date', /date -u/],
  ['CRL_NOT_YET_VALID', 'has a revocation list that is out of date', /date -u/],
  ['CERT_REVOKED', 'has been revoked', /do not trust this server/],
  ['CERT_SIGNATURE_FAILURE', 'is damaged or forged', /another server may be answering/],
  ['UNABLE_TO_DECRYPT_CERT_SIGNATURE', 'is damaged or forged', /another server may be answering/],
  ['UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY', 'is damaged or forged', /another server may be answering/],
  ['ERROR_IN_CERT_NOT_AFTER_FIELD', 'is damaged or forged', /another server may be answering/],
  ['INVALID_PURPOSE', 'cannot be accepted', /^openssl s_client -showcerts -connect myregistry\.azurecr\.io:443 /],
  ['INVALID_CA', 'cannot be accepted', /^openssl s_client/],
  ['PATH_LENGTH_EXCEEDED', 'cannot be accepted', /^openssl s_client/],
  ['CERT_CHAIN_TOO_LONG', 'cannot be accepted', /^openssl s_client/],
  ['CERT_UNTRUSTED', 'cannot be accepted', /^openssl s_client/],
  ['CERT_REJECTED', 'cannot be accepted', /^openssl s_client/],
  ['UNABLE_TO_GET_CRL', 'cannot be accepted', /^openssl s_client/],
  ['ERR_TLS_CERT_ALTNAME_FORMAT', 'cannot be accepted', /^openssl s_client/],
  ['ERR_SSL_CA_KEY_TOO_SMALL', 'has a key or a signature that is too weak', /^openssl s_client/],
  ['ERR_SSL_EE_KEY_TOO_SMALL', 'has a key or a signature that is too weak', /^openssl s_client/],
  ['ERR_SSL_CA_MD_TOO_WEAK', 'has a key or a signature that is too weak', /^openssl s_client/],
  ['UNSPECIFIED', 'has a key or a signature that is too weak', /^openssl s_client/, 'EE certificate key too weak'],
  [
    'UNSPECIFIED',
    'has a key or a signature that is too weak',
    /^openssl s_client/,
    'CA signature digest algorithm too weak',
  ],
  ['UNSPECIFIED', 'cannot be accepted', /^openssl s_client/, 'certificate chain is odd'],
];

describe('explainFailure says of a certificate', () => {
  for (const [code, problem, hint, message] of CERTIFICATES) {
    test(`that it ${problem}: ${code} ${message ?? ''}`, () => {
      const error = explain(code, message);
      expect(error.code).toBe('NETWORK_FAILED');
      expect(error.message).toBe(`the certificate of myregistry.azurecr.io ${problem} (${code})`);
      expect(error.hint).toMatch(hint);
      // Only an unknown issuer is a reason to trust one more.
      expect(error.hint?.includes('NODE_EXTRA_CA_CERTS')).toBe(UNTRUSTED_CODES.includes(code));
    });
  }

  test('of a server that is reached without a proxy the same, unless its issuer is unknown', () => {
    for (const [code, problem, hint, message] of CERTIFICATES) {
      const error = explain(code, message, { isDirect: true });
      expect(error.message).toContain(problem);
      if (UNTRUSTED_CODES.includes(code)) expect(error.hint).toContain('no proxy is used for it');
      else expect(error.hint).toMatch(hint);
    }
  });

  test('the names that it has, which Node tells', () => {
    const message = "Host: myregistry.azurecr.io. is not in the cert's altnames: DNS:other.example";
    expect(explain('ERR_TLS_CERT_ALTNAME_INVALID', message).causes[0]).toContain('DNS:other.example');
  });
});

test('explainFailure does not blame a certificate for anything else', () => {
  for (const code of ['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', 'ECONNRESET', '']) {
    expect(explain(code).message).toBe(`myregistry.azurecr.io cannot be reached (${code || 'no response'})`);
  }
});
