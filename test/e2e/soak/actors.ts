/** Who asks for which registry, and whose token the answer must be. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { addApplication, findTenant, registryOf, TENANT_ID } from '../../emulator/state.ts';
import type { Cloud } from '../world/cloud.ts';
import { installIdentities } from '../world/identities.ts';
import type { Machine } from '../world/machine.ts';
import { addSecondTenant, OTHER_SERVER } from '../world/two-tenants.ts';

export interface Actor {
  readonly name: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly servers: readonly string[];
  /** The object id and the tenant in each token that it may get; `undefined` when it must never get one. */
  readonly owner: { readonly subject: string; readonly tenant: string } | undefined;
}

export interface Actors {
  readonly all: readonly Actor[];
  /** The variable that names the configuration, which the actors have too. */
  readonly settings: Readonly<Record<string, string>>;
  /** Gives the command a token that is still valid. */
  readonly refreshCommandToken: (lifeSeconds: number) => void;
  readonly close: () => Promise<void>;
}

/** A registry whose tokens always live for hours, so that only losses explain a second sign-in. */
export const CALM_SERVER = 'gamma.azurecr.io';
/** A registry whose tokens are cached for some seconds, and then renewed. */
export const STEADY_SERVER = 'alpha.azurecr.io';
/** The configuration asks for an access token with this scope there. */
export const SCOPED_SERVER = 'delta.azurecr.io';
export const SCOPE = 'repository:team/app:pull';
const COMMAND_SERVER = 'comma.azurecr.io';
const PLAIN_SERVERS = [STEADY_SERVER, 'bravo.azurecr.io', SCOPED_SERVER, CALM_SERVER];

/** The form of a token request is the same for each: a client, a tenant and a secret. */
const principal = (tenant: string, clientId: string, secret: string) => ({
  ...{ AZURE_TENANT_ID: tenant, AZURE_CLIENT_ID: clientId, AZURE_CLIENT_SECRET: secret },
});

/** Adds the identities to the cloud, and their files to a machine. */
export async function createActors(cloud: Cloud, machine: Machine): Promise<Actors> {
  const { state } = cloud.emulator;
  const { contoso, fabrikam } = await addSecondTenant(cloud);
  const identities = await installIdentities(cloud);
  const tenant = findTenant(state, TENANT_ID);
  if (tenant === undefined) throw new Error('The emulator begins with a tenant');
  const second = { clientId: '33333333-2222-4333-8444-555555555555', objectId: 'aaaaaaaa-8888-4777-8666-555555555555' };
  const robot = { clientId: '44444444-2222-4333-8444-555555555555', objectId: 'bbbbbbbb-8888-4777-8666-555555555555' };
  addApplication(tenant, { ...second, secret: 'qqq8Q~second-secret_~1' });
  addApplication(tenant, { ...robot, secret: 'rrr8Q~robots-secret_~1' });
  state.issuedSecrets.add('not-the-secret-Q~1');
  registryOf(state, OTHER_SERVER).homeTenant = fabrikam.tenant.id;

  const tokenFile = join(machine.folder, 'command-token');
  const refreshCommandToken = (lifeSeconds: number) => {
    const token = cloud.emulator.entraToken({ ...robot, seconds: lifeSeconds });
    writeFileSync(tokenFile, token, { mode: 0o600 });
  };
  refreshCommandToken(3600);
  const settings = machine.configure({
    store: 'file',
    registries: {
      [SCOPED_SERVER]: { secret: 'access-token', scope: SCOPE },
      [COMMAND_SERVER]: { identity: { type: 'command', command: ['/bin/cat', tokenFile] } },
    },
  });
  const own = (objectId: string) => ({ subject: objectId, tenant: TENANT_ID });
  const all = [
    {
      name: 'contoso',
      environment: principal(TENANT_ID, contoso.account.clientId, contoso.account.secret ?? ''),
      servers: [...PLAIN_SERVERS, OTHER_SERVER],
      owner: own(contoso.objectId),
    },
    {
      name: 'second',
      environment: principal(TENANT_ID, second.clientId, 'qqq8Q~second-secret_~1'),
      servers: PLAIN_SERVERS,
      owner: own(second.objectId),
    },
    {
      name: 'fabrikam',
      environment: principal(fabrikam.tenant.id, fabrikam.account.clientId, fabrikam.account.secret ?? ''),
      servers: [OTHER_SERVER, CALM_SERVER],
      owner: { subject: fabrikam.objectId, tenant: fabrikam.tenant.id },
    },
    {
      name: 'federated',
      environment: identities.workloadIdentity(machine).environment,
      servers: PLAIN_SERVERS,
      owner: own(contoso.objectId),
    },
    { name: 'command', environment: {}, servers: [COMMAND_SERVER], owner: own(robot.objectId) },
    {
      name: 'wrong',
      environment: principal(TENANT_ID, robot.clientId, 'not-the-secret-Q~1'),
      servers: PLAIN_SERVERS,
      owner: undefined,
    },
  ];
  return {
    all: all.map((actor) => ({ ...actor, environment: { ...actor.environment, ...settings } })),
    settings,
    refreshCommandToken,
    close: () => identities.close(),
  };
}
