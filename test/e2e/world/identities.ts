/** Every identity that a machine can have without a user, as its platform sets it up. */
import { createPrivateKey } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createClientCertificate, parseClientCertificate } from '../../emulator/certificates.ts';
import {
  type Ci,
  FEDERATED_AUDIENCE,
  GITHUB_ISSUER,
  GITHUB_SUBJECT,
  installCi,
  PIPELINES_ISSUER,
  PIPELINES_SUBJECT,
} from '../../emulator/ci.ts';
import { parseString } from '../../emulator/json.ts';
import { PATHS } from '../../emulator/managed-identity.ts';
import type { ManagedIdentityServer } from '../../emulator/managed-identity-server.ts';
import { type Application, CLIENT_ID, CLIENT_SECRET, findTenant, OBJECT_ID, TENANT_ID } from '../../emulator/state.ts';
import { decodeToken } from '../../emulator/tokens.ts';
import type { Cloud } from './cloud.ts';
import type { Machine } from './machine.ts';
import { startMetadataService } from './metadata.ts';
import { listKeyLines } from './two-tenants.ts';

const CLUSTER_ISSUER = 'https://eastus.oic.prod-aks.azure.com/tenant/cluster/';
const CLUSTER_SUBJECT = 'system:serviceaccount:builds:runner';
const GITLAB_ISSUER = 'https://gitlab.com';
const GITLAB_SUBJECT = 'project_path:contoso/app:ref_type:branch:ref:main';
const PASSWORD = 'correct horse "battery"';
const HEADER = 'identity-header-4c1f-secret';
const CLIENT = { AZURE_TENANT_ID: TENANT_ID, AZURE_CLIENT_ID: CLIENT_ID };

/** An identity on a machine. */
export interface SetUp {
  readonly environment: Readonly<Record<string, string>>;
  /** Removes the file or the service that it needs, and leaves the environment as it is. */
  readonly takeAway: () => Promise<void>;
}

export interface Identities {
  readonly ci: Ci;
  readonly application: Application;
  readonly clientSecret: () => SetUp;
  readonly certificate: (machine: Machine, protection?: 'encrypted') => SetUp;
  readonly workloadIdentity: (machine: Machine) => SetUp;
  readonly githubActions: () => SetUp;
  readonly azurePipelines: () => SetUp;
  /** A token in a variable that only the configuration knows. */
  readonly gitlab: (variable: string) => SetUp;
  readonly managedIdentity: (kind: 'app service' | 'metadata service') => Promise<SetUp>;
  /** What Azure saw since the last `forget`: the secret, the issuer of the assertion, or the service that was asked. */
  readonly proofs: () => readonly string[];
  readonly forget: () => void;
  readonly close: () => Promise<void>;
}

export async function installIdentities(cloud: Cloud): Promise<Identities> {
  const { state } = cloud.emulator;
  const application = findTenant(state, TENANT_ID)?.applications.get(CLIENT_ID);
  if (application === undefined) throw new Error('The emulator begins with an application');
  const [ci, pem] = await Promise.all([installCi(state), createClientCertificate()]);
  application.certificates.push(parseClientCertificate(pem.certificatePem));
  ci.trust(application, CLUSTER_ISSUER, CLUSTER_SUBJECT);
  ci.trust(application, GITLAB_ISSUER, GITLAB_SUBJECT);
  ci.trust(application, GITHUB_ISSUER, GITHUB_SUBJECT);
  ci.trust(application, PIPELINES_ISSUER, PIPELINES_SUBJECT);
  for (const secret of [PASSWORD, HEADER, ...listKeyLines(pem.privateKeyPem)]) state.issuedSecrets.add(secret);
  const issue = (iss: string, sub: string) => {
    return ci.issue({ iss, sub, aud: FEDERATED_AUDIENCE }, Math.floor(Date.now() / 1000));
  };
  const servers: ManagedIdentityServer[] = [];
  const closeAll = async () => {
    await Promise.all(servers.splice(0).map((server) => server.close()));
  };
  const stay = async () => undefined;
  const writeSecret = (machine: Machine, name: string, text: string) => {
    const file = join(machine.folder, name);
    writeFileSync(file, text, { mode: 0o600 });
    return { file, takeAway: async () => rmSync(file) };
  };

  return {
    ci,
    application,
    clientSecret: () => ({ environment: { ...CLIENT, AZURE_CLIENT_SECRET: CLIENT_SECRET }, takeAway: stay }),
    certificate: (machine, protection) => {
      const encrypted = createPrivateKey(pem.privateKeyPem).export({
        ...{ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: PASSWORD },
      });
      const key = protection === undefined ? pem.privateKeyPem : encrypted.toString();
      const { file, takeAway } = writeSecret(machine, 'client.pem', `${key}${pem.certificatePem}`);
      const password = protection === undefined ? {} : { AZURE_CLIENT_CERTIFICATE_PASSWORD: PASSWORD };
      return { environment: { ...CLIENT, AZURE_CLIENT_CERTIFICATE_PATH: file, ...password }, takeAway };
    },
    workloadIdentity: (machine) => {
      const token = issue(CLUSTER_ISSUER, CLUSTER_SUBJECT);
      const { file, takeAway } = writeSecret(machine, 'azure-identity-token', `${token}\n`);
      return { environment: { ...CLIENT, AZURE_FEDERATED_TOKEN_FILE: file }, takeAway };
    },
    githubActions: () => ({ environment: { ...CLIENT, ...ci.githubVariables }, takeAway: stay }),
    azurePipelines: () => ({ environment: { ...CLIENT, ...ci.pipelinesVariables }, takeAway: stay }),
    gitlab: (variable) => ({
      environment: { ...CLIENT, [variable]: issue(GITLAB_ISSUER, GITLAB_SUBJECT) },
      takeAway: stay,
    }),
    managedIdentity: async (kind) => {
      const server = await startMetadataService(cloud, {
        systemAssigned: { clientId: CLIENT_ID, objectId: OBJECT_ID, resourceId: '/subscriptions/s/vm' },
        userAssigned: [],
        secret: HEADER,
      });
      servers.push(server);
      const appService = { IDENTITY_ENDPOINT: `${server.url}${PATHS.appService}`, IDENTITY_HEADER: HEADER };
      return {
        environment: kind === 'app service' ? appService : { AZURE_POD_IDENTITY_AUTHORITY_HOST: server.url },
        takeAway: closeAll,
      };
    },
    proofs: () => [
      ...cloud.emulator.requests.flatMap(({ path, form }) => {
        if (!path.endsWith('/oauth2/v2.0/token')) return [];
        if (form['client_secret'] !== undefined) return ['client secret'];
        const issuer = parseString(decodeToken(form['client_assertion'] ?? '')?.claims['iss']) ?? 'nothing';
        return [issuer === CLIENT_ID ? 'certificate' : (ISSUERS[issuer] ?? issuer)];
      }),
      // A probe for the metadata service is not a token request.
      ...servers.flatMap(({ requests }) =>
        requests.filter(({ query }) => query['resource'] !== undefined).map(({ path }) => SERVICES[path] ?? path),
      ),
    ],
    forget: () => {
      cloud.forget();
      for (const server of servers) server.reset();
    },
    close: closeAll,
  };
}

const ISSUERS: Readonly<Record<string, string>> = {
  [CLUSTER_ISSUER]: 'cluster',
  [GITLAB_ISSUER]: 'GitLab',
  [GITHUB_ISSUER]: 'GitHub',
  [PIPELINES_ISSUER]: 'Azure Pipelines',
};

const SERVICES: Readonly<Record<string, string>> = {
  [PATHS.appService]: 'app service',
  [PATHS.imds]: 'metadata service',
};
