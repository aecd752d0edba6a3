/** The token services of GitHub Actions and Azure Pipelines, under plausible host names, and tokens of any other issuer. */
import { generateKeyPair, type KeyObject, randomBytes, randomUUID, sign } from 'node:crypto';
import { promisify } from 'node:util';
import type { JsonRecord } from './json.ts';
import { type EmulatedRequest, type EmulatedResponse, jsonResponse, type Occasion } from './message.ts';

import type { Application, EmulatorState } from './state.ts';

export const FEDERATED_AUDIENCE = 'api://AzureADTokenExchange';
export const GITHUB_HOST = 'run-actions-1-azure-eastus.actions.githubusercontent.com';
export const GITHUB_ISSUER = 'https://token.actions.githubusercontent.com';
export const GITHUB_SUBJECT = 'repo:contoso@123/app@456:ref:refs/heads/main';
export const PIPELINES_HOST = 'dev.azure.com';
export const PIPELINES_ISSUER = 'https://vstoken.dev.azure.com/0f1e2d3c-4b5a-4978-8695-a4b3c2d1e0f0';
export const PIPELINES_SUBJECT = 'sc://contoso/app/registry';
export const SERVICE_CONNECTION_ID = '33333333-4444-4555-8666-777777777777';

/** The double slash and the empty segment are the service's own. */
const GITHUB_PATH = '/12//idtoken/4f6c1f0e-8f6b-4f0e-9d2c-5b7a3c1d2e4f/9a1b2c3d-4e5f-4a6b-8c7d-0e9f8a7b6c5d';
const PIPELINES_PATH =
  '/contoso/7d1a3b5c-9e2f-4a6b-8c0d-1e3f5a7b9c2d/_apis/distributedtask/hubs/build/plans/' +
  'c3b2a190-8f7e-4d6c-9b5a-4f3e2d1c0b9a/jobs/12f1170f-54f2-53f3-20dd-22fc7dff55f9/oidctoken';
/** GitHub's tokens live for five minutes. */
const ASSERTION_SECONDS = 300;

export interface Ci {
  /** What a job of each CI finds in its environment. */
  readonly githubVariables: Readonly<Record<string, string>>;
  readonly pipelinesVariables: Readonly<Record<string, string>>;
  /** Signs a token as these issuers do, with any claims. */
  issue(claims: JsonRecord, now: number): string;
  /** Makes an application trust an issuer's tokens. */
  trust(application: Application, issuer: string, subject: string, audience?: string): void;
}

/** Puts both services on the emulated network. */
export async function installCi(state: EmulatorState): Promise<Ci> {
  const { publicKey, privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
  const githubToken = `eyJ0eXAi${randomBytes(48).toString('base64url')}`;
  const accessToken = randomBytes(40).toString('base64url');
  state.issuedSecrets.add(githubToken).add(accessToken);
  const issue = (claims: JsonRecord, now: number) => {
    const token = signToken(
      { jti: randomUUID(), iat: now, nbf: now, exp: now + ASSERTION_SECONDS, ...claims },
      privateKey,
    );
    state.issuedSecrets.add(token);
    return token;
  };
  const answerGithub = (request: EmulatedRequest, { now }: Occasion): EmulatedResponse => {
    if (request.method !== 'GET' || request.path !== GITHUB_PATH) return { status: 404, headers: {}, body: '' };
    if (request.query.get('api-version') !== '2.0') return jsonResponse(400, { message: 'No api-version' });
    if (request.headers['authorization'] !== `Bearer ${githubToken}`) {
      return jsonResponse(401, { $id: '1', message: 'TF400813: The user is not authorized to access this resource.' });
    }
    const aud = request.query.get('audience') ?? 'https://github.com/contoso';
    return jsonResponse(200, { count: 1, value: issue({ iss: GITHUB_ISSUER, sub: GITHUB_SUBJECT, aud }, now) });
  };
  const answerPipelines = (request: EmulatedRequest, { now, requestId }: Occasion): EmulatedResponse => {
    const headers = { 'x-vss-e2eid': requestId, 'x-msedge-ref': 'Ref A: 1234 Ref B: EASTUS' };
    if (request.path !== PIPELINES_PATH) return { status: 404, headers, body: '' };
    if (request.headers['authorization'] !== `Bearer ${accessToken}`) {
      return request.headers['x-tfs-fedauthredirect'] === 'Suppress'
        ? { status: 401, headers: { ...headers, 'Content-Type': 'text/html' }, body: '<html>Sign in</html>' }
        : {
            status: 302,
            headers: { ...headers, Location: 'https://spsprodeus2.vssps.visualstudio.com/_signin' },
            body: '',
          };
    }
    if (request.method !== 'POST' || request.query.get('api-version') !== '7.1') {
      return jsonResponse(405, { message: 'The requested resource does not support this.' }, headers);
    }
    const id = request.query.get('serviceConnectionId') ?? '';
    if (id !== SERVICE_CONNECTION_ID) {
      return jsonResponse(404, { message: `No service connection found with identifier ${id}.` }, headers);
    }
    const claims = { iss: PIPELINES_ISSUER, sub: PIPELINES_SUBJECT, aud: FEDERATED_AUDIENCE };
    return jsonResponse(200, { oidcToken: issue(claims, now) }, headers);
  };
  state.extraHosts.set(GITHUB_HOST, { kind: 'other', answer: answerGithub });
  state.extraHosts.set(PIPELINES_HOST, { kind: 'other', answer: answerPipelines });
  return {
    githubVariables: {
      GITHUB_ACTIONS: 'true',
      ACTIONS_ID_TOKEN_REQUEST_URL: `https://${GITHUB_HOST}${GITHUB_PATH}?api-version=2.0`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: githubToken,
    },
    pipelinesVariables: {
      TF_BUILD: 'True',
      SYSTEM_OIDCREQUESTURI: `https://${PIPELINES_HOST}${PIPELINES_PATH}`,
      SYSTEM_ACCESSTOKEN: accessToken,
      AZURESUBSCRIPTION_SERVICE_CONNECTION_ID: SERVICE_CONNECTION_ID,
    },
    issue,
    trust: (application, issuer, subject, audience = FEDERATED_AUDIENCE) => {
      application.federatedCredentials.push({ issuer, subject, audience, publicKey });
    },
  };
}

function signToken(claims: JsonRecord, key: KeyObject): string {
  const signed = [{ alg: 'RS256', typ: 'JWT', kid: 'ci' }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  return `${signed}.${sign('sha256', Buffer.from(signed), key).toString('base64url')}`;
}
