/** Signs a person in, with the browser of this machine or with a code for another one. */

import { setTimeout as delay } from 'node:timers/promises';
import { findEntraAdvice } from '../../entra/error-codes.ts';
import { formatPersonScope, type PersonTokens, readPersonTokens } from '../../entra/refresh-token.ts';
import { requestGrant } from '../../entra/token-endpoint.ts';
import { CredentialError } from '../../errors.ts';
import { Connections } from '../../network/connections.ts';
import type { HttpClient } from '../../network/http.ts';
import { createHttpClient } from '../../network/http-client.ts';
import { createQuote } from '../../redact.ts';
import { describeFailure } from '../../report.ts';
import { readClockMs } from '../../system/clock.ts';
import type { Runtime } from '../../system/runtime.ts';
import { createAuthorizationSecrets, formatAuthorizationUrl } from './authorization-request.ts';
import { type DeviceCode, type Pause, redeemDeviceCode, requestDeviceCode } from './device-code.ts';
import {
  type AuthorizationAnswer,
  type LoopbackServer,
  type Received,
  startLoopbackServer,
} from './loopback-server.ts';
import { declinedPage, failedPage, signedInPage } from './pages.ts';
import { type Person, readPerson } from './person.ts';
import { describeClient, type PersonRequest } from './person-request.ts';

/** How long a person may take in the browser. */
export const PATIENCE_MS = 10 * 60_000;
/** How long the requests after that may take. */
const REQUESTS_MS = 60_000;
/** Kept longer than any code lives. */
const DEVICE_MS = 2 * 60 * 60_000;
const DECLINED_ERRORS = ['access_denied', 'authorization_declined'];
/** The person did not consent. */
const DECLINED_CODE = '65004';

/** What the caller does during a sign-in in the browser. */
export interface BrowserCallbacks {
  /** Shows the URL, and opens it. */
  readonly open: (url: string) => void;
  /** Shows that the program waits. */
  readonly wait: <T>(work: Promise<T>) => Promise<T>;
  /** Stores the sign-in, before the browser says that it worked. @throws CredentialError when it cannot be stored. */
  readonly save: (person: Person) => Promise<void>;
}

/**
 * Signs a person in with the browser of this machine.
 * @param patienceMs how long the person may take.
 * @throws ENTRA_REFUSED, AUDIENCE_UNKNOWN, ANSWER_INVALID, NETWORK_FAILED, and what `save` throws. The browser says so too.
 */
export async function signInWithBrowser(
  request: PersonRequest,
  { open, wait, save }: BrowserCallbacks,
  patienceMs = PATIENCE_MS,
): Promise<Person> {
  const { runtime } = request;
  const secrets = createAuthorizationSecrets();
  runtime.secrets.add(secrets.verifier);
  const server = await startLoopbackServer(secrets.state);
  try {
    open(formatAuthorizationUrl(request, secrets, server.redirectUri));
    const received = await wait(receive(request, server, patienceMs));
    const { answer } = received;
    try {
      if ('error' in answer) throw explainAnswer(request, answer);
      runtime.secrets.add(answer.code);
      const tokens = await withHttp(request, REQUESTS_MS, (http) =>
        redeemCode(http, request, { code: answer.code, verifier: secrets.verifier, redirectUri: server.redirectUri }),
      );
      const person = readPerson(request, tokens, secrets.nonce);
      await save(person);
      await received.reply(signedInPage(person.username));
      return person;
    } catch (failure) {
      await received.reply(pageOf(runtime, answer, failure));
      throw failure;
    }
  } finally {
    server.close();
  }
}

/** What the caller does during a sign-in with a device code. */
export interface DeviceCodeCallbacks {
  /** Shows the code, and where to type it. */
  readonly show: (code: DeviceCode) => void;
  /** Shows that the program waits. */
  readonly wait: <T>(work: Promise<T>) => Promise<T>;
  readonly pause?: Pause;
}

/**
 * Signs a person in whose browser is on another machine.
 * @throws ENTRA_REFUSED, AUDIENCE_UNKNOWN, ANSWER_INVALID, NETWORK_FAILED
 */
export async function signInWithDeviceCode(
  request: PersonRequest,
  { show, wait, pause = delay }: DeviceCodeCallbacks,
): Promise<Person> {
  return await withHttp(request, DEVICE_MS, async (http) => {
    const code = await requestDeviceCode(http, request);
    show(code);
    const tokens = await wait(redeemDeviceCode(http, request, code, pause));
    return readPerson(request, tokens, undefined);
  });
}

async function receive(request: PersonRequest, server: LoopbackServer, patienceMs: number): Promise<Received> {
  const stop = new AbortController();
  const limit = delay(patienceMs, undefined, { signal: stop.signal }).then(
    () => undefined,
    () => undefined,
  );
  const received = await Promise.race([server.received, limit]);
  stop.abort();
  if (received !== undefined) return received;
  const minutes = Math.round(patienceMs / 60_000);
  throw new CredentialError('ENTRA_REFUSED', `the browser sent no answer within ${minutes} minutes`, {
    hint: `where no browser reaches this machine: ${request.signInCommand} --device-code`,
  });
}

/** What proves that a code is ours. */
interface CodeProof {
  readonly code: string;
  readonly verifier: string;
  readonly redirectUri: string;
}

async function redeemCode(
  http: HttpClient,
  request: PersonRequest,
  { code, verifier, redirectUri }: CodeProof,
): Promise<PersonTokens> {
  const { runtime, audience } = request;
  const answer = await requestGrant(
    { runtime, http },
    {
      ...describeClient(request),
      fields: {
        grant_type: 'authorization_code',
        code,
        redirect_uri: redirectUri,
        code_verifier: verifier,
        scope: formatPersonScope(audience),
        client_info: '1',
      },
    },
  );
  if ('failure' in answer) throw answer.failure;
  return readPersonTokens(runtime, answer.granted);
}

/** Explains what Entra's page sent instead of a code. */
function explainAnswer(
  { runtime, clientId, tenant, authority, signInCommand }: PersonRequest,
  { error, description = '' }: Extract<AuthorizationAnswer, { error: string }>,
): CredentialError {
  const quote = createQuote(runtime);
  const said = quote(description);
  const code = readCode(said);
  const { meaning, fix } = findEntraAdvice(code, { clientId, tenant, signInCommand });
  const name = code === undefined ? quote(error, 60) : `AADSTS${code}`;
  const isDeclined = hasDeclined(error, code);
  const message = isDeclined ? 'the sign-in was declined' : (meaning ?? 'Entra ID refused the sign-in');
  return new CredentialError('ENTRA_REFUSED', `${message} (${name})`, {
    causes: [`${new URL(authority.url).host} sent ${[quote(error, 60), said].filter((one) => one !== '').join(': ')}`],
    hint: isDeclined ? signInCommand : fix,
  });
}

function readCode(text: string): string | undefined {
  return /AADSTS(\d+)/.exec(text)?.[1];
}

/** Whether it was the person who said no, and not a policy. */
function hasDeclined(error: string, code: string | undefined): boolean {
  return DECLINED_ERRORS.includes(error) && (code === undefined || code === DECLINED_CODE);
}

function pageOf(runtime: Runtime, answer: AuthorizationAnswer, failure: unknown) {
  const { error } = describeFailure(runtime, failure);
  const isDeclined =
    'error' in answer && hasDeclined(answer.error, readCode(createQuote(runtime)(answer.description ?? '')));
  return isDeclined ? declinedPage(error) : failedPage(error);
}

async function withHttp<T>(
  { runtime, log }: PersonRequest,
  limitMs: number,
  work: (http: HttpClient) => Promise<T>,
): Promise<T> {
  const connections = new Connections(runtime);
  const http = createHttpClient(runtime, { connections, deadlineMs: readClockMs() + limitMs, log });
  try {
    return await work(http);
  } finally {
    http.close();
  }
}
