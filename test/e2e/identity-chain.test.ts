/** Which identity signs in on a machine with several, and what `get` reports on a machine with none. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, type TestContext } from 'vitest';
import { expectAnswer, expectFailure, expectNotFound } from './world/answer.ts';
import { type AzureCli, installAzureCli } from './world/azure-cli.ts';
import { LOGIN_SERVER } from './world/cloud.ts';
import { installIdentities } from './world/identities.ts';
import type { Machine } from './world/machine.ts';
import { needParts, partOf } from './world/parts.ts';
import { openCloud } from './world/test-cloud.ts';
import { addSecondTenant } from './world/two-tenants.ts';

type Variables = Readonly<Record<string, string>>;

/** The order of the README, with the variables that set each one up. */
const CHAIN: readonly (readonly [proof: string, variables: readonly string[]])[] = [
  ['client secret', ['AZURE_CLIENT_SECRET']],
  ['certificate', ['AZURE_CLIENT_CERTIFICATE_PATH']],
  ['cluster', ['AZURE_FEDERATED_TOKEN_FILE']],
  ['GitHub', ['ACTIONS_ID_TOKEN_REQUEST_URL', 'ACTIONS_ID_TOKEN_REQUEST_TOKEN', 'GITHUB_ACTIONS']],
  ['Azure Pipelines', ['SYSTEM_OIDCREQUESTURI']],
  ['app service', ['IDENTITY_ENDPOINT', 'IDENTITY_HEADER']],
];

const cloud = await openCloud();
const identities = await installIdentities(cloud);
const { contoso } = await addSecondTenant(cloud);
let machine: Machine;

beforeEach(() => {
  machine = cloud.addMachine({ identity: 'nobody' });
});
afterEach(() => identities.close());

/** Sets up every identity at once, and an Azure CLI with an account. */
async function setUpAll(context: TestContext): Promise<{ readonly cli: AzureCli; readonly environment: Variables }> {
  needParts(context, 'az');
  const cli = installAzureCli(machine);
  await cli.signIn(contoso.account);
  cli.forgetCalls();
  cloud.forget();
  const setUps = [
    identities.clientSecret(),
    identities.certificate(machine),
    identities.workloadIdentity(machine),
    identities.githubActions(),
    identities.azurePipelines(),
    await identities.managedIdentity('app service'),
    await identities.managedIdentity('metadata service'),
  ];
  const variables = [cli, ...setUps].flatMap(({ environment }) => Object.entries(environment));
  return { cli, environment: Object.fromEntries(variables) };
}

function without(environment: Variables, names: readonly string[]): Variables {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !names.includes(name)));
}

/** Signs in again and returns the proofs that were used. */
async function signIn({ cli, environment }: { readonly cli: AzureCli; readonly environment: Variables }) {
  identities.forget();
  cli.forgetCalls();
  expectAnswer(await machine.helper('get', LOGIN_SERVER, { environment }));
  // The proof that `az` itself shows to Azure is not ours.
  return cli.calls().length > 0 ? ['az'] : identities.proofs();
}

it('get signs in with the first identity, and with the next one when that is taken away', async (context) => {
  const { cli, environment } = await setUpAll(context);
  let left = environment;
  for (const [proof, variables] of CHAIN) {
    expect(await signIn({ cli, environment: left })).toEqual([proof]);
    left = without(left, variables);
  }
  expect(await signIn({ cli, environment: left })).toEqual(['az']);
  await cli.run(['logout']);
  expect(await signIn({ cli, environment: left })).toEqual(['metadata service']);

  // The cache has a token of every identity, so each answers at once when it comes back.
  identities.forget();
  for (const [index] of CHAIN.entries()) {
    const taken = CHAIN.slice(0, index).flatMap(([, variables]) => variables);
    const get = machine.helper('get', LOGIN_SERVER, { environment: without(environment, taken) });
    expectAnswer(await get);
  }
  expect([...identities.proofs(), ...cloud.emulator.connects]).toEqual([]);
});

it('get fails without asking the next identity when the first one fails', async (context) => {
  const { cli, environment } = await setUpAll(context);
  identities.forget();
  const get = machine.helper('get', LOGIN_SERVER, {
    environment: { ...environment, AZURE_CLIENT_SECRET: 'wrong-1~x' },
  });
  expect(expectFailure(await get)).toContain('AADSTS7000215');
  expect(identities.proofs()).toEqual(['client secret']);
  expect(cli.calls()).toEqual([]);
});

describe('AZURE_TOKEN_CREDENTIALS', () => {
  const rows: readonly (readonly [value: string, proof: string])[] = [
    ['prod', 'client secret'],
    ['dev', 'az'],
    [' DEV ', 'az'],
    ['EnvironmentCredential', 'client secret'],
    ['WorkloadIdentityCredential', 'cluster'],
    ['managedidentitycredential', 'app service'],
    ['AzureCliCredential', 'az'],
  ];

  it('selects among all identities, as in Azure’s SDKs', async (context) => {
    const { cli, environment } = await setUpAll(context);
    for (const [value, proof] of rows) {
      rmSync(join(machine.folder, 'cache'), { recursive: true, force: true });
      const proofs = await signIn({ cli, environment: { ...environment, AZURE_TOKEN_CREDENTIALS: value } });
      expect([value, ...proofs]).toEqual([value, proof]);
    }
  });

  it('is named in the hint when it allows no identity that is set up', async () => {
    const { environment } = identities.clientSecret();
    const options = { environment: { ...environment, AZURE_TOKEN_CREDENTIALS: 'dev' } };
    const { hint, sources } = expectNotFound(await machine.helper('get', LOGIN_SERVER, options));
    expect(hint).toContain('AZURE_TOKEN_CREDENTIALS');
    expect(sources.map(([name]) => name)).toEqual(['login', 'azure-cli', 'azure-developer-cli', 'azure-powershell']);
    expect(cloud.emulator.connects).toEqual([]);
  });

  it.each(['everything', 'VisualStudioCodeCredential'])(
    'causes an error that lists the valid values when it is "%s"',
    async (value) => {
      const { environment } = identities.clientSecret();
      const options = { environment: { ...environment, AZURE_TOKEN_CREDENTIALS: value } };
      const story = expectFailure(await machine.helper('get', LOGIN_SERVER, options));
      expect(story).toContain(`AZURE_TOKEN_CREDENTIALS is `);
      expect(story).toMatch(
        /^hint: unset AZURE_TOKEN_CREDENTIALS, or set it to one of dev, prod, EnvironmentCredential, /m,
      );
      expect(cloud.emulator.connects).toEqual([]);
    },
  );
});

describe('when no identity is completely set up', () => {
  it('get hints at login and gives the reason of every identity, in order', async () => {
    const { hint, sources } = expectNotFound(await machine.helper('get', LOGIN_SERVER));
    expect(hint).toBe(
      `no Azure identity is set up for ${LOGIN_SERVER}; run: docker-credential-acr login ${LOGIN_SERVER}, or az login`,
    );
    expect(sources).toEqual([
      ['client-secret', 'AZURE_CLIENT_SECRET is not set'],
      ['client-certificate', 'AZURE_CLIENT_CERTIFICATE_PATH is not set'],
      ['workload-identity', 'AZURE_FEDERATED_TOKEN_FILE is not set'],
      ['github-actions', 'ACTIONS_ID_TOKEN_REQUEST_URL is not set'],
      ['azure-pipelines', 'SYSTEM_OIDCREQUESTURI is not set'],
      ['managed-identity', 'the environment names no managed identity'],
      ['login', 'nobody has signed in: docker-credential-acr login'],
      ['azure-cli', 'the Azure CLI is not signed in'],
      ['azure-developer-cli', 'the Azure Developer CLI is not signed in'],
      ['azure-powershell', 'Azure PowerShell is not signed in'],
      ['managed-identity', 'there is no metadata service (IMDS)'],
    ]);
    expect(cloud.emulator.connects).toEqual([]);
  });

  it('crane auth get reports that there are no credentials', async (context) => {
    needParts(context, 'crane');
    const get = await machine.run(partOf('crane'), ['auth', 'get', LOGIN_SERVER]);
    expect(get).toMatchObject({ exitCode: 1, stdout: 'credentials not found in native keychain\n' });
  });

  const half: readonly (readonly [what: string, variables: Variables, source: string, reason: string])[] = [
    [
      'a secret without its application',
      { AZURE_CLIENT_SECRET: 'half-1~x' },
      'client-secret',
      'AZURE_CLIENT_ID is not',
    ],
    [
      'a job of GitHub without a permission',
      { ...identities.clientSecret().environment, AZURE_CLIENT_SECRET: '', GITHUB_ACTIONS: 'true' },
      'github-actions',
      'id-token: write',
    ],
    [
      'a task of Azure Pipelines without its token',
      { ...identities.azurePipelines().environment, SYSTEM_ACCESSTOKEN: '$(System.AccessToken)' },
      'azure-pipelines',
      'SYSTEM_ACCESSTOKEN is not set: map it into the step',
    ],
    ['a workload identity without its tenant', { AZURE_FEDERATED_TOKEN_FILE: '/x' }, 'workload-identity', 'is not'],
  ];
  it.each(half)('get gives the reason for %s', async (_what, environment, source, reason) => {
    const { sources } = expectNotFound(await machine.helper('get', LOGIN_SERVER, { environment }));
    expect(sources).toContainEqual([source, expect.stringContaining(reason)]);
    expect(cloud.emulator.connects).toEqual([]);
  });
});
