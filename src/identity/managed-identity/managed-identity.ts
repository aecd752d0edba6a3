/** Signs in with the managed identity of the Azure service that runs the program. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CredentialError } from '../../errors.ts';
import { guid, text, type Values } from '../../field.ts';
import type { NotSetUp } from '../../not-set-up.ts';
import { type Runtime, readVariable } from '../../system/runtime.ts';
import { parseUrl } from '../../url.ts';
import { defineSource, type Identity, type IdentityRequest } from '../identity.ts';
import type { NamedEndpoint, RequestManagedIdentityToken, Selector } from './request.ts';

/** The code for each kind is loaded only when it signs in. */
const KINDS = {
  'service-fabric': async () => (await import('./service-fabric.ts')).requestServiceFabricToken,
  'app-service': async () => (await import('./app-service.ts')).requestAppServiceToken,
  'azure-ml': async () => (await import('./azure-ml.ts')).requestAzureMlToken,
  'cloud-shell': async () => (await import('./cloud-shell.ts')).requestCloudShellToken,
  'azure-arc': async () => (await import('./azure-arc.ts')).requestAzureArcToken,
  imds: async () => (await import('./imds.ts')).requestImdsToken,
} satisfies Readonly<Record<string, () => Promise<RequestManagedIdentityToken>>>;

interface TokenServer {
  readonly kind: keyof typeof KINDS;
  readonly endpoint: NamedEndpoint;
  /** The variable with the secret that each request must contain. */
  readonly secretVariable?: string;
  /** The identity that the platform names; used if the user names none. */
  readonly selector?: Selector | undefined;
}

const ARC_ENDPOINT = 'http://127.0.0.1:40342/metadata/identity/oauth2/token';
const IMDS_ENDPOINT = 'http://169.254.169.254';
const SELECTORS = ['clientId', 'objectId', 'resourceId'] as const;

const FIELDS = {
  clientId: guid('User-assigned managed identity, by client id.', 'the id of an application or a managed identity'),
  objectId: guid('User-assigned managed identity, by object id.', "a managed identity's object id"),
  resourceId: text(
    'User-assigned managed identity, by resource id.',
    'a resource id: "/subscriptions/…"',
    '^/[sS][uU][bB][sS][cC][rR][iI][pP][tT][iI][oO][nN][sS]/[A-Za-z0-9_-]+/[A-Za-z0-9_.()/ -]+$',
  ),
};

type Request = IdentityRequest<Values<typeof FIELDS>>;

/**
 * The source for managed identities. The metadata service is tried after all other sources, since only a request can
 * show whether it exists.
 */
export const MANAGED_IDENTITY = defineSource({
  name: 'managed-identity',
  aliases: ['ManagedIdentityCredential'],
  group: 'prod',
  summary: 'the identity of an App Service, a virtual machine, an AKS node, Azure Arc …',
  fields: FIELDS,
  find: findManagedIdentity,
  findLast: findImds,
});

/**
 * Finds the managed identity that the environment or an installed agent provides. If there is none, and the user chose
 * managed identity, it is that of the metadata service.
 * @throws IDENTITY_INVALID when the configuration names more than one identity.
 */
function findManagedIdentity(request: Request): Identity | NotSetUp {
  const server = findServer(request.runtime);
  if (server !== undefined) return createIdentity(request, server);
  if (request.isChosen) return createIdentity(request, findImdsServer(request.runtime));
  return { notSetUp: 'the environment names no managed identity' };
}

/** Finds the metadata service's identity, if nothing else was found. */
function findImds(request: Request): Identity | NotSetUp {
  if (request.isChosen || findServer(request.runtime) !== undefined) {
    return { notSetUp: 'another kind of managed identity comes first' };
  }
  return createIdentity(request, findImdsServer(request.runtime));
}

/** The order is the same as in Microsoft's own libraries, so that every tool on a machine finds the same identity. */
function findServer(runtime: Runtime): TokenServer | undefined {
  const isSet = (name: string) => readVariable(runtime, name) !== undefined;
  const identityEndpoint = namedEndpoint(runtime, 'IDENTITY_ENDPOINT');
  if (identityEndpoint !== undefined && isSet('IDENTITY_HEADER')) {
    const kind = isSet('IDENTITY_SERVER_THUMBPRINT') ? 'service-fabric' : 'app-service';
    return { kind, endpoint: identityEndpoint, secretVariable: 'IDENTITY_HEADER' };
  }
  const msiEndpoint = namedEndpoint(runtime, 'MSI_ENDPOINT');
  if (msiEndpoint !== undefined && isSet('MSI_SECRET')) {
    const selector = readSelector(runtime, 'DEFAULT_IDENTITY_CLIENT_ID');
    return { kind: 'azure-ml', endpoint: msiEndpoint, secretVariable: 'MSI_SECRET', selector };
  }
  if (msiEndpoint !== undefined) return { kind: 'cloud-shell', endpoint: msiEndpoint };
  if (identityEndpoint !== undefined && isSet('IMDS_ENDPOINT')) {
    return { kind: 'azure-arc', endpoint: identityEndpoint };
  }
  if (!hasArcAgent(runtime)) return undefined;
  return { kind: 'azure-arc', endpoint: { url: ARC_ENDPOINT, variable: undefined } };
}

function findImdsServer(runtime: Runtime): TokenServer {
  const named = namedEndpoint(runtime, 'AZURE_POD_IDENTITY_AUTHORITY_HOST');
  return { kind: 'imds', endpoint: named ?? { url: IMDS_ENDPOINT, variable: undefined } };
}

/** Whether the agent's service is installed. A program may run without the agent's variables. */
function hasArcAgent(runtime: Runtime): boolean {
  if (runtime.platform === 'linux') return existsSync('/opt/azcmagent/bin/himds');
  const programs = runtime.platform === 'win32' ? readVariable(runtime, 'ProgramFiles') : undefined;
  return programs !== undefined && existsSync(join(programs, 'AzureConnectedMachineAgent', 'himds.exe'));
}

function createIdentity(request: Request, { kind, endpoint, secretVariable, selector }: TokenServer): Identity {
  const { runtime, isChosen } = request;
  const chosen = findSelector(request) ?? selector;
  const host = parseUrl(endpoint.url)?.host ?? 'nowhere';
  const who = chosen === undefined ? 'system-assigned' : `${chosen.parameter} ${chosen.value.toLowerCase()}`;
  return {
    source: MANAGED_IDENTITY.name,
    description: `${MANAGED_IDENTITY.name} ${kind} ${host} ${who}`,
    ...(secretVariable === undefined ? {} : { readSecret: () => readVariable(runtime, secretVariable) ?? '' }),
    // There may be no metadata service.
    ...(kind === 'imds' && !isChosen ? {} : { origins: [] }),
    getToken: async (context) => {
      const requestToken: RequestManagedIdentityToken = await KINDS[kind]();
      return await requestToken(context, { endpoint, selector: chosen, isChosen });
    },
  };
}

/** Finds the identity that the configuration or another program's file names, else `AZURE_CLIENT_ID`. */
function findSelector({ runtime, parameters, foreignFile }: Request): Selector | undefined {
  const named = SELECTORS.flatMap((parameter): Selector[] => {
    const value = parameters[parameter];
    return value === undefined ? [] : [{ parameter, value, origin: `"${foreignFile?.keyOf(parameter) ?? parameter}"` }];
  });
  const [selector, other] = named;
  if (selector === undefined) return foreignFile === undefined ? readSelector(runtime, 'AZURE_CLIENT_ID') : undefined;
  if (other === undefined) return selector;
  throw new CredentialError('IDENTITY_INVALID', `the configuration names a managed identity by more than one id`, {
    hint: `keep one of ${named.map(({ origin }) => origin).join(', ')}`,
  });
}

function readSelector(runtime: Runtime, variable: string): Selector | undefined {
  const value = readVariable(runtime, variable);
  return value === undefined ? undefined : { parameter: 'clientId', value, origin: variable };
}

function namedEndpoint(runtime: Runtime, variable: string): NamedEndpoint | undefined {
  const url = readVariable(runtime, variable);
  return url === undefined ? undefined : { url, variable };
}
