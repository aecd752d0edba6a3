/**
 * Runs the official Azure SDKs, unchanged, against whatever the environment leads to, and prints the result as one line
 * of JSON. It is a process of its own because Node reads `NODE_EXTRA_CA_CERTS` when it starts.
 */
import { ContainerRegistryClient } from '@azure/container-registry';
import {
  AzurePipelinesCredential,
  ClientAssertionCredential,
  ClientCertificateCredential,
  ClientSecretCredential,
  DeviceCodeCredential,
  EnvironmentCredential,
  type TokenCredential,
  WorkloadIdentityCredential,
} from '@azure/identity';

const SCOPE = 'https://containerregistry.azure.net/.default';

function setting(name: string): string {
  return process.env[name] ?? '';
}

const tenant = setting('AZURE_TENANT_ID');
const client = setting('AZURE_CLIENT_ID');
const endpoint = setting('TEST_ENDPOINT');

async function describeToken(credential: TokenCredential): Promise<unknown> {
  const token = await credential.getToken(SCOPE);
  return { token: token?.token, expiresAtSeconds: Math.floor((token?.expiresOnTimestamp ?? 0) / 1000) };
}

async function describeRegistry(registry: ContainerRegistryClient): Promise<unknown> {
  const repositories: { name: string; tags: string[] }[] = [];
  for await (const name of registry.listRepositoryNames()) {
    const tags: string[] = [];
    for await (const manifest of registry.getRepository(name).listManifestProperties()) {
      for (const tag of manifest.tags) {
        tags.push(tag);
      }
    }
    repositories.push({ name, tags });
  }
  const artifact = registry.getArtifact(repositories[0]?.name ?? '', repositories[0]?.tags[0] ?? '');
  const { digest } = await artifact.getTagProperties(repositories[0]?.tags[0] ?? '');
  return { repositories, digest };
}

const CASES: Readonly<Record<string, () => Promise<unknown>>> = {
  secret: () => describeToken(new ClientSecretCredential(tenant, client, setting('AZURE_CLIENT_SECRET'))),
  environment: () => describeToken(new EnvironmentCredential()),
  certificate: () =>
    describeToken(new ClientCertificateCredential(tenant, client, setting('AZURE_CLIENT_CERTIFICATE_PATH'))),
  'certificate-chain': () =>
    describeToken(
      new ClientCertificateCredential(
        tenant,
        client,
        {
          certificatePath: setting('AZURE_CLIENT_CERTIFICATE_PATH'),
          certificatePassword: setting('AZURE_CLIENT_CERTIFICATE_PASSWORD'),
        },
        { sendCertificateChain: true },
      ),
    ),
  workload: () => describeToken(new WorkloadIdentityCredential()),
  'workload-proxy': () => describeToken(new WorkloadIdentityCredential({ enableAzureProxy: true })),
  pipelines: () =>
    describeToken(
      new AzurePipelinesCredential(tenant, client, setting('TEST_CONNECTION'), setting('SYSTEM_ACCESSTOKEN')),
    ),
  device: () => describeToken(new DeviceCodeCredential({ tenantId: tenant, userPromptCallback: () => undefined })),
  assertion: () => describeToken(new ClientAssertionCredential(tenant, client, async () => setting('TEST_ASSERTION'))),
  registry: () => describeRegistry(new ContainerRegistryClient(endpoint, new EnvironmentCredential())),
  anonymous: () => describeRegistry(new ContainerRegistryClient(endpoint)),
};

const run = CASES[process.argv[2] ?? ''];
try {
  process.stdout.write(JSON.stringify({ result: await run?.() }));
} catch (error) {
  const { name, message } = error instanceof Error ? error : { name: 'unknown', message: String(error) };
  process.stdout.write(JSON.stringify({ error: { name, message } }));
}
