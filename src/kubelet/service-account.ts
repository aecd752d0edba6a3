/**
 * The identity of a pod: its service account, whose token a kubelet passes on, and which an application or managed
 * identity of Entra trusts.
 *
 * Each cached answer with a service account runs this, so it decodes the token by itself: what a sign-in decodes tokens
 * with takes longer to load than the answer.
 *
 * @see https://kubernetes.io/docs/tasks/administer-cluster/kubelet-credential-provider/#service-account-token-for-image-pulls
 */

import type { ChosenIdentity } from '../config/identity-settings.ts';
import { checkTenant } from '../entra/authority.ts';
import type { TokenRoute } from '../entra/token-endpoint.ts';
import { CredentialError } from '../errors.ts';
import { isGuid } from '../field.ts';
import { createFederatedIdentity, isJwt } from '../identity/federated/federated-identity.ts';
import { type Identity, joinNames, type SourceRequest, type TokenContext } from '../identity/identity.ts';
import { asText, type JsonObject, parseJsonObject } from '../json.ts';
import { shellWord } from '../shell-word.ts';
import type { Runtime } from '../system/runtime.ts';
import type { ProviderRequest } from './request.ts';

/** The prefixes of the annotations, the first one first: our own, and that of AKS's plug-in. */
const PREFIXES = ['docker-credential-acr/', 'kubernetes.azure.com/acr-'] as const;
/** The key to set where there is none yet. */
const KEYS = { clientId: `${PREFIXES[0]}client-id`, tenantId: `${PREFIXES[0]}tenant-id` };

/** The annotations that this program reads, as the kubelet's configuration must list them. */
export const ANNOTATIONS: readonly string[] = PREFIXES.flatMap((prefix) => [
  `${prefix}client-id`,
  `${prefix}tenant-id`,
]);

/** An id, and the annotation or the option that it comes from. */
export interface NamedId {
  readonly value: string;
  readonly setting: string;
}

/** Returns an id with its setting; `undefined` without an id. */
export function nameId(value: string | undefined, setting: string): NamedId | undefined {
  return value === undefined ? undefined : { value, setting };
}

/** What counts where a service account has no annotation. */
export interface ServiceAccountDefaults {
  readonly clientId: NamedId | undefined;
  readonly tenantId: NamedId | undefined;
}

/** Another way to a token than Entra itself, for all tokens of this cluster. */
export interface ServiceAccountRoute {
  /** What stands for it in the key of the cache. */
  readonly description: string;
  readonly find: (context: TokenContext) => Promise<TokenRoute>;
}

/** A service account, as its token says. */
interface ServiceAccount {
  readonly issuer: string;
  /** Such as `system:serviceaccount:NAMESPACE:NAME`. */
  readonly subject: string;
  readonly audiences: readonly string[];
}

/**
 * Finds the identity of a request. What is wrong with the token or the annotations is reported by `find`, since nobody
 * has to know it for a registry that is not Azure's.
 * @param route the cluster's token proxy, if it has one for pulls.
 * @returns `undefined` when the request has no token of a service account, or nothing names its client id: then the pull
 * is the node's.
 */
export function findServiceAccountIdentity(
  runtime: Runtime,
  { serviceAccountToken: token, annotations }: ProviderRequest,
  defaults: ServiceAccountDefaults,
  route?: ServiceAccountRoute,
): ChosenIdentity | undefined {
  if (token === undefined) return undefined;
  runtime.secrets.add(token);
  const annotated = { clientId: readId(annotations, 'client-id'), tenantId: readId(annotations, 'tenant-id') };
  const clientId = annotated.clientId ?? defaults.clientId;
  if (clientId === undefined && annotated.tenantId === undefined) return undefined;
  const tenantId = annotated.tenantId ?? defaults.tenantId;
  return {
    name: "the pod's service account",
    source: route === undefined ? 'service-account' : 'identity-binding',
    tenantId: tenantId?.value,
    audience: undefined,
    parameters: {},
    find: (request) => createIdentity(request, { token, clientId, tenantId, route }),
    findLast: undefined,
  };
}

/** What an identity is made of. */
interface Parts {
  readonly token: string;
  readonly clientId: NamedId | undefined;
  readonly tenantId: NamedId | undefined;
  readonly route: ServiceAccountRoute | undefined;
}

/** @throws IDENTITY_INVALID when the token, an annotation or a default cannot be used. */
function createIdentity(request: SourceRequest, { token, clientId, tenantId, route }: Parts): Identity {
  const account = readServiceAccount(token);
  const { issuer, subject, audiences } = account;
  if (clientId === undefined) throw incomplete(account, KEYS.clientId, 'CLIENT_ID');
  if (tenantId === undefined) throw incomplete(account, KEYS.tenantId, 'TENANT_ID');
  if (!isGuid(clientId.value)) {
    throw new CredentialError(
      'IDENTITY_INVALID',
      `${clientId.setting} of ${subject} is not the id of an application or a managed identity`,
      { hint: annotate(account, clientId.setting, 'CLIENT_ID') },
    );
  }
  const client = {
    clientId: clientId.value.toLowerCase(),
    tenant: checkTenant(tenantId.value, tenantId.setting),
  };
  return createFederatedIdentity(
    { ...request, parameters: {} },
    {
      source: route === undefined ? 'service-account' : 'identity-binding',
      client,
      // Not the token: it changes every hour, and for every pod, while the account stays the same.
      who: joinNames(issuer, subject, route?.description ?? ''),
      actor: `the token of ${subject}`,
      // For the same reason, pods of one account share a failure, unless their tokens are for different audiences.
      readSecret: () => audiences.join(' '),
      isBound: route !== undefined,
      // A proxy that the environment names is none of this account's.
      findRoute: async (context) => await route?.find(context),
      getAssertion: async () => {
        await checkAudience(account, route);
        return token;
      },
      advice: {
        clientSetting: clientId.setting,
        tenantSetting: tenantId.setting,
        trust:
          route === undefined
            ? adviseTrust(account, client.clientId, request.registry.cloud.federatedAudience)
            : adviseBinding(account, client.clientId),
      },
    },
  );
}

/** Reads who the token is for. Entra checks the signature; a kubelet got the token from its API server. */
function readServiceAccount(token: string): ServiceAccount {
  const [, payload = ''] = isJwt(token) ? token.split('.') : [];
  const { iss, sub, aud } = parseJsonObject(Buffer.from(payload, 'base64url').toString('utf8')) ?? {};
  const [issuer, subject] = [asText(iss), asText(sub)];
  if (issuer !== undefined && subject !== undefined) {
    const audiences = [aud].flat().map(asText);
    return { issuer, subject, audiences: audiences.filter((one) => one !== undefined) };
  }
  throw new CredentialError('IDENTITY_INVALID', "the service account's token has no issuer and subject", {
    hint: "check --service-account-issuer of the cluster's API server",
  });
}

/**
 * A token for the other of the two ways would be refused, with an error that does not say why.
 * @throws IDENTITY_INVALID
 */
async function checkAudience(
  { subject, audiences }: ServiceAccount,
  route: ServiceAccountRoute | undefined,
): Promise<void> {
  const { BINDING_AUDIENCE } = await import('../entra/error-codes.ts');
  if (audiences.includes(BINDING_AUDIENCE) === (route !== undefined)) return;
  const described = audiences.length === 0 ? 'no audience' : `the audience ${audiences.join(', ')}`;
  throw new CredentialError(
    'IDENTITY_INVALID',
    `the token of ${subject} has ${described}, which is not for ${route === undefined ? 'Entra ID itself' : 'identity bindings'}`,
    {
      hint:
        route === undefined
          ? 'add --ib-sni-name and --ib-apiserver-ip to "args" of the kubelet\'s configuration, or set "serviceAccountTokenAudience" to api://AzureADTokenExchange'
          : `set "serviceAccountTokenAudience" of the kubelet's configuration to ${BINDING_AUDIENCE}`,
    },
  );
}

/** @returns the first annotation that is not blank. */
function readId(annotations: JsonObject, name: string): NamedId | undefined {
  for (const prefix of PREFIXES) {
    const setting = `${prefix}${name}`;
    const value = asText(annotations[setting])?.trim();
    if (value !== undefined && value !== '') return { value, setting };
  }
  return undefined;
}

function incomplete(account: ServiceAccount, key: string, value: string): CredentialError {
  const what = value === 'CLIENT_ID' ? 'a tenant id but no client id' : 'a client id but no tenant id';
  return new CredentialError('IDENTITY_INVALID', `${account.subject} has ${what}`, {
    hint: annotate(account, key, value),
  });
}

function annotate({ subject }: ServiceAccount, key: string, value: string): string {
  const { namespace, name } = parseSubject(subject);
  return `kubectl annotate serviceaccount -n ${shellWord(namespace)} ${shellWord(name)} --overwrite ${key}=${value}`;
}

function parseSubject(subject: string): { readonly namespace: string; readonly name: string } {
  const [, , namespace = 'NAMESPACE', name = 'NAME'] = subject.split(':');
  return { namespace, name };
}

/** What makes Entra accept the token. @param expected the audience that the registry's cloud wants; unknown in some. */
function adviseTrust({ issuer, subject, audiences }: ServiceAccount, clientId: string, expected?: string): string {
  const audience = expected ?? audiences[0] ?? 'AUDIENCE';
  const { namespace, name } = parseSubject(subject);
  const credential = `${namespace}-${name}`.replace(/[^\w-]/g, '-');
  const create = [
    `az identity federated-credential create --name ${shellWord(credential)}`,
    `--identity-name NAME_OF_${clientId} --resource-group GROUP`,
    `--issuer ${shellWord(issuer)} --subject ${shellWord(subject)} --audiences ${shellWord(audience)}`,
  ].join(' ');
  if (audiences.includes(audience)) return create;
  return `set "serviceAccountTokenAudience" of the kubelet's configuration to ${audience}, and: ${create}`;
}

function adviseBinding({ subject }: ServiceAccount, clientId: string): string {
  return (
    'az aks identity-binding create --resource-group GROUP --cluster-name CLUSTER --name NAME ' +
    `--managed-identity-resource-id ID_OF_${clientId}, and a ClusterRole that allows ${shellWord(subject)} to use-managed-identity ` +
    `on ${clientId} of cid.wi.aks.azure.com`
  );
}
