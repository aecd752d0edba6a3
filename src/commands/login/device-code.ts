/**
 * Signs a person in whose browser is on another machine: the person types a short code there.
 *
 * @see https://learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code
 * @see https://www.rfc-editor.org/rfc/rfc8628
 */

import { formatPersonScope, type PersonTokens, readPersonTokens } from '../../entra/refresh-token.ts';
import { type GrantAnswer, type GrantRefusal, requestGrant } from '../../entra/token-endpoint.ts';
import { CredentialError } from '../../errors.ts';
import type { HttpClient } from '../../network/http.ts';
import { parsePlainUrl } from '../../network/plain-url.ts';
import { readClockMs } from '../../system/clock.ts';
import { describeClient, type PersonRequest } from './person-request.ts';

/** A code to type, and where. */
export interface DeviceCode {
  /** What the person types. It may be shown. */
  readonly userCode: string;
  /** The page on which the person types it. */
  readonly verificationUrl: string;
  /** What this program redeems. It is a secret. */
  readonly deviceCode: string;
  /** How long to wait between two questions. */
  readonly intervalMs: number;
  /** When it expires, on the clock of `readClockMs`. */
  readonly expiresAtMs: number;
}

/** Waits between two questions. */
export type Pause = (durationMs: number) => Promise<unknown>;

const DEFAULT_INTERVAL_SECONDS = 5;
const MAX_INTERVAL_SECONDS = 60;
/** A person who has signed in does not wait longer for the program, however often the network failed before. */
const MAX_PAUSE_MS = 30_000;
const SLOW_DOWN_MS = 5_000;
const DEFAULT_LIFE_SECONDS = 900;
/** A code that lives longer is of no use to anybody. */
const MAX_LIFE_SECONDS = 3_600;
const MAX_NETWORK_FAILURES = 3;
const GRANT_TYPE = 'urn:ietf:params:oauth:grant-type:device_code';
const ENDPOINT = { name: 'devicecode', proof: 'device_code' } as const;
const USER_CODE = /^[0-9A-Za-z-]{4,32}$/;
/** A Conditional Access policy. Many tenants have one against device codes. */
const POLICY_CODES = ['53003', '530035', '50131', '53000', '53001', '53002', '530032'];

/**
 * Asks for a code.
 * @throws ENTRA_REFUSED, AUDIENCE_UNKNOWN, ANSWER_INVALID when the code cannot be shown, NETWORK_FAILED
 */
export async function requestDeviceCode(http: HttpClient, request: PersonRequest): Promise<DeviceCode> {
  const { runtime, audience, claims, authority } = request;
  const answer = await requestGrant(
    { runtime, http },
    {
      ...describeClient(request),
      endpoint: ENDPOINT,
      fields: { scope: formatPersonScope(audience), ...(claims === undefined ? {} : { claims }) },
    },
  );
  if ('failure' in answer) throw explainPolicy(request, answer);
  const { device_code: deviceCode, user_code: userCode, verification_uri: url, expires_in, interval } = answer.granted;
  if (typeof deviceCode === 'string') runtime.secrets.add(deviceCode);
  const verificationUrl = typeof url === 'string' ? parsePlainUrl(url, { query: true })?.href : undefined;
  if (typeof deviceCode !== 'string' || typeof userCode !== 'string' || !USER_CODE.test(userCode)) {
    throw new CredentialError('ANSWER_INVALID', `${new URL(authority.url).host} sent no code that can be typed`);
  }
  if (verificationUrl === undefined) {
    throw new CredentialError(
      'ANSWER_INVALID',
      `${new URL(authority.url).host} sent no page on which to type the code`,
    );
  }
  return {
    deviceCode,
    userCode,
    verificationUrl,
    intervalMs: readSeconds(interval, DEFAULT_INTERVAL_SECONDS, MAX_INTERVAL_SECONDS) * 1000,
    expiresAtMs: readClockMs() + readSeconds(expires_in, DEFAULT_LIFE_SECONDS, MAX_LIFE_SECONDS) * 1000,
  };
}

/**
 * Asks until the person has typed the code and signed in.
 * @param pause waits between two questions.
 * @throws ENTRA_REFUSED when the person declines, the code expires or a policy forbids it; ANSWER_INVALID, NETWORK_FAILED
 */
export async function redeemDeviceCode(
  http: HttpClient,
  request: PersonRequest,
  { deviceCode, intervalMs, expiresAtMs }: DeviceCode,
  pause: Pause,
): Promise<PersonTokens> {
  const { runtime } = request;
  let pauseMs = intervalMs;
  let networkFailures = 0;
  for (;;) {
    await pause(pauseMs);
    let answer: GrantAnswer | undefined;
    try {
      answer = await requestGrant(
        { runtime, http },
        {
          ...describeClient(request),
          fields: { grant_type: GRANT_TYPE, device_code: deviceCode, client_info: '1' },
        },
      );
      networkFailures = 0;
    } catch (cause) {
      networkFailures += 1;
      const isTransient = cause instanceof CredentialError && cause.code === 'NETWORK_FAILED';
      if (!isTransient || networkFailures === MAX_NETWORK_FAILURES) throw cause;
      pauseMs = Math.min(pauseMs * 2, Math.max(pauseMs, MAX_PAUSE_MS)); // longer, as RFC 8628 wants it
    }
    if (answer !== undefined && 'granted' in answer) return readPersonTokens(runtime, answer.granted);
    if (answer?.error === 'slow_down') pauseMs += SLOW_DOWN_MS;
    else if (answer !== undefined && answer.error !== 'authorization_pending') throw explain(request, answer);
    if (readClockMs() >= expiresAtMs) throw expired(request);
  }
}

function explain(request: PersonRequest, refusal: GrantRefusal): CredentialError {
  const { failure, error, code } = refusal;
  const hint = request.signInCommand;
  if (POLICY_CODES.includes(code ?? '')) return explainPolicy(request, refusal);
  switch (error) {
    case 'authorization_declined':
    case 'access_denied':
      return failure.with({ message: 'the sign-in was declined', hint });
    case 'expired_token':
    case 'code_expired':
      return expired(request, failure);
    case 'bad_verification_code':
      return failure.with({ message: 'Entra ID no longer knows the code', hint });
    default:
      return failure;
  }
}

function expired({ signInCommand }: PersonRequest, failure?: CredentialError): CredentialError {
  const message = 'the code expired before anybody signed in with it';
  if (failure !== undefined) return failure.with({ message, hint: signInCommand });
  return new CredentialError('ENTRA_REFUSED', message, { hint: signInCommand });
}

function explainPolicy({ signInCommand }: PersonRequest, { code, failure }: GrantRefusal): CredentialError {
  if (!POLICY_CODES.includes(code ?? '')) return failure;
  return failure.with({
    hint: `the policy may forbid device codes; where there is a browser: ${signInCommand} --browser`,
  });
}

/** Reads a number of seconds. A server may send it as a text. */
function readSeconds(value: unknown, byDefault: number, most: number): number {
  const seconds = typeof value === 'string' ? Number(value) : value;
  return typeof seconds === 'number' && seconds >= 1 ? Math.min(seconds, most) : byDefault;
}
