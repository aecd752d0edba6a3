/** Everything the emulated services remember: tenants with their applications, and registries. Tests may change it while it runs. */
import type { KeyObject } from 'node:crypto';
import type { AzureHost } from './hosts.ts';
import type { Occasion } from './message.ts';
import { createSignIn, type SignIn } from './state-sign-in.ts';

export const TENANT_ID = '72f988bf-86f1-41af-91ab-2d7cd011db47';
export const TENANT_NAME = 'contoso.onmicrosoft.com';
export const CLIENT_ID = '11111111-2222-4333-8444-555555555555';
/** Every character that a form encoder can get wrong. */
export const CLIENT_SECRET = 'abc8Q~x._-y+/z=&1%2Bw_~9';
export const OBJECT_ID = '99999999-8888-4777-8666-555555555555';
/** The public client that every Azure developer tool signs in with. */
export const AZURE_CLI_CLIENT_ID = '04b07795-8ddb-461a-bbee-02f9e1bf7b46';
/** Another public client, of the same family. */
export const AZURE_POWERSHELL_CLIENT_ID = '1950a258-227b-4e31-a9cf-717495945fc2';
export const SUBSCRIPTION_ID = 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee';
export const ACR_AUDIENCE = 'https://containerregistry.azure.net';
export const NULL_GUID = '00000000-0000-0000-0000-000000000000';

export interface ClientSecret {
  readonly value: string;
  /** Seconds since the epoch. */
  readonly expiresAtSeconds?: number;
}

export interface ClientCertificate {
  /** base64url of the SHA-256 of the DER. */
  readonly thumbprint: string;
  /** The same of the SHA-1, by which older clients name it. */
  readonly sha1Thumbprint: string;
  readonly publicKey: KeyObject;
}

/** Trust in another issuer's tokens; all three texts are compared case-sensitively. */
export interface FederatedCredential {
  readonly issuer: string;
  readonly subject: string;
  readonly audience: string;
  readonly publicKey: KeyObject;
}

export interface Application {
  readonly clientId: string;
  objectId: string;
  secrets: ClientSecret[];
  certificates: ClientCertificate[];
  federatedCredentials: FederatedCredential[];
  enabled: boolean;
  /** A native client, which signs people in and holds no secret. */
  readonly isPublic: boolean;
}

export interface Subscription {
  readonly id: string;
  readonly name: string;
}

export interface Tenant {
  readonly id: string;
  readonly name: string;
  /** By lower-case client id. */
  readonly applications: Map<string, Application>;
  /** Resources with a service principal in this tenant, without trailing slash. */
  readonly resources: Set<string>;
  /** The subscriptions that every identity of the tenant sees; a registry's resource names one. */
  subscriptions: readonly Subscription[];
  /** Authorities that know the tenant; `undefined` means all, as if it existed in every cloud. */
  authorities: readonly string[] | undefined;
}

export type RegistryAction = 'pull' | 'push' | 'delete' | 'catalog';

export interface Role {
  readonly actions: readonly RegistryAction[];
  /** Exact repository names the role is limited to; only honoured in ABAC mode, as an assignment's condition. */
  readonly repositories?: readonly string[];
}

export interface RepositoryToken {
  /** Up to two passwords. */
  readonly passwords: readonly string[];
  /** Repository name to Docker actions, such as `content/read` made `pull`. */
  readonly scopeMap: Readonly<Record<string, readonly string[]>>;
}

export interface Registry {
  readonly loginServer: string;
  mode: 'rbac' | 'abac';
  /** By object id. */
  readonly roles: Map<string, Role>;
  /** For every identity that `roles` does not name. */
  defaultRole: Role;
  anonymousPull: boolean;
  /** The client address of the refusal; set means that every path answers 403. */
  firewall: string | undefined;
  /** The audience of the Entra tokens that it takes, which an operator's own cloud may choose. */
  audience: string;
  /** Whether an ARM-audience token is taken at the exchange. */
  armTokens: boolean;
  adminUser: { readonly username: string; readonly passwords: readonly string[] } | undefined;
  /** By token name. */
  readonly repositoryTokens: Map<string, RepositoryToken>;
  /** Raise it, or change `mode`, and every token issued before is refused. */
  epoch: number;
  /** Entra tokens of another tenant are refused. */
  homeTenant: string;
  /** Refuses exchanges with an empty body, as the service sometimes does. */
  emptyRefusals: boolean;
  /** Whether refusals end in `CorrelationId: …`, as the service of today does. */
  correlationIds: boolean;
  /** Whether `grant_type=password` takes the null GUID, as the service does. */
  nullGuidPassword: boolean;
  /** The lifetime of a refresh token; 10800 in the real service. */
  refreshTokenSeconds: number;
  /** The lifetime of an access token; 4500 in the real service. */
  accessTokenSeconds: number;
  /** Where its resource is: visible to the tenants that have the subscription. */
  resource: RegistryResource;
}

export interface RegistryResource {
  readonly subscriptionId: string;
  readonly resourceGroup: string;
  readonly location: string;
}

/** How Azure Resource Graph answers. */
export interface ResourceGraph {
  /** How many queries a user may send within a window of five seconds; 15 in the real service. */
  quota: number;
  /** When each user's queries came, in seconds since the epoch. */
  readonly queries: Map<string, readonly number[]>;
  /** Whether identities lack every role that lets them list resources. */
  isDenied: boolean;
}

export interface EmulatorState {
  /** By lower-case GUID. */
  readonly tenants: Map<string, Tenant>;
  /** By global login server; see {@link registryOf}, which creates on demand. */
  readonly registries: Map<string, Registry>;
  /** Global login servers that do not exist: their hosts are refused as an unknown name would be. */
  readonly missingRegistries: Set<string>;
  /** Hosts beyond Azure's own, such as a custom domain or an operator's authority. */
  readonly extraHosts: Map<string, AzureHost>;
  /** Whether a certificate's assertion is taken only once. */
  refuseReplayedAssertions: boolean;
  readonly seenAssertionIds: Set<string>;
  readonly resourceGraph: ResourceGraph;
  /** Who signs in interactively, and with what outcome. */
  readonly signIn: SignIn;
  /** What Entra puts into `expires_in`. */
  entraTokenSeconds: number;
  /** Registry mode and epoch under which an ACR token was issued, by `jti`. */
  readonly tokenGenerations: Map<string, string>;
  /** Tokens issued and assertions received so far. */
  readonly issuedSecrets: Set<string>;
}

/** What a handler knows besides the request. */
export interface Context extends Occasion {
  readonly state: EmulatorState;
}

/** Adds an application to a tenant, with one secret when it is given. */
export function addApplication(
  tenant: Tenant,
  application: {
    readonly clientId: string;
    readonly objectId: string;
    readonly secret?: string;
    readonly isPublic?: boolean;
  },
): Application {
  const added: Application = {
    clientId: application.clientId,
    objectId: application.objectId,
    secrets: application.secret === undefined ? [] : [{ value: application.secret }],
    certificates: [],
    federatedCredentials: [],
    enabled: true,
    isPublic: application.isPublic ?? false,
  };
  tenant.applications.set(application.clientId.toLowerCase(), added);
  return added;
}

/** Adds a tenant that knows ACR, ARM and Graph but no application. */
export function addTenant(state: EmulatorState, id: string, name: string): Tenant {
  const tenant: Tenant = {
    id,
    name,
    applications: new Map(),
    resources: new Set([ACR_AUDIENCE, ...ARM_AUDIENCES, 'https://graph.microsoft.com']),
    subscriptions: [{ id: SUBSCRIPTION_ID, name: 'Emulated' }],
    authorities: undefined,
  };
  state.tenants.set(id.toLowerCase(), tenant);
  return tenant;
}

/** The ARM audiences of the clouds, without trailing slash. */
export const ARM_AUDIENCES: readonly string[] = [
  'https://management.azure.com',
  'https://management.core.windows.net',
  'https://management.usgovcloudapi.net',
  'https://management.core.usgovcloudapi.net',
  'https://management.chinacloudapi.cn',
  'https://management.core.chinacloudapi.cn',
  'https://management.microsoftazure.de',
  'https://management.core.cloudapi.de',
];

/** One tenant with one application, and no registry yet. */
export function createState(): EmulatorState {
  const state: EmulatorState = {
    tenants: new Map(),
    registries: new Map(),
    missingRegistries: new Set(),
    extraHosts: new Map(),
    refuseReplayedAssertions: true,
    seenAssertionIds: new Set(),
    resourceGraph: { quota: 15, queries: new Map(), isDenied: false },
    signIn: createSignIn(TENANT_ID),
    entraTokenSeconds: 3599,
    tokenGenerations: new Map(),
    issuedSecrets: new Set(),
  };
  const tenant = addTenant(state, TENANT_ID, TENANT_NAME);
  addApplication(tenant, { clientId: CLIENT_ID, objectId: OBJECT_ID, secret: CLIENT_SECRET });
  for (const clientId of [AZURE_CLI_CLIENT_ID, AZURE_POWERSHELL_CLIENT_ID]) {
    addApplication(tenant, { clientId, objectId: clientId, isPublic: true });
  }
  return state;
}

/** The registry of a global login server; it comes into being when it is first asked for. */
export function registryOf(state: EmulatorState, loginServer: string): Registry {
  const known = state.registries.get(loginServer);
  if (known !== undefined) {
    return known;
  }
  const registry: Registry = {
    loginServer,
    mode: 'rbac',
    roles: new Map(),
    defaultRole: { actions: ['pull', 'push', 'delete', 'catalog'] },
    anonymousPull: false,
    firewall: undefined,
    audience: ACR_AUDIENCE,
    armTokens: true,
    adminUser: undefined,
    repositoryTokens: new Map(),
    epoch: 0,
    homeTenant: TENANT_ID,
    emptyRefusals: false,
    correlationIds: true,
    nullGuidPassword: true,
    refreshTokenSeconds: 10_800,
    accessTokenSeconds: 4500,
    resource: { subscriptionId: SUBSCRIPTION_ID, resourceGroup: 'emulated', location: 'westeurope' },
  };
  state.registries.set(loginServer, registry);
  return registry;
}

/** The tenant of a GUID or a name. */
export function findTenant(state: EmulatorState, idOrName: string): Tenant | undefined {
  const wanted = idOrName.toLowerCase();
  return state.tenants.get(wanted) ?? [...state.tenants.values()].find(({ name }) => name.toLowerCase() === wanted);
}

/** Every secret that is configured, and every token issued so far. */
export function listSecrets(state: EmulatorState): string[] {
  const applications = [...state.tenants.values()].flatMap((tenant) => [...tenant.applications.values()]);
  const registries = [...state.registries.values()];
  return [
    ...applications.flatMap(({ secrets }) => secrets.map(({ value }) => value)),
    ...registries.flatMap(({ adminUser }) => adminUser?.passwords ?? []),
    ...registries.flatMap(({ repositoryTokens }) => [...repositoryTokens.values()].flatMap((token) => token.passwords)),
    ...state.issuedSecrets,
    // An empty text would be found in everything.
  ].filter((secret) => secret !== '');
}
