/** No secret that the program reads from a variable reaches another program, whichever identity is in use. */
import { writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../../src/config/config.ts';
import { SOURCES } from '../../../src/identity/sources.ts';
import { isNotSetUp } from '../../../src/not-set-up.ts';
import { createRedactor } from '../../../src/redact.ts';
import { parseRegistry } from '../../../src/registry.ts';
import { withoutSecrets } from '../../../src/system/child-environment.ts';
import { makeRuntime } from '../runtime.ts';
import { useTemporaryFolder } from '../temporary-folder.ts';

const folder = useTemporaryFolder();
const ID = '11111111-2222-4333-8444-555555555555';
const AZURE = { AZURE_CLIENT_ID: ID, AZURE_TENANT_ID: 'tenant.example' };
const ARM = { ARM_CLIENT_ID: ID, ARM_TENANT_ID: 'tenant.example' };

type Environment = Readonly<Record<string, string>>;

/** All ways in which variables alone set up a source with a secret. */
const ENVIRONMENTS: readonly (readonly [source: string, environment: Environment])[] = [
  ['client-secret', { ...AZURE, AZURE_CLIENT_SECRET: 'hidden-secret' }],
  [
    'client-certificate',
    { ...AZURE, AZURE_CLIENT_CERTIFICATE_PATH: '/c.pem', AZURE_CLIENT_CERTIFICATE_PASSWORD: 'hidden-password' },
  ],
  ['workload-identity', { ...AZURE, AZURE_FEDERATED_TOKEN: 'hidden.token.one' }],
  ['workload-identity', { ...ARM, ARM_OIDC_TOKEN: 'hidden.token.two' }],
  [
    'github-actions',
    {
      ...AZURE,
      ACTIONS_ID_TOKEN_REQUEST_URL: 'https://token.example',
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'hidden-request-token',
    },
  ],
  [
    'azure-pipelines',
    {
      ...ARM,
      SYSTEM_OIDCREQUESTURI: 'https://token.example',
      ARM_ADO_PIPELINE_SERVICE_CONNECTION_ID: ID,
      SYSTEM_ACCESSTOKEN: 'hidden-access-token',
    },
  ],
  ['managed-identity', { IDENTITY_ENDPOINT: 'http://127.0.0.1/token', IDENTITY_HEADER: 'hidden-header' }],
  ['managed-identity', { MSI_ENDPOINT: 'http://127.0.0.1/token', MSI_SECRET: 'hidden-msi-secret' }],
];

/** The secret of a source in this environment. */
function readSecret(source: string, environment: Environment): string {
  const registry = parseRegistry('myregistry.azurecr.io');
  if (registry === undefined) throw new Error('This is a registry');
  const configured = SOURCES.find(({ name }) => name === source)?.configure();
  const request = { runtime: makeRuntime(environment), registry, isChosen: false, tenantId: undefined };
  const identity = configured?.find(request);
  if (identity === undefined || isNotSetUp(identity)) throw new Error(`${source} is not set up`);
  return identity.readSecret?.() ?? '';
}

describe('withoutSecrets removes what signs in', () => {
  for (const [source, environment] of ENVIRONMENTS) {
    test(`with ${source} and ${Object.keys(environment).at(-1)}, although another identity is in use`, () => {
      const secret = readSecret(source, environment);
      expect(secret).toContain('hidden');
      const [name] = Object.entries(environment).find(([, value]) => secret.includes(value) && value !== ID) ?? [];
      for (const platform of ['linux', 'darwin', 'win32'] as const) {
        const kept = withoutSecrets(makeRuntime({ HOME: '/home/me', ...environment }, { platform }));
        expect(JSON.stringify(kept), name).not.toContain('hidden');
        expect(kept['HOME']).toBe('/home/me');
      }
    });
  }

  test('of every source that has a secret', () => {
    const known = new Set(ENVIRONMENTS.map(([source]) => source));
    const none = ['login', 'azure-cli', 'azure-developer-cli', 'azure-powershell', 'command'];
    expect(SOURCES.map(({ name }) => name).filter((name) => !known.has(name) && !none.includes(name))).toEqual([]);
  });

  test('under a name in any case on Windows, where case does not matter', () => {
    const environment = { Azure_Client_Secret: 'hidden-1', arm_oidc_token: 'hidden-2', Deploy_Key: 'hidden-3' };
    const changes = { secretVariables: new Set(['DEPLOY_KEY']) };
    expect(withoutSecrets(makeRuntime(environment, { platform: 'win32', ...changes }))).toEqual({});
    expect(withoutSecrets(makeRuntime(environment, { platform: 'linux', ...changes }))).toEqual(environment);
  });

  test('but not an ordinary variable', () => {
    const environment = { PATH: '/bin', AZURE_CLIENT_ID: ID, EMPTY: '', SYSTEM_TEAMPROJECT: 'one' };
    expect(withoutSecrets(makeRuntime(environment))).toEqual(environment);
  });
});

describe('loadConfig marks a variable as secret', () => {
  const keys = SOURCES.flatMap(({ name, fields }) =>
    Object.entries(fields)
      .filter(([, { words }]) => words === 'the name of an environment variable')
      .map(([key]) => [name, key] as const),
  );

  test('for each key that names one', () => {
    expect(keys.map(([, key]) => key)).toEqual(
      expect.arrayContaining(['clientSecretEnv', 'certificatePasswordEnv', 'tokenEnv']),
    );
  });

  for (const [type, key] of keys) {
    const identity = { type, [key]: 'DEPLOY_KEY' };
    const places: Readonly<Record<string, object>> = {
      'an identity that no registry uses': { identities: { one: identity } },
      "another registry's entry": { registries: { 'other1.azurecr.io': { identity } } },
      'an entry with a mistake': { registries: { 'other1.azurecr.io': { identity: { ...identity, nonsense: 1 } } } },
    };
    for (const [place, config] of Object.entries(places)) {
      test(`that "${key}" of ${type} names in ${place}`, async () => {
        const file = folder.path('config.json');
        writeFileSync(file, JSON.stringify(config));
        const runtime = makeRuntime({ DOCKER_CREDENTIAL_ACR_CONFIG: file, DEPLOY_KEY: 'hidden-value' });
        await loadConfig(runtime);
        expect(withoutSecrets(runtime)).toEqual({ DOCKER_CREDENTIAL_ACR_CONFIG: file });
        expect(createRedactor(runtime)('got hidden-value')).toBe('got [redacted]');
      });
    }
  }

  test('after a text was redacted without it', async () => {
    const file = folder.path('config.json');
    writeFileSync(file, JSON.stringify({ identities: { one: { tokenEnv: 'DEPLOY_KEY' } } }));
    const runtime = makeRuntime({ DOCKER_CREDENTIAL_ACR_CONFIG: file, DEPLOY_KEY: 'hidden-value' });
    const redact = createRedactor(runtime);
    expect(redact('hidden-value')).toBe('hidden-value');
    await loadConfig(runtime);
    expect(redact('hidden-value')).toBe('[redacted]');
  });

  test('in a file with a depth that no recursion could follow', async () => {
    const file = folder.path('config.json');
    writeFileSync(file, `{"identities":${'['.repeat(100_000)}${']'.repeat(100_000)}}`);
    await expect(loadConfig(makeRuntime({ DOCKER_CREDENTIAL_ACR_CONFIG: file }))).resolves.toBeDefined();
  });
});
