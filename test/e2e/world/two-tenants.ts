/** Two tenants with an application in each, as for somebody who works for two companies. */
import { createClientCertificate, parseClientCertificate } from '../../emulator/certificates.ts';
import {
  type Application,
  AZURE_CLI_CLIENT_ID,
  addApplication,
  addTenant,
  CLIENT_ID,
  CLIENT_SECRET,
  findTenant,
  OBJECT_ID,
  registryOf,
  SUBSCRIPTION_ID,
  TENANT_ID,
  type Tenant,
} from '../../emulator/state.ts';
import type { Account } from './azure-cli.ts';
import type { Cloud } from './cloud.ts';

export const SECOND_SUBSCRIPTION_ID = 'bbbbbbbb-bbbb-4ccc-8ddd-eeeeeeeeeeee';
/** A registry of the second tenant; all others belong to the first. */
export const OTHER_SERVER = 'fabrikam.azurecr.io';

export interface Party {
  readonly tenant: Tenant;
  readonly application: Application;
  readonly account: Account;
  readonly objectId: string;
  readonly subscriptionId: string;
}

export interface TwoTenants {
  /** It has a subscription "Second one" beside its first. */
  readonly contoso: Party;
  readonly fabrikam: Party;
  /** The certificate of the second tenant's application, with its key. */
  readonly pem: string;
}

/** Adds the second tenant to the initial one of an emulator. */
export async function addSecondTenant({ emulator: { state } }: Cloud): Promise<TwoTenants> {
  const contoso = findTenant(state, TENANT_ID);
  const application = contoso?.applications.get(CLIENT_ID);
  if (contoso === undefined || application === undefined) throw new Error('The emulator begins with an application');
  contoso.subscriptions = [...contoso.subscriptions, { id: SECOND_SUBSCRIPTION_ID, name: 'Second one' }];

  const fabrikam = addTenant(state, 'dddddddd-86f1-41af-91ab-2d7cd011db47', 'fabrikam.onmicrosoft.com');
  const subscriptionId = 'cccccccc-bbbb-4ccc-8ddd-eeeeeeeeeeee';
  fabrikam.subscriptions = [{ id: subscriptionId, name: 'Fabrikam' }];
  // Microsoft's own client is in every tenant.
  addApplication(fabrikam, { clientId: AZURE_CLI_CLIENT_ID, objectId: AZURE_CLI_CLIENT_ID, isPublic: true });
  const other = { clientId: '22222222-2222-4333-8444-555555555555', objectId: '77777777-8888-4777-8666-555555555555' };
  const secret = 'zzz8Q~fabrikam-secret_~1';
  const otherApplication = addApplication(fabrikam, { ...other, secret });
  const { certificatePem, privateKeyPem } = await createClientCertificate();
  otherApplication.certificates.push(parseClientCertificate(certificatePem));
  registryOf(state, OTHER_SERVER).homeTenant = fabrikam.id;

  // They stay secret after they are revoked.
  for (const one of [CLIENT_SECRET, secret, ...listKeyLines(privateKeyPem)]) state.issuedSecrets.add(one);
  return {
    contoso: {
      tenant: contoso,
      application,
      account: { clientId: CLIENT_ID, tenantId: contoso.id, secret: CLIENT_SECRET },
      objectId: OBJECT_ID,
      subscriptionId: SUBSCRIPTION_ID,
    },
    fabrikam: {
      tenant: fabrikam,
      application: otherApplication,
      account: { clientId: other.clientId, tenantId: fabrikam.id, secret },
      objectId: other.objectId,
      subscriptionId,
    },
    pem: privateKeyPem + certificatePem,
  };
}

/** The lines of a PEM text that hold a key: none of them may be printed. */
export function listKeyLines(privateKeyPem: string): readonly string[] {
  return privateKeyPem.split('\n').filter((line) => /^[\w+/=]{8,}$/.test(line));
}
