/**
 * The identity of a pod: its service account, whose token a kubelet passes on, and which an application or managed
 * identity of Entra trusts.
 *
 * @see https://kubernetes.io/docs/tasks/administer-cluster/kubelet-credential-provider/#service-account-token-for-image-pulls
 */

import type { ChosenIdentity } from '../config/identity-settings.ts';
import { checkTenant } from '../entra/authority.ts';
import { readClaims } from '../entra/claims.ts';
import type { TokenRoute } from '../entra/token-endpoint.ts';
import { CredentialError } from '../errors.ts';
import { isGuid } from '../field.ts';
import { createFederatedIdentity, isJwt } from '../identity/federated/federated-identity.ts';
import { joinNames, type TokenContext } from '../identity/identity.ts';
import { asText, type JsonObject } from '../json.ts';
import { shellWord } from '../shell-word.ts';
import type { Runtime } from '../system/runtime.ts';
import type { ProviderRequest } from './request.ts';

/** The prefixes of the annotations: our own, and that of AKS's plug-in. */
const PREFIXES = ['docker-credential-acr/', 'kubernetes.azure.com/acr-'] as const;

/** The annotations that this program reads, as the kubelet's configuration must list them. */
export const ANNOTATIONS: readonly string[] = PREFIXES.flatMap((prefix) => [
  `${prefix}client-id`,
  `${prefix}tenant-id`,
]);

/** What counts where a service account has no annotation. */
export interface ServiceAccountDefaults {
  readonly clientId?: string | undefined;
  readonly tenantId?: string | undefined;
}

/** Another way to a token than Entra itself, for all tokens of this cluster. */
export interface ServiceAccountRoute {
  /** What stands for it in the key of the cache. */
  readonly description: string;
  readonly find: (context: TokenContext) => TokenRoute;
}

/** A service account, as its token says. */
interface ServiceAccount {
  readonly issuer: string;
  /** Such as `system:serviceaccount:NAMESPACE:NAME`. */
  readonly subject: string;
}

/**
 * Finds the identity of a request.
 * @param route the cluster's token proxy, if it has one for pulls.
 * @returns `undefined` when the request has no token of a service account, or nothing names its client id: then the pull
 * is the node's.
 * @throws IDENTITY_INVALID when the token or an annotation cannot be used.
 */
export function findServiceAccountIdentity(
  runtime: Runtime,
  { serviceAccountToken: token, annotations }: ProviderRequest,
  defaults: ServiceAccountDefaults,
  route?: ServiceAccountRoute,
): ChosenIdentity | undefined {
  if (token === undefined) return undefined;
  runtime.secrets.add(token);
  const named = {
    clientId: readAnnotation(annotations, 'client-id'),
    tenantId: readAnnotation(annotations, 'tenant-id'),
  };
  const clientId = named.clientId?.value ?? defaults.clientId;
  if (clientId === undefined && named.tenantId === undefined) return undefined;
  const account = readServiceAccount(token);
  if (clientId === undefined) throw missing(account, 'client-id', 'tenant-id');
  const tenantId = named.tenantId?.value ?? defaults.tenantId;
  if (tenantId === undefined) throw missing(account, 'tenant-id', 'client-id');
  if (!isGuid(clientId)) {
    const where = named.clientId?.key ?? 'the default client id';
    throw new CredentialError('IDENTITY_INVALID', `${where} of ${account.subject} is not the id of an application`, {
      hint: annotate(account, named.clientId?.key ?? `${PREFIXES[1]}client-id`, 'CLIENT_ID'),
    });
  }
  const tenant = checkTenant(tenantId, named.tenantId?.key ?? 'the default tenant id');
  return createChosenIdentity({ token, account, client: { clientId: clientId.toLowerCase(), tenant }, route });
}

interface Parts {
  readonly token: string;
  readonly account: ServiceAccount;
  readonly client: { readonly clientId: string; readonly tenant: string };
  readonly route: ServiceAccountRoute | undefined;
}

function createChosenIdentity({ token, account, client, route }: Parts): ChosenIdentity {
  const source = route === undefined ? 'service-account' : 'identity-binding';
  return {
    name: `the service account ${account.subject}`,
    source,
    tenantId: client.tenant,
    audience: undefined,
    parameters: {},
    findLast: undefined,
    find: (request) =>
      createFederatedIdentity(
        { ...request, parameters: {} },
        {
          source,
          client,
          // The token says nothing here: it changes every hour, and the account stays the same.
          who: joinNames(account.issuer, account.subject, ...(route === undefined ? [] : [route.description])),
          actor: `the token of ${account.subject}`,
          readSecret: () => token,
          isBound: route !== undefined,
          ...(route === undefined ? {} : { findRoute: route.find }),
          getAssertion: async () => token,
        },
      ),
  };
}

/** Reads who the token is for. Entra checks the signature; a kubelet got the token from its API server. */
function readServiceAccount(token: string): ServiceAccount {
  const { iss, sub } = readClaims(isJwt(token) ? token : '');
  const issuer = asText(iss);
  const subject = asText(sub);
  if (issuer !== undefined && subject !== undefined) return { issuer, subject };
  throw new CredentialError('IDENTITY_INVALID', "the service account's token has no issuer and subject", {
    hint: "check --service-account-issuer of the cluster's API server",
  });
}

/** @returns the first annotation that is not blank, with its full name. */
function readAnnotation(annotations: JsonObject, name: string): { key: string; value: string } | undefined {
  for (const prefix of PREFIXES) {
    const key = `${prefix}${name}`;
    const value = asText(annotations[key])?.trim();
    if (value !== undefined && value !== '') return { key, value };
  }
  return undefined;
}

function missing(account: ServiceAccount, name: string, other: string): CredentialError {
  const key = `${PREFIXES[1]}${name}`;
  return new CredentialError(
    'IDENTITY_INVALID',
    `${account.subject} has an annotation for the ${other.replace('-', ' ')}, but none for the ${name.replace('-', ' ')}`,
    { hint: annotate(account, key, name === 'client-id' ? 'CLIENT_ID' : 'TENANT_ID') },
  );
}

function annotate({ subject }: ServiceAccount, key: string, value: string): string {
  const [namespace = 'NAMESPACE', name = 'NAME'] = subject.split(':').slice(2);
  return `kubectl annotate serviceaccount -n ${shellWord(namespace)} ${shellWord(name)} --overwrite ${key}=${value}`;
}
