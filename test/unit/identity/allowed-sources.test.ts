/** Which sources AZURE_TOKEN_CREDENTIALS allows. */
import { describe, expect, test } from 'vitest';
import { readAllowedSources } from '../../../src/identity/allowed-sources.ts';
import { catchFailure } from '../failure.ts';
import { makeRuntime } from '../runtime.ts';

const DEV = ['login', 'azure-cli', 'azure-developer-cli', 'azure-powershell'];
const PROD = [
  'client-secret',
  'client-certificate',
  'workload-identity',
  'github-actions',
  'azure-pipelines',
  'managed-identity',
];

/** The names of the allowed sources, and whether the user chose the only one. */
function allow(env: Readonly<Record<string, string>>) {
  const { sources, isChosen } = readAllowedSources(makeRuntime(env));
  return { names: sources.map(({ name }) => name), isChosen };
}

describe('readAllowedSources', () => {
  const rows: readonly (readonly [value: string, names: readonly string[], isChosen: boolean])[] = [
    ['dev', DEV, false],
    ['prod', PROD, false],
    ['PROD', PROD, false],
    [' Dev\t', DEV, false],
    ['EnvironmentCredential', ['client-secret', 'client-certificate'], false],
    ['WorkloadIdentityCredential', ['workload-identity'], true],
    ['ManagedIdentityCredential', ['managed-identity'], true],
    ['InteractiveBrowserCredential', ['login'], true],
    ['AzureCliCredential', ['azure-cli'], true],
    ['azureclicredential', ['azure-cli'], true],
    [' AzureCliCredential\n', ['azure-cli'], true],
    ['AzureDeveloperCliCredential', ['azure-developer-cli'], true],
    ['AzurePowerShellCredential', ['azure-powershell'], true],
  ];
  for (const [value, names, isChosen] of rows) {
    test(`returns ${names.join(', ')}${isChosen ? ' as the chosen one' : ''} for ${JSON.stringify(value)}`, () => {
      expect(allow({ AZURE_TOKEN_CREDENTIALS: value })).toEqual({ names, isChosen });
    });
  }

  test('returns every source but the command when the variable is not set', () => {
    expect(allow({})).toEqual({ names: [...PROD, ...DEV], isChosen: false });
  });

  test.each(['', ' ', '\t'])('returns the same for %j as when the variable is not set', (value) => {
    expect(allow({ AZURE_TOKEN_CREDENTIALS: value })).toEqual(allow({}));
  });

  test.each([
    ['nonsense', 'AZURE_TOKEN_CREDENTIALS is "nonsense", which is not a known value'],
    ['dev,prod', 'AZURE_TOKEN_CREDENTIALS is "dev,prod", which is not a known value'],
    ['azure-cli', 'AZURE_TOKEN_CREDENTIALS is "azure-cli", which is not a known value'],
    ['command', 'AZURE_TOKEN_CREDENTIALS is "command", which is not a known value'],
    ['__proto__', 'AZURE_TOKEN_CREDENTIALS is "__proto__", which is not a known value'],
    ['x'.repeat(61), `AZURE_TOKEN_CREDENTIALS is "${'x'.repeat(60)}", which is not a known value`],
    [
      'visualstudiocodecredential',
      'AZURE_TOKEN_CREDENTIALS is VisualStudioCodeCredential, which this program does not support',
    ],
    ['BrokerCredential', 'AZURE_TOKEN_CREDENTIALS is BrokerCredential, which this program does not support'],
  ])('rejects %j, with a hint that lists the valid values', async (value, message) => {
    const failure = await catchFailure(() => allow({ AZURE_TOKEN_CREDENTIALS: value }));
    expect(failure.code).toBe('IDENTITY_INVALID');
    expect(failure.message).toBe(message);
    expect(failure.hint).toBe(
      'unset AZURE_TOKEN_CREDENTIALS, or set it to one of dev, prod, EnvironmentCredential, ' +
        'WorkloadIdentityCredential, ManagedIdentityCredential, InteractiveBrowserCredential, AzureCliCredential, ' +
        'AzureDeveloperCliCredential, AzurePowerShellCredential',
    );
  });
});
