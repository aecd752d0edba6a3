/**
 * Explains Entra's error codes to the user, and says what helps. This is advice only, with one exception:
 * `UNKNOWN_AUDIENCE_CODES` decide whether another audience is tried.
 *
 * @see https://learn.microsoft.com/entra/identity-platform/reference-error-codes
 */

import { shellWord } from '../shell-word.ts';

/** Entra does not know the audience, or issues no tokens for it: another audience may work. */
export const UNKNOWN_AUDIENCE_CODES: readonly number[] = [500011, 50001, 650052, 650057];

/** The audience of a Kubernetes token that only the cluster's token proxy can exchange. */
export const BINDING_AUDIENCE = 'api://AKSIdentityBinding';

/** What an error code means, and what helps. */
export interface EntraAdvice {
  /** The problem; completes the sentence "Cannot sign in for …: ". `undefined` for an unknown code. */
  readonly meaning: string | undefined;
  /** The hint: a command or an instruction. */
  readonly fix: string;
}

/** What hints say about a client that no variable sets up. */
export interface ClientAdvice {
  /** What names the client, and its tenant: an annotation, an option or a key of a file. */
  readonly clientSetting: string;
  readonly tenantSetting: string;
  /** The command or instruction by which the client comes to trust a token from another issuer, if it signs in with one. */
  readonly trust?: string;
}

/** What the hints refer to. */
interface EntraSubject {
  readonly clientId: string;
  readonly tenant: string;
  /** The audience of the assertion, if there is one. */
  readonly audience?: string;
  /** How far this machine's clock is ahead of Entra's, if that is known. */
  readonly clockAheadSeconds?: number | undefined;
  /** For a person's account of this program: the command that signs it in again. No variable sets such an account up. */
  readonly signInCommand?: string | undefined;
  readonly client?: ClientAdvice | undefined;
}

type Row = readonly [codes: readonly number[], meaning: string, fix: (subject: EntraSubject) => string];

const LOGIN = ({ tenant, signInCommand }: EntraSubject) =>
  signInCommand ?? `az login --tenant ${shellWord(tenant)} --scope https://containerregistry.azure.net/.default`;
const RESET = ({ clientId }: EntraSubject) => `az ad app credential reset --id ${shellWord(clientId)}`;
const CHECK_APP = ({ clientId }: EntraSubject) => `az ad sp show --id ${shellWord(clientId)}`;
const GET_NEW = 'get a new assertion';
/** Entra tolerates a smaller difference. */
const CLOCK_MATTERS_SECONDS = 60;
const SET_CLOCK = ({ clockAheadSeconds }: EntraSubject) => {
  if (clockAheadSeconds === undefined) return `check this machine's clock; ${GET_NEW}`;
  return Math.abs(clockAheadSeconds) < CLOCK_MATTERS_SECONDS
    ? `${GET_NEW}: this machine's clock is right`
    : "set this machine's clock: timedatectl set-ntp true";
};
/** The settings that a hint names. */
const CLIENT = ({ client }: EntraSubject) => client?.clientSetting ?? 'AZURE_CLIENT_ID';
const TENANT = ({ client }: EntraSubject) => client?.tenantSetting ?? 'AZURE_TENANT_ID';
const CHECK_FEDERATION = ({ clientId, audience, client }: EntraSubject) => {
  if (client?.trust !== undefined) return client.trust;
  return audience === BINDING_AUDIENCE
    ? 'the pod must use the token proxy: annotate it with azure.workload.identity/use-identity-binding: "true", which sets AZURE_KUBERNETES_TOKEN_PROXY'
    : `az ad app federated-credential list --id ${shellWord(clientId)}`;
};
/** Says what to do for a person's account, where others need a variable. */
const forPerson =
  (advise: (signInCommand: string, subject: EntraSubject) => string, others: (subject: EntraSubject) => string) =>
  (subject: EntraSubject) =>
    subject.signInCommand === undefined ? others(subject) : advise(subject.signInCommand, subject);
const WAIT = () => 'wait a minute and try again';

const ROWS: readonly Row[] = [
  [
    [7000215, 70002],
    'the client secret is wrong',
    (s) => `use the value of the secret, not its id, or make a new one: ${RESET(s)}`,
  ],
  [[7000222], 'the client secret has expired', (s) => `make a new one: ${RESET(s)}`],
  [
    [700016, 700011],
    'the application is not in this tenant',
    forPerson(
      (signIn, { tenant }) => `check the application and the tenant (${shellWord(tenant)} was used), then: ${signIn}`,
      (s) => `check ${CLIENT(s)}, ${TENANT(s)} (${shellWord(s.tenant)} was used) and the cloud`,
    ),
  ],
  [
    [7000112, 70001],
    'the application is disabled',
    ({ clientId }) => `az ad sp update --id ${shellWord(clientId)} --set accountEnabled=true`,
  ],
  [
    [90002, 900023],
    'there is no such tenant',
    forPerson(
      (signIn) => `check the tenant, then: ${signIn}`,
      (s) => `check ${TENANT(s)}; for a tenant in another cloud, set AZURE_AUTHORITY_HOST`,
    ),
  ],
  [
    [90038, 900382, 900432],
    'the tenant is in another cloud',
    () => "set AZURE_AUTHORITY_HOST to that cloud's authority",
  ],
  [
    UNKNOWN_AUDIENCE_CODES,
    'the tenant does not know Azure Container Registry',
    forPerson(
      (signIn) => `sign in to the registry's tenant: ${signIn}`,
      (s) => `check that ${TENANT(s)} is the registry's tenant: az acr show -n NAME --query id`,
    ),
  ],
  [[700027, 50012], 'the certificate does not belong to the application', CHECK_APP],
  [[700030], 'the application does not trust the certificate', CHECK_APP],
  [[700024, 500133, 50013], 'the assertion is outside its validity period', SET_CLOCK],
  [[70021, 700211, 700212, 700213, 7002137, 7002138], 'no federated credential matches', CHECK_FEDERATION],
  [
    [700229],
    'this kind of token cannot be used as a federated credential',
    () => 'use the token of an application or a managed identity',
  ],
  [
    [7000218],
    'the application needs a secret or a certificate',
    forPerson(
      (_signIn, { clientId }) =>
        `let people sign in to it: az ad app update --id ${shellWord(clientId)} --is-fallback-public-client true`,
      () => 'set AZURE_CLIENT_SECRET',
    ),
  ],
  [[700025], 'the application does not accept a secret', () => 'unset AZURE_CLIENT_SECRET'],
  [[7002104], 'secrets are disabled for the application', () => 'use a certificate or a federated credential'],
  [[50034, 50020, 51004, 16000, 90072], 'the account is not in this tenant', LOGIN],
  [[50076, 50079, 50074, 50072, 50078, 50158], 'multi-factor authentication is needed', LOGIN],
  [
    [53003, 53000, 53001, 53002, 530032, 530035, 50131],
    'a Conditional Access policy blocks the sign-in',
    () => "ask the tenant's administrator which policy applies (the correlation id identifies the sign-in)",
  ],
  [
    [65001, 65004, 90094, 90008, 650056],
    'consent is missing',
    forPerson(
      (signIn) => `ask an administrator of the tenant to consent to the application, then: ${signIn}`,
      ({ clientId }) => `az ad app permission admin-consent --id ${shellWord(clientId)}`,
    ),
  ],
  [
    [65002],
    'this application is not allowed to request a token for Azure Container Registry',
    forPerson(
      (signIn) => `register an application of your own, then: ${signIn} --client-id ID`,
      () => 'use an application of your own',
    ),
  ],
  [[70008, 700082, 70043, 50089, 50173, 50132, 50133], 'the sign-in has expired', LOGIN],
  [[50057, 50055, 50053, 50126], 'the account is disabled, locked, or its password is wrong', LOGIN],
  [[50105], 'the account is not assigned to the application', CHECK_APP],
  [
    [50194, 9001023, 9002332],
    'the application requires sign-in to its own tenant',
    forPerson(
      (signIn) => signIn,
      (s) => `set ${TENANT(s)} to the id of the tenant`,
    ),
  ],
  [[70011, 1002012], 'the scope is invalid', () => 'report this with the correlation id'],
  [[50196, 90055], 'Entra ID received too many sign-ins', WAIT],
  [[90033, 90006, 90024, 50033, 90012], 'Entra ID has a temporary problem', WAIT],
  [[100007], 'the regional authority is not allowed', () => 'unset AZURE_REGIONAL_AUTHORITY_NAME'],
];

/**
 * Explains an error code of Entra.
 * @param code the digits after `AADSTS`; `undefined` when the response had none.
 */
export function findEntraAdvice(code: string | undefined, subject: EntraSubject): EntraAdvice {
  const row = ROWS.find(([codes]) => codes.includes(Number(code)));
  if (row !== undefined) return { meaning: row[1], fix: row[2](subject) };
  const link =
    code === undefined
      ? (subject.signInCommand ?? `check ${CLIENT(subject)} and ${TENANT(subject)}`)
      : `see https://login.microsoftonline.com/error?code=${code}`;
  return { meaning: undefined, fix: link };
}
