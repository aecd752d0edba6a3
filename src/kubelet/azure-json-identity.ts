/** The identity that azure.json names, as one of the sources of this program. */

import type { ChosenIdentity } from '../config/identity-settings.ts';
import { CredentialError } from '../errors.ts';
import { assertValues } from '../field.ts';
import { WORKLOAD_IDENTITY } from '../identity/federated/workload-identity.ts';
import type { IdentitySource, ReadFields } from '../identity/identity.ts';
import { MANAGED_IDENTITY } from '../identity/managed-identity/managed-identity.ts';
import { CLIENT_CERTIFICATE } from '../identity/service-principal/client-certificate.ts';
import { CLIENT_SECRET } from '../identity/service-principal/client-secret.ts';
import type { JsonObject } from '../json.ts';
import type { Registry } from '../registry.ts';
import type { NodeCloud } from './azure-environment.ts';
import { type AzureJson, type AzureJsonKey, invalidFile, refuseValue } from './azure-json.ts';

/** The file and what it says. */
export interface NodeFile {
  readonly file: string;
  readonly json: AzureJson;
  readonly cloud: NodeCloud | undefined;
}

/** How the file names the identity of a source. */
interface Plan {
  readonly source: IdentitySource;
  /** The key that stands for each parameter. All but those of the managed identity must be there. */
  readonly keys: Readonly<Record<string, AzureJsonKey>>;
  /** The key that holds the secret. */
  readonly secretKey?: AzureJsonKey;
  /** The parameters that no key names. */
  readonly more?: JsonObject;
}

const CLIENT = { clientId: 'aadClientId', tenantId: 'tenantId' } as const;
const FEDERATED: Plan = { source: WORKLOAD_IDENTITY, keys: { ...CLIENT, tokenFile: 'aadFederatedTokenFile' } };
const CERTIFICATE: Plan = {
  source: CLIENT_CERTIFICATE,
  keys: { ...CLIENT, certificatePath: 'aadClientCertPath' },
  secretKey: 'aadClientCertPassword',
  more: { sendCertificateChain: true }, // as the cloud provider does
};
const SECRET: Plan = { source: CLIENT_SECRET, keys: CLIENT, secretKey: 'aadClientSecret' };

/** What AKS writes in place of an application and its secret. */
export const DUMMY = 'msi';

/**
 * Chooses the identity that azure.json names: the managed identity, else the application with a federated token, a
 * certificate or a secret.
 * @returns `undefined` when it names none. A mistake is thrown only where the identity is needed.
 */
export function chooseNodeIdentity(node: NodeFile): ChosenIdentity | undefined {
  try {
    const plan = choosePlan(node);
    return plan === undefined ? undefined : carryOut(plan, node);
  } catch (failure) {
    const find = () => {
      throw failure;
    };
    const nothing = { tenantId: undefined, audience: undefined, parameters: {}, findLast: undefined };
    return { name: node.file, source: 'azure.json', ...nothing, find };
  }
}

/** @throws CONFIG_INVALID when it names an application, and nothing that proves it. */
function choosePlan({ file, json }: NodeFile): Plan | undefined {
  if (json.useManagedIdentityExtension === true) return planManagedIdentity(json);
  if (json.useFederatedWorkloadIdentityExtension === true) return FEDERATED;
  if (json.aadClientCertPath !== undefined) return CERTIFICATE;
  const [clientId, secret] = [json.aadClientId, json.aadClientSecret];
  if (clientId === DUMMY && (secret === undefined || secret === DUMMY)) return undefined;
  if (secret !== undefined) return SECRET;
  if (clientId === undefined) return undefined;
  throw invalidFile(file, '"aadClientId" is set, but "aadClientSecret" and "aadClientCertPath" are missing or empty');
}

/** Like the cloud provider, tells a resource id by a word in it. */
function planManagedIdentity({ userAssignedIdentityID: id }: AzureJson): Plan {
  if (id === undefined) return { source: MANAGED_IDENTITY, keys: {} };
  const parameter = id.toLowerCase().includes('/subscriptions/') ? 'resourceId' : 'clientId';
  return { source: MANAGED_IDENTITY, keys: { [parameter]: 'userAssignedIdentityID' } };
}

/** @throws CONFIG_INVALID when a value is missing, or is not what the source needs. */
function carryOut({ source, keys, secretKey, more }: Plan, { file, json, cloud }: NodeFile): ChosenIdentity {
  const values: Record<string, unknown> = { ...more };
  for (const [parameter, key] of Object.entries(keys)) {
    values[parameter] = json[key];
    if (json[key] === undefined) throw invalidFile(file, `"${key}" is missing or empty`);
  }
  const read: ReadFields = (fields) => {
    const given: unknown = values;
    assertValues(given, fields, (name, { words }) => {
      const key = keys[name];
      return key === undefined ? invalidFile(file, `"${name}" must be ${words}`) : refuseValue(file, key);
    });
    return given;
  };
  const configured = source.configure(read);
  const secret = secretKey === undefined ? undefined : json[secretKey];
  const foreignFile = {
    secret: typeof secret === 'string' ? secret : undefined,
    keyOf: (parameter: string) => keys[parameter] ?? secretKey ?? parameter,
  };
  return {
    ...configured,
    name: file,
    find: (request) => {
      if (source !== MANAGED_IDENTITY && isElsewhere(request.registry, cloud)) {
        const { name } = request.registry.cloud;
        throw new CredentialError(
          'IDENTITY_INVALID',
          `the application in ${file} is of the ${cloud?.name} cloud, and the registry of the ${name} cloud`,
          { hint: 'give the registry an "identity" of its own: docker-credential-acr config edit' },
        );
      }
      return configured.find({ ...request, foreignFile });
    },
  };
}

/** Whether an application of this cloud can have nothing in the registry's, whose Entra gets no secret of it then. */
function isElsewhere({ cloud: { authority } }: Registry, cloud: NodeCloud | undefined): boolean {
  return authority !== undefined && cloud?.authority !== undefined && authority !== cloud.authority;
}
