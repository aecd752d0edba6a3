/** Judges a client assertion: one signed with the application's own certificate, or one of an issuer it trusts. */
import { constants, type KeyObject, verify } from 'node:crypto';
import { type JsonRecord, parseNumber, parseString, parseStrings } from './json.ts';
import type { EmulatedRequest } from './message.ts';
import type { Application, Context, FederatedCredential, Tenant } from './state.ts';
import type { EntraError } from './state-sign-in.ts';
import { decodeToken } from './tokens.ts';

/** @returns the error, or `undefined` when the assertion proves the application. */
export function judgeAssertion(
  assertion: string,
  application: Application,
  tenant: Tenant,
  request: EmulatedRequest,
  context: Context,
): EntraError | undefined {
  const decoded = decodeToken(assertion);
  if (decoded === undefined) {
    return refuse(50027, 'JWT token is invalid or malformed.', 'invalid_request');
  }
  const { header, claims } = decoded;
  return parseString(claims['iss']) === application.clientId
    ? judgeOwnAssertion(assertion, header, claims, application, tenant, request, context)
    : judgeFederatedAssertion(assertion, header, claims, application, context);
}

function judgeOwnAssertion(
  assertion: string,
  header: JsonRecord,
  claims: JsonRecord,
  application: Application,
  tenant: Tenant,
  request: EmulatedRequest,
  context: Context,
): EntraError | undefined {
  // The Azure CLI still names the certificate by its SHA-1.
  const thumbprint = parseString(header['x5t#S256']) ?? parseString(header['x5t']) ?? '';
  // MSAL for Go sends padded standard base64 and MSAL for Node base64url; the service takes both.
  const normalized = thumbprint.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
  const certificate = application.certificates.find((known) =>
    [known.thumbprint, known.sha1Thumbprint].includes(normalized),
  );
  if (certificate === undefined) {
    return refuse(
      700027,
      'The certificate with identifier used to sign the client assertion is not registered on application. ' +
        `[Reason - The key was not found., Thumbprint of key used by client: '${thumbprint}']`,
    );
  }
  if (!isSignedBy(assertion, parseString(header['alg']), certificate.publicKey)) {
    return refuse(
      700027,
      'Client assertion failed signature validation. [Reason - The key was found, but use of the key to verify ' +
        `the signature failed., Thumbprint of key used by client: '${thumbprint}']`,
    );
  }
  if (parseString(claims['sub']) !== application.clientId) {
    return refuse(700021, "Client assertion application identifier doesn't match 'client_id' parameter.");
  }
  const audiences = [tenant.id, tenant.name].flatMap((name) => [
    `https://${request.host}/${name}/oauth2/v2.0/token`,
    `https://${request.host}/${name}/oauth2/token`,
    `https://${request.host}/${name}/v2.0`,
  ]);
  if (!audiences.includes(parseString(claims['aud']) ?? '')) {
    return refuse(700023, 'Client assertion audience claim does not match Realm issuer.');
  }
  const id = parseString(claims['jti']);
  if (id === undefined) {
    return refuse(50027, "JWT token is invalid or malformed: no 'jti' claim.");
  }
  const timeError = judgeTime(claims, context.now);
  if (timeError !== undefined) {
    return timeError;
  }
  if (context.state.refuseReplayedAssertions && context.state.seenAssertionIds.has(id)) {
    return refuse(50012, 'Authentication failed: the client assertion has been used before.');
  }
  context.state.seenAssertionIds.add(id);
  return undefined;
}

function judgeFederatedAssertion(
  assertion: string,
  header: JsonRecord,
  claims: JsonRecord,
  application: Application,
  context: Context,
): EntraError | undefined {
  const issuer = parseString(claims['iss']) ?? '';
  const subject = parseString(claims['sub']) ?? '';
  const audience = parseString(claims['aud']) ?? parseStrings(claims['aud'])[0] ?? '';
  const hint =
    'Check your federated identity credential Subject, Audience and Issuer against the presented assertion. ' +
    'https://learn.microsoft.com/entra/workload-id/workload-identity-federation';
  let candidates: readonly FederatedCredential[] = application.federatedCredentials;
  const steps: readonly [number, string, string, keyof Pick<FederatedCredential, 'issuer' | 'audience' | 'subject'>][] =
    [
      [700211, 'issuer', issuer, 'issuer'],
      [700212, 'audience', audience, 'audience'],
      [700213, 'subject', subject, 'subject'],
    ];
  for (const [code, word, presented, member] of steps) {
    const matching = candidates.filter((credential) => credential[member] === presented);
    if (matching.length === 0) {
      const differsInCase = candidates.some(
        (credential) => credential[member].toLowerCase() === presented.toLowerCase(),
      );
      return differsInCase
        ? refuse(7002138, `The presented assertion ${word} '${presented}' differs only in case from a record. ${hint}`)
        : refuse(
            code,
            `No matching federated identity record found for presented assertion ${word} '${presented}'. ${hint}`,
          );
    }
    candidates = matching;
  }
  if (!candidates.some((credential) => isSignedBy(assertion, parseString(header['alg']), credential.publicKey))) {
    return refuse(
      50013,
      'Assertion failed signature validation. [Reason - The provided signature value did not match.]',
    );
  }
  return judgeTime(claims, context.now);
}

/** Five minutes of skew are allowed for the start, as the service does, and none for the end. */
function judgeTime(claims: JsonRecord, now: number): EntraError | undefined {
  const expiresAt = parseNumber(claims['exp']);
  const notBefore = parseNumber(claims['nbf']) ?? parseNumber(claims['iat']) ?? now;
  if (expiresAt !== undefined && expiresAt > now && notBefore <= now + 300) {
    return undefined;
  }
  const time = (seconds: number) => new Date(seconds * 1000).toISOString();
  return refuse(
    700024,
    `Client assertion is not within its valid time range. Current time: ${time(now)}, ` +
      `assertion valid from ${time(notBefore)}, expiry time of assertion ${time(expiresAt ?? 0)}.`,
  );
}

function isSignedBy(token: string, algorithm: string | undefined, publicKey: KeyObject): boolean {
  const end = token.lastIndexOf('.');
  const data = Buffer.from(token.slice(0, end));
  const signature = Buffer.from(token.slice(end + 1), 'base64url');
  if (publicKey.asymmetricKeyType !== 'rsa') {
    return false;
  }
  if (algorithm === 'PS256') {
    return verify(
      'sha256',
      data,
      { key: publicKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST },
      signature,
    );
  }
  return algorithm === 'RS256' && verify('sha256', data, publicKey, signature);
}

function refuse(code: number, text: string, error = 'invalid_client'): EntraError {
  return { error, code, text, status: error === 'invalid_client' ? 401 : 400 };
}
