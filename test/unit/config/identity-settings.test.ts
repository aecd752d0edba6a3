/** The identities of the configuration: how one is chosen, what is wrong with it, and what its source gets to know. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type ChosenIdentity, identityKeys } from '../../../src/config/identity-settings.ts';
import type { Identity } from '../../../src/identity/identity.ts';
import { SOURCES } from '../../../src/identity/sources.ts';
import { isNotSetUp } from '../../../src/not-set-up.ts';
import { catchFailure } from '../failure.ts';
import { makeRuntime } from '../runtime.ts';
import { useTemporaryFolder } from '../temporary-folder.ts';
import { CONFIG_FILE, configOf, REGISTRY } from './config-of.ts';

const folder = useTemporaryFolder();
const CLIENT_ID = '11111111-2222-3333-4444-555555555555';
const CONNECTION_ID = '66666666-7777-8888-9999-000000000000';
const WHERE = '"registries"."myregistry.azurecr.io"."identity"';
const CHOICES = SOURCES.map(({ name }) => `"${name}"`).join(', ');

function readIdentity(identity: unknown, identities: unknown = {}): ChosenIdentity | undefined {
  const config = configOf({ registries: { 'myregistry.azurecr.io': { identity } }, identities });
  return config.settingsOf(REGISTRY).identity;
}

/** Looks for the configured identity on a machine with this environment. */
function findConfigured(
  identity: unknown,
  env: Readonly<Record<string, string>> = {},
  tenantId: string | undefined = undefined,
): Identity {
  const found = readIdentity(identity)?.find({
    runtime: makeRuntime(env),
    registry: REGISTRY,
    tenantId,
    isChosen: true,
  });
  if (found === undefined || isNotSetUp(found)) throw new Error(found?.notSetUp ?? 'there is no identity');
  return found;
}

describe('the identity of a registry', () => {
  test('is none when the registry names none', () => {
    expect(readIdentity(undefined)).toBeUndefined();
    expect(readIdentity(undefined, { deploy: { type: 'nothing' } })).toBeUndefined();
  });

  test('may be the name of one in "identities"', () => {
    const identities = {
      deploy: {
        type: 'client-secret',
        tenantId: 'contoso.com',
        audience: 'https://registry.example.com',
        clientId: CLIENT_ID,
        clientSecretEnv: 'DEPLOY_SECRET',
      },
    };
    expect(readIdentity('deploy', identities)).toEqual({
      name: 'deploy',
      source: 'client-secret',
      tenantId: 'contoso.com',
      audience: 'https://registry.example.com',
      parameters: identities.deploy,
      find: expect.any(Function),
      findLast: undefined,
    });
  });

  test('is the one in "identities" when that has the name of a source', () => {
    const identities = { 'azure-cli': { type: 'client-secret', clientId: CLIENT_ID } };
    expect(readIdentity('azure-cli', identities)).toMatchObject({ name: 'azure-cli', source: 'client-secret' });
  });

  for (const { name, configure } of SOURCES) {
    const entry = name === 'command' ? { type: name, command: ['/bin/true'] } : { type: name };
    test(`may be ${name}, by its name or as an object`, () => {
      const expected = { name, source: name, tenantId: undefined, audience: undefined };
      expect(readIdentity(name)).toMatchObject(expected);
      expect(readIdentity(entry)).toMatchObject(expected);
      const isLast = configure().findLast !== undefined;
      expect(readIdentity(entry)?.findLast).toEqual(isLast ? expect.any(Function) : undefined);
      expect(isLast).toBe(name === 'managed-identity');
    });

    test(`may tell the tenant and the audience of ${name}`, () => {
      const common = { tenantId: 'contoso.com', audience: 'https://registry.example.com' };
      expect(readIdentity({ ...entry, ...common })).toMatchObject({ name, source: name, ...common });
    });
  }

  test('is not affected by a mistake in another identity', () => {
    expect(readIdentity('azure-cli', { other: { type: 'nothing' }, 'and-another': 7 })).toMatchObject({
      source: 'azure-cli',
    });
  });
});

describe('find is told by the configuration', () => {
  const SERVICE_PRINCIPAL = { clientId: CLIENT_ID, tenantId: 'contoso.com' };
  const AT_CONTOSO = `https://login.microsoftonline.com/contoso.com ${CLIENT_ID}`;

  const rows: readonly (readonly [
    identity: { readonly type: string } & Readonly<Record<string, unknown>>,
    env: Readonly<Record<string, string>>,
    description: string,
    secret?: string,
  ])[] = [
    [
      { type: 'client-secret', ...SERVICE_PRINCIPAL, clientSecretEnv: 'DEPLOY_SECRET' },
      { DEPLOY_SECRET: 'one', AZURE_CLIENT_SECRET: 'other', AZURE_CLIENT_ID: 'other', AZURE_TENANT_ID: 'other' },
      `client-secret ${AT_CONTOSO}`,
      'one',
    ],
    [
      {
        type: 'client-secret',
        ...SERVICE_PRINCIPAL,
        authorityHost: 'https://login.example.com/adfs/',
        clientSecretFile: '/secret',
      },
      { AZURE_AUTHORITY_HOST: 'https://other.example.com' },
      `client-secret https://login.example.com/adfs/contoso.com ${CLIENT_ID}`,
    ],
    [
      { type: 'client-secret', ...SERVICE_PRINCIPAL, clientSecretKeychain: 'https://secrets.example.com' },
      {},
      `client-secret ${AT_CONTOSO}`,
    ],
    [
      { type: 'client-certificate', ...SERVICE_PRINCIPAL, certificatePath: '/c.pem', certificatePasswordEnv: 'WORD' },
      { WORD: 'one', AZURE_CLIENT_CERTIFICATE_PASSWORD: 'other', AZURE_CLIENT_CERTIFICATE_PATH: '/other.pem' },
      `client-certificate ${AT_CONTOSO}`,
      '/c.pem one',
    ],
    [
      { type: 'workload-identity', ...SERVICE_PRINCIPAL, tokenFile: '/token' },
      { AZURE_FEDERATED_TOKEN_FILE: '/other' },
      `workload-identity ${AT_CONTOSO}`,
      '/token',
    ],
    [
      { type: 'workload-identity', ...SERVICE_PRINCIPAL, tokenEnv: 'ID_TOKEN' },
      { ID_TOKEN: 'one', AZURE_FEDERATED_TOKEN: 'other' },
      `workload-identity ${AT_CONTOSO}`,
      'one',
    ],
    [
      { type: 'github-actions', ...SERVICE_PRINCIPAL, authorityHost: 'https://login.example.com' },
      { ACTIONS_ID_TOKEN_REQUEST_URL: 'https://ci.example.com', ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'one' },
      `github-actions https://login.example.com/contoso.com ${CLIENT_ID}`,
    ],
    [
      { type: 'azure-pipelines', ...SERVICE_PRINCIPAL, serviceConnectionId: CONNECTION_ID },
      { SYSTEM_OIDCREQUESTURI: 'https://ci.example.com', SYSTEM_ACCESSTOKEN: 'one' },
      `azure-pipelines ${AT_CONTOSO}`,
      `${CONNECTION_ID} one`,
    ],
    [
      { type: 'managed-identity', clientId: CLIENT_ID },
      { IDENTITY_ENDPOINT: 'http://127.0.0.1:1/token', IDENTITY_HEADER: 'one' },
      `managed-identity app-service 127.0.0.1:1 clientId ${CLIENT_ID}`,
    ],
    [
      { type: 'managed-identity', objectId: CLIENT_ID },
      { IDENTITY_ENDPOINT: 'http://127.0.0.1:1/token', IDENTITY_HEADER: 'one' },
      `managed-identity app-service 127.0.0.1:1 objectId ${CLIENT_ID}`,
    ],
    [
      { type: 'managed-identity', resourceId: '/subscriptions/a/resourceGroups/b' },
      { IDENTITY_ENDPOINT: 'http://127.0.0.1:1/token', IDENTITY_HEADER: 'one' },
      'managed-identity app-service 127.0.0.1:1 resourceId /subscriptions/a/resourcegroups/b',
    ],
  ];
  for (const [identity, env, description, secret] of rows) {
    const { type, ...parameters } = identity;
    test(`that ${type} has ${JSON.stringify(parameters)}`, () => {
      const found = findConfigured(identity, env);
      expect([found.source, found.description]).toEqual([type, description]);
      if (secret !== undefined) expect(found.readSecret?.()).toBe(secret);
    });
  }

  test('which folder, subscription and tenant the Azure CLI has', () => {
    const account = (id: string, tenantId: string) => ({ id, name: id, tenantId, user: { name: 'me@contoso.com' } });
    const subscriptions = [{ ...account('first', 'tenant-1'), isDefault: true }, account('second', 'tenant-2')];
    writeFileSync(folder.path('azureProfile.json'), JSON.stringify({ subscriptions }));
    const configured = { type: 'azure-cli', configDir: folder.path() };
    expect(findConfigured(configured).description).toContain('me@contoso.com tenant-1');
    expect(findConfigured({ ...configured, subscription: 'SECOND' }).description).toContain('me@contoso.com tenant-2');
    expect(findConfigured({ ...configured, tenantId: 'contoso.com' }).description).toContain('contoso.com contoso.com');
  });

  test('which tenant the Azure Developer CLI signs in at', () => {
    const auth = { account: { currentUser: { homeAccountId: 'me' } } };
    writeFileSync(folder.path('auth.json'), JSON.stringify({ auth }));
    const env = { AZD_CONFIG_DIR: folder.path() };
    const configured = { type: 'azure-developer-cli', tenantId: 'contoso.com' };
    expect(findConfigured('azure-developer-cli', env).description).toBe('azure-developer-cli me');
    expect(findConfigured(configured, env).description).toBe('azure-developer-cli me contoso.com');
  });

  test('which tenant Azure PowerShell signs in at', () => {
    mkdirSync(folder.path('.Azure'));
    const context = { Account: { Id: 'me' }, Tenant: { Id: 'home' }, Environment: { Name: 'AzureCloud' } };
    const saved = { DefaultContextKey: 'one', Contexts: { one: context } };
    writeFileSync(folder.path('.Azure', 'AzureRmContext.json'), JSON.stringify(saved));
    const env = { HOME: folder.path() };
    const configured = { type: 'azure-powershell', tenantId: 'contoso.com' };
    expect(findConfigured('azure-powershell', env).description).toBe('azure-powershell me home AzureCloud');
    expect(findConfigured(configured, env).description).toBe('azure-powershell me contoso.com AzureCloud');
  });

  test('which program to run, and with which arguments, which are not shown', () => {
    const descriptions = [
      ['/bin/one', 'a b'],
      ['/bin/one', 'a', 'b'],
      ['/bin/two', 'a b'],
    ].map((command) => findConfigured({ type: 'command', command }).description);
    expect(descriptions).toEqual([
      expect.stringMatching(/^command \/bin\/one \w+$/),
      expect.stringMatching(/^command \/bin\/one \w+$/),
      expect.stringMatching(/^command \/bin\/two \w+$/),
    ]);
    expect(new Set(descriptions).size).toBe(3);
  });

  test('the tenant of the identity, before which the tenant of the registry comes', () => {
    const identity = { type: 'client-secret', ...SERVICE_PRINCIPAL };
    const env = { AZURE_CLIENT_SECRET: 'one', AZURE_TENANT_ID: 'environment.com' };
    expect(findConfigured(identity, env).description).toContain('/contoso.com ');
    expect(findConfigured(identity, env, 'registry.com').description).toContain('/registry.com ');
    expect(findConfigured({ ...identity, tenantId: undefined }, env).description).toContain('/environment.com ');
  });
});

test('find returns what is missing for "command", which only an object can tell', () => {
  const request = { runtime: makeRuntime(), registry: REGISTRY, tenantId: undefined, isChosen: true };
  expect(readIdentity('command')?.find(request)).toEqual({ notSetUp: 'the configuration has no "command"' });
});

test('findLast is told by the configuration which managed identity to take', () => {
  const identity = readIdentity({ type: 'managed-identity', clientId: CLIENT_ID });
  const runtime = makeRuntime({ AZURE_POD_IDENTITY_AUTHORITY_HOST: 'http://127.0.0.1:1' }, { platform: 'darwin' });
  const found = identity?.findLast?.({ runtime, registry: REGISTRY, tenantId: undefined, isChosen: false });
  expect(found).toMatchObject({ description: `managed-identity imds 127.0.0.1:1 clientId ${CLIENT_ID}` });
});

describe('identityKeys', () => {
  for (const source of SOURCES) {
    test(`lists what is common to all sources, then what ${source.name} has of its own`, () => {
      const own = Object.keys(source.fields);
      expect(identityKeys(source)).toEqual(['type', 'tenantId', 'authorityHost', 'audience', ...own]);
      expect(new Set(identityKeys(source)).size).toBe(identityKeys(source).length);
      for (const key of source.required) expect(own).toContain(key);
    });
  }
});

describe('the identity of a registry is rejected, without quoting a secret, when it is', () => {
  const rows: readonly (readonly [identity: unknown, message: RegExp, hint: RegExp])[] = [
    [{ type: 'client-secret', clientSecret: 'hidden' }, /contains a secret in "clientSecret"$/, /clientSecretFile/],
    [{ type: 'client-secret', password: 'hidden' }, /contains a secret in "password"$/, /clientSecretEnv/],
    [{ type: 'workload-identity', token: 'hidden' }, /contains a secret in "token"$/, /tokenFile/],
    [{ type: 'client-certificate', certificatePassword: 'hidden' }, /contains a secret/, /certificatePasswordFile/],
    [{ type: 'workload-identity', clientAssertion: 'hidden' }, /contains a secret in "clientAssertion"$/, /tokenEnv/],
    [{ type: 'hidden', clientSecret: ['hidden'] }, /contains a secret in "clientSecret"$/, /clientSecretFile/],
    [{ type: 'azure-cli', clientId: CLIENT_ID }, /unknown key "clientId"/, /the keys are|did you mean/],
    [{ type: 'client-secret', clientid: CLIENT_ID }, /unknown key "clientid"/, /did you mean "clientId"/],
    [{ type: 'client-secret', clientId: 'me' }, /"clientId" must be the id of an application/, /correct the file/],
    [{ type: 'client-secret', clientSecretFile: 'secret.txt' }, /must be an absolute path/, /correct the file/],
    [
      { type: 'client-secret', clientSecretEnv: 'A=B' },
      /must be the name of an environment variable/,
      /correct the file/,
    ],
    [{ type: 'client-secret', tenantId: '-x' }, /"tenantId" must be the id or domain of a/, /correct the file/],
    [{ type: 'client-secret', tenantId: '..' }, /"tenantId" must be the id or domain of a/, /correct the file/],
    [{ type: 'client-secret', authorityHost: 'http://a' }, /"authorityHost" must be an https URL/, /correct the file/],
    [{ type: 'client-secret', audience: 'a b' }, /"audience" must be a URL/, /correct the file/],
    [{ type: 'managed-identity', resourceId: 'x' }, /must be a resource id/, /correct the file/],
    [{ type: 'command' }, /"command" must be a list/, /correct the file/],
    [{ type: 'command', command: [] }, /"command" must be a list/, /correct the file/],
    [{ type: 'command', command: ['/bin/true', 'a\nb'] }, /"command" must be a list/, /correct the file/],
    [{ type: 'command', command: '/bin/true' }, /"command" must be a list/, /correct the file/],
    [{ type: 'azure-cli', subscription: 'a;b' }, /"subscription" must be/, /correct the file/],
    [{}, /"type" must be one of/, /correct the file/],
    [{ type: 'azure-cl' }, /"type" must be one of/, /write "type": "azure-cli"/],
    [{ type: ['azure-cli'] }, /"type" must be one of/, /correct the file/],
    [{ type: '__proto__' }, /"type" must be one of/, /correct the file/],
    ['__proto__', /"identity" must be one of/, /correct the file/],
    ['constructor', /"identity" must be one of/, /correct the file/],
    [['azure-cli'], /"identity" must be one of/, /correct the file/],
    [null, /"identity" must be one of/, /correct the file/],
  ];
  for (const [identity, message, hint] of rows) {
    test(JSON.stringify(identity), async () => {
      const failure = await catchFailure(() => readIdentity(identity));
      expect(failure.code).toBe('CONFIG_INVALID');
      expect(failure.message).toMatch(message);
      expect(failure.message).toContain(WHERE);
      expect(failure.hint).toMatch(hint);
      expect(`${failure.message}${failure.hint}`).not.toContain('hidden');
    });
  }
});

describe('"identities" is rejected', () => {
  const rows: readonly (readonly [identities: unknown, message: string, hint?: string])[] = [
    [[], '"identities" must be an object'],
    [null, '"identities" must be an object'],
    ['deploy', '"identities" must be an object'],
    [{ deploy: 7 }, '"identities"."deploy" must be an object with a "type"'],
    [{ deploy: null }, '"identities"."deploy" must be an object with a "type"'],
    [{ deploy: 'azure-cli' }, '"identities"."deploy" must be an object with a "type"'],
    [{ deploy: {} }, `"identities"."deploy"."type" must be one of ${CHOICES}`],
    [
      { deploy: { type: 'azure-cl' } },
      `"identities"."deploy"."type" must be one of ${CHOICES}`,
      'write "type": "azure-cli"',
    ],
    [{ deplo: { type: 'azure-cli' } }, `${WHERE} must be one of ${CHOICES}, "deplo"`, 'write "identity": "deplo"'],
    [
      { deploy: { type: 'client-secret', clientSecret: 'hidden' } },
      '"identities"."deploy" contains a secret in "clientSecret"',
      'use "clientSecretFile", "clientSecretEnv" or "clientSecretKeychain"',
    ],
  ];
  for (const [identities, message, hint = 'correct the file, or move it away'] of rows) {
    test(`for a registry that names "deploy" when it is ${JSON.stringify(identities)}`, async () => {
      const failure = await catchFailure(() => readIdentity('deploy', identities));
      expect([failure.code, failure.message, failure.hint]).toEqual([
        'CONFIG_INVALID',
        `Cannot use ${CONFIG_FILE}: ${message}`,
        hint,
      ]);
    });
  }
});
