/** Says why the certificate of a server was refused, and what helps. More trust helps against an unknown issuer only. */

import { shellWord } from '../shell-word.ts';
import { UNTRUSTED_CODES } from './certificates.ts';
import { readPort } from './sockets.ts';

/** The error for a refused certificate. */
export interface CertificateFailure {
  /** Completes the sentence "the certificate of HOST …". */
  readonly problem: string;
  readonly hint: string;
  /** Whether its issuer is unknown, so that a setting of this machine may help. */
  readonly isUntrusted: boolean;
}

const CLOCK = "check this machine's clock: date -u";
const OTHER_SERVER = 'another server may be answering: check DNS, the hosts file and HTTPS_PROXY';

/** OpenSSL's codes as Node names them, and Node's own. */
const PROBLEMS: readonly (readonly [codes: readonly string[], problem: string, hint: string])[] = [
  [['ERR_TLS_CERT_ALTNAME_INVALID', 'HOSTNAME_MISMATCH', 'IP_ADDRESS_MISMATCH'], 'is for another name', OTHER_SERVER],
  [['CERT_HAS_EXPIRED'], 'has expired', `${CLOCK}; if it is right, the server needs a new certificate`],
  [['CERT_NOT_YET_VALID'], 'is not valid yet', CLOCK],
  [['CRL_HAS_EXPIRED', 'CRL_NOT_YET_VALID'], 'has a revocation list that is out of date', CLOCK],
  [['CERT_REVOKED'], 'has been revoked', 'do not trust this server until it has a new certificate'],
  [
    [
      'CERT_SIGNATURE_FAILURE',
      'CRL_SIGNATURE_FAILURE',
      'UNABLE_TO_DECRYPT_CERT_SIGNATURE',
      'UNABLE_TO_DECRYPT_CRL_SIGNATURE',
      'UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY',
      'ERROR_IN_CERT_NOT_BEFORE_FIELD',
      'ERROR_IN_CERT_NOT_AFTER_FIELD',
    ],
    'is damaged or forged',
    OTHER_SERVER,
  ],
];
/** OpenSSL's words for keys and signatures that its security level forbids, whatever the code. */
const WEAK = /KEY_TOO_SMALL|MD_TOO_WEAK|\btoo (?:weak|small)\b/;
/** Node's name for an error of OpenSSL that it has no name for. */
const UNNAMED = 'UNSPECIFIED';
const CERTIFICATE_CODE =
  /^(?:CERT_|CRL_|ERR_TLS_CERT|INVALID_CA$|INVALID_PURPOSE$|PATH_LENGTH_EXCEEDED$|UNABLE_TO_GET_CRL$)/;

/**
 * Explains a failed request by the certificate of the server.
 * @param code the code of the failure.
 * @param text its message.
 * @returns `undefined` when the certificate is not the reason.
 */
export function explainCertificate(url: URL, code: string, text: string): CertificateFailure | undefined {
  if (UNTRUSTED_CODES.includes(code)) {
    const hint = 'set NODE_EXTRA_CA_CERTS=FILE to the certificate of the proxy that intercepts TLS';
    return { problem: 'is not trusted', hint, isUntrusted: true };
  }
  const known = PROBLEMS.find(([codes]) => codes.includes(code));
  if (known !== undefined) return { problem: known[1], hint: known[2], isUntrusted: false };
  const server = `${url.hostname}:${readPort(url)}`;
  const hint = `openssl s_client -showcerts -connect ${shellWord(server)} </dev/null (the server, or a proxy on the way, needs another certificate)`;
  if (WEAK.test(code) || (code === UNNAMED && WEAK.test(text))) {
    return { problem: 'has a key or a signature that is too weak', hint, isUntrusted: false };
  }
  const isOther = code === UNNAMED || CERTIFICATE_CODE.test(code);
  return isOther ? { problem: 'cannot be accepted', hint, isUntrusted: false } : undefined;
}
