/** A service that gives machines of an emulated cloud their managed identities. */
import type { ManagedIdentityState } from '../../emulator/managed-identity.ts';
import { type ManagedIdentityServer, startManagedIdentityServer } from '../../emulator/managed-identity-server.ts';
import type { Cloud } from './cloud.ts';

/** What differs from machine to machine: who it can be, and the secret of a request. */
export type MachineIdentities = Pick<ManagedIdentityState, 'systemAssigned' | 'userAssigned' | 'secret'>;

export function startMetadataService(cloud: Cloud, identities: MachineIdentities): Promise<ManagedIdentityServer> {
  return startManagedIdentityServer({
    ...identities,
    refusedAudiences: new Set(),
    writeEnd: undefined,
    arcKey: '',
    arcChallenge: '',
    isArcAgentNew: true,
    issue: (audience, { clientId, objectId }) => cloud.emulator.entraToken({ audience, clientId, objectId }),
    nowSeconds: () => Math.floor(Date.now() / 1000),
  });
}
