/** Writes the pull secrets of namespaces itself, where kubelets cannot be changed. */

import { readClaims } from '../../entra/claims.ts';
import { CredentialError } from '../../errors.ts';
import { asJsonObject, asText, type JsonObject, parseJsonObject } from '../../json.ts';
import type { Log } from '../../log.ts';
import { describeResponse, type HttpResponse, quoteRefusal } from '../../network/http.ts';
import { shellWord } from '../../shell-word.ts';
import type { Runtime } from '../../system/runtime.ts';
import { UsageError } from '../../terminal/failure.ts';
import { type ClusterApi, openClusterApi } from './cluster-api.ts';
import type { ExposedToken } from './find-token.ts';
import { buildKubernetesSecret } from './kubernetes-secret.ts';

/** Where the token goes. */
export interface ApplyRequest {
  readonly runtime: Runtime;
  readonly log: Log | undefined;
  /** The name of each Secret. */
  readonly name: string;
  /** The namespaces; an empty list means that of this pod. */
  readonly namespaces: readonly string[];
  /** The folder of the token for the API server. */
  readonly serviceAccountFolder: string;
}

/** A Secret that holds the token now. */
export interface AppliedSecret {
  readonly namespace: string;
  readonly name: string;
  /** In ISO 8601; `undefined` for a password. */
  readonly expiresAt: string | undefined;
}

/** What became of all of them. */
export interface ApplyResult {
  readonly applied: readonly AppliedSecret[];
  /** Tells of every namespace where it failed; `undefined` when there is none. */
  readonly failure: CredentialError | undefined;
}

/** Which namespaces and with what the token will be applied; found before a token is requested. */
export interface PreparedApply {
  readonly apply: (token: ExposedToken) => Promise<ApplyResult>;
}

/** How many Secrets are written at once. */
const AT_ONCE = 8;
const SUBJECT_PREFIX = 'system:serviceaccount:';

/**
 * Prepares to write the Secrets.
 * @throws UsageError outside of a cluster, or when no namespace is known; IDENTITY_INVALID when the token of the service
 * account cannot be read.
 */
export function prepareApply(request: ApplyRequest): PreparedApply {
  const { runtime, log, serviceAccountFolder } = request;
  const api = openClusterApi(runtime, serviceAccountFolder, log);
  const own = request.namespaces.length === 0 ? api.namespace : undefined;
  const namespaces = own === undefined ? request.namespaces : [own];
  if (namespaces.length === 0) {
    throw new UsageError('The namespace of this pod is not known', { hint: 'add --namespace NAME' });
  }
  return { apply: (token) => applyAll(api, { ...request, namespaces }, token) };
}

/** Goes on after a failure, and beside a namespace whose answer takes long: the others must not wait for it. */
async function applyAll(api: ClusterApi, request: ApplyRequest, token: ExposedToken): Promise<ApplyResult> {
  const outcomes: (AppliedSecret | CredentialError)[] = [];
  for (let done = 0; done < request.namespaces.length; done += AT_ONCE) {
    const some = request.namespaces.slice(done, done + AT_ONCE);
    outcomes.push(
      ...(await Promise.all(some.map((namespace) => tryOne(api, { name: request.name, namespace }, token)))),
    );
  }
  const applied = outcomes.flatMap((one) => (one instanceof CredentialError ? [] : [one]));
  const failures = outcomes.filter((one) => one instanceof CredentialError);
  const [first, ...others] = failures;
  if (first === undefined) return { applied, failure: undefined };
  const causes = [...first.causes, ...others.flatMap(({ message, causes: more }) => [message, ...more])];
  return { applied, failure: first.with({ causes }) };
}

/** @returns the failure instead of throwing it. */
async function tryOne(...request: Parameters<typeof applyOne>): Promise<AppliedSecret | CredentialError> {
  try {
    return await applyOne(...request);
  } catch (failure) {
    if (failure instanceof CredentialError) return failure;
    throw failure;
  }
}

async function applyOne(
  api: ClusterApi,
  { name, namespace }: { readonly name: string; readonly namespace: string },
  token: ExposedToken,
): Promise<AppliedSecret> {
  const { expiresAtSeconds } = token;
  const expiresAt = expiresAtSeconds === undefined ? undefined : new Date(expiresAtSeconds * 1000).toISOString();
  const secret = buildKubernetesSecret(token, { name, namespace, expiresAt });
  const response = await api.apply(`/api/v1/namespaces/${namespace}/secrets/${name}`, secret);
  if (response.status === 200 || response.status === 201) return { namespace, name, expiresAt };
  throw explainRefusal(api, response, name, namespace);
}

/** @see https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/ */
function explainRefusal(api: ClusterApi, response: HttpResponse, name: string, namespace: string): CredentialError {
  const body = parseJsonObject(response.body);
  const refusal = quoteRefusal(response, asText(body?.['reason']), asText(body?.['message']));
  const secret = `secret ${shellWord(name)}`;
  const inNamespace = `kubectl --namespace ${shellWord(namespace)}`;
  const [why, hint] = ((): readonly [why: string, hint: string] => {
    switch (response.status) {
      case 401:
        return [
          'the API server does not accept the service account',
          'mount a token for the audience of the API server that has not expired',
        ];
      case 403:
        if (isTerminating(body)) return ['the namespace is being deleted', 'take it from the list of namespaces'];
        return [`${readAccount(api)} may not`, adviseRights(api, name, namespace)];
      case 404:
        return ['there is no such namespace', `kubectl create namespace ${shellWord(namespace)}`];
      case 409:
        return [
          'another program has set its content',
          `${inNamespace} delete ${secret} (unless that program needs it)`,
        ];
      case 422:
        return ['it exists with another type or is immutable', `${inNamespace} delete ${secret}`];
      default:
        return ['the API server refused it', `${inNamespace} get ${secret}`];
    }
  })();
  return new CredentialError('CLUSTER_REFUSED', `Cannot apply Secret ${name} in namespace ${namespace}: ${why}`, {
    causes: [describeResponse(response, refusal)],
    hint,
  });
}

/** Whether the API server creates nothing any more in the namespace. */
function isTerminating(body: JsonObject | undefined): boolean {
  const causes = asJsonObject(body?.['details'])?.['causes'];
  return (
    Array.isArray(causes) && causes.some((one: unknown) => asJsonObject(one)?.['reason'] === 'NamespaceTerminating')
  );
}

/** A right to create with a name counts here: the request names the Secret, other than one that only creates. */
function adviseRights(api: ClusterApi, name: string, namespace: string): string {
  const role = 'docker-credential-acr';
  const command = `kubectl --namespace ${shellWord(namespace)} create`;
  const account = readAccount(api);
  return [
    `${command} role ${role} --verb=create,patch --resource=secrets --resource-name=${shellWord(name)}`,
    `${command} rolebinding ${role} --role=${role} --serviceaccount=${account.includes(':') ? shellWord(account) : 'NAMESPACE:NAME'}`,
  ].join(' && ');
}

/** @returns such as `acr:renewer`. */
function readAccount({ token }: ClusterApi): string {
  const subject = asText(readClaims(token)?.['sub']) ?? '';
  const account = subject.startsWith(SUBJECT_PREFIX) ? subject.slice(SUBJECT_PREFIX.length) : '';
  return /^[a-z0-9.-]{1,253}:[a-z0-9.-]{1,253}$/.test(account) ? account : 'the service account';
}
