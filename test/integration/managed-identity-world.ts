/** A world with the managed identity services of every kind of Azure host. */

import { mkdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { CLIENT_ID, OBJECT_ID } from '../emulator/emulator.ts';
import { type AssignedIdentity, PATHS } from '../emulator/managed-identity.ts';
import { type ManagedIdentityServer, startManagedIdentityServer } from '../emulator/managed-identity-server.ts';
import { NOT_FOUND, parseAnswer, REGISTRY, World } from './world.ts';

export const AUDIENCE = 'https://containerregistry.azure.net';
export const ARM = 'https://management.azure.com';
export const SECRET = 'identity-header-4c1f-secret';
export const ARC_KEY = 'arc-key-9b7d2c-secret';
export const ARC_FOLDER = '/var/opt/azcmagent/tokens';

const OWN: AssignedIdentity = {
  clientId: CLIENT_ID,
  objectId: OBJECT_ID,
  resourceId: '/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm',
};
/** A user-assigned identity. */
export const OTHER: AssignedIdentity = {
  clientId: 'cccccccc-2222-4333-8444-555555555555',
  objectId: 'dddddddd-2222-4333-8444-555555555555',
  resourceId: '/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/other',
};

export type Variables = Record<string, string | undefined>;
export const KINDS = ['app service', 'azure ml', 'cloud shell', 'service fabric', 'azure arc', 'imds'] as const;
export type Kind = (typeof KINDS)[number];

/** The answer of a gateway for an address that nobody has. */
export const TRAP = { status: 403, headers: { 'Content-Type': 'text/plain' }, body: 'Host not in allowlist' };

/** Why a test is skipped when the key file of an Azure Arc agent cannot be created. */
export const NEEDS_ROOT = `only root can make ${ARC_FOLDER}`;

/** A transient failure, after which a retry succeeds. */
export function passing(status: number) {
  return { status, headers: { 'Retry-After': '0' }, body: '{"error":"busy"}' };
}

export class ManagedIdentityWorld {
  readonly world: World;
  readonly server: ManagedIdentityServer;
  /** The key file, which no other test file shares. */
  readonly arcFile: string;
  readonly hasArcFolder: boolean;

  static async start(name: string): Promise<ManagedIdentityWorld> {
    const world = await World.start();
    const arcFile = `${ARC_FOLDER}/docker-credential-acr-${name}.key`;
    const server = await startManagedIdentityServer({
      systemAssigned: OWN,
      userAssigned: [OTHER],
      secret: SECRET,
      refusedAudiences: new Set(),
      writeEnd: undefined,
      arcKey: ARC_KEY,
      arcChallenge: `Basic realm=${arcFile}`,
      isArcAgentNew: true,
      issue: (audience, { clientId, objectId }) => world.emulator.entraToken({ audience, clientId, objectId }),
      nowSeconds: () => Math.floor(Date.now() / 1000) + world.aheadSeconds,
    });
    for (const secret of [SECRET, ARC_KEY]) world.emulator.state.issuedSecrets.add(secret);
    return new ManagedIdentityWorld(world, server, arcFile);
  }

  private constructor(world: World, server: ManagedIdentityServer, arcFile: string) {
    this.world = world;
    this.server = server;
    this.arcFile = arcFile;
    this.hasArcFolder = this.#writeArcKey();
  }

  reset(): void {
    const { world, server } = this;
    world.reset();
    server.reset();
    server.state.refusedAudiences.clear();
    Object.assign(server.state, {
      systemAssigned: OWN,
      writeEnd: undefined,
      arcChallenge: `Basic realm=${this.arcFile}`,
      isArcAgentNew: true,
    });
    this.#writeArcKey();
  }

  /** The variables of the host, and a proxy for everything that may use one. */
  environment(kind: Kind): Variables {
    const { server, world } = this;
    const own: Readonly<Record<Kind, Variables>> = {
      'app service': { IDENTITY_ENDPOINT: `${server.url}${PATHS.appService}`, IDENTITY_HEADER: SECRET },
      'azure ml': { MSI_ENDPOINT: `${server.url}${PATHS.azureMl}`, MSI_SECRET: SECRET },
      'cloud shell': { MSI_ENDPOINT: `${server.url}${PATHS.cloudShell}` },
      'service fabric': {
        IDENTITY_ENDPOINT: `${server.secureUrl}${PATHS.serviceFabric}`,
        IDENTITY_HEADER: SECRET,
        IDENTITY_SERVER_THUMBPRINT: server.thumbprint,
      },
      'azure arc': { IDENTITY_ENDPOINT: `${server.url}${PATHS.azureArc}`, IMDS_ENDPOINT: server.url },
      imds: {},
    };
    return {
      // Nothing of these tests may go to a machine's real metadata service.
      AZURE_POD_IDENTITY_AUTHORITY_HOST: server.url,
      ALL_PROXY: world.emulator.proxyUrl,
      NO_PROXY: '',
      no_proxy: '',
      ...own[kind],
    };
  }

  /** Configures managed identity, with that id of the user-assigned identity when `parameter` is given. */
  choose(parameter?: keyof AssignedIdentity): void {
    const parameters = parameter === undefined ? {} : { [parameter]: OTHER[parameter] };
    this.world.configure({ [REGISTRY]: { identity: { type: 'managed-identity', ...parameters } } });
  }

  /** Runs `get` and expects an answer. */
  async get(variables: Variables): Promise<string> {
    const { exitCode, stdout, stderr } = await this.world.run('get', REGISTRY, variables);
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
    return parseAnswer(stdout).Secret;
  }

  /** Runs `get` and expects a failure that the user can act on. */
  async fail(variables: Variables): Promise<string> {
    const nobody = { AZURE_TENANT_ID: undefined, AZURE_CLIENT_ID: undefined, AZURE_CLIENT_SECRET: undefined };
    return (await this.world.fail(REGISTRY, { ...nobody, ...variables })).stderr;
  }

  /** Runs `get` and expects not found, so that an anonymous pull can follow. */
  async expectNotFound(variables: Variables): Promise<string> {
    const { exitCode, stdout, stderr } = await this.world.run('get', REGISTRY, variables);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: NOT_FOUND });
    return stderr;
  }

  /** The audiences that were asked for, each once. */
  audiences(): string[] {
    const resources = this.server.requests.map(({ query, form }) => query['resource'] ?? form['resource'] ?? '');
    return [...new Set(resources)];
  }

  async stop(): Promise<void> {
    rmSync(this.arcFile, { force: true });
    for (const folder of [ARC_FOLDER, '/var/opt/azcmagent']) {
      try {
        rmdirSync(folder); // an agent's own folder is not empty
      } catch {
        break;
      }
    }
    await Promise.all([this.server.close(), this.world.stop()]);
  }

  /** @returns whether the key was written: only root may create the folder of the agent. */
  #writeArcKey(): boolean {
    try {
      mkdirSync(ARC_FOLDER, { recursive: true });
      writeFileSync(this.arcFile, ARC_KEY);
      return true;
    } catch {
      return false;
    }
  }
}

/** Starts the world of a test file, clean before each test and searched for secrets after it. */
export function useManagedIdentityWorld(name: string): () => ManagedIdentityWorld {
  let current: ManagedIdentityWorld | undefined;
  const get = () => {
    if (current === undefined) throw new Error('The world starts before the first test');
    return current;
  };
  beforeAll(async () => {
    current = await ManagedIdentityWorld.start(name);
  });
  beforeEach(() => get().reset());
  afterEach(() => get().world.expectNoLeak());
  afterAll(() => get().stop());
  return get;
}
