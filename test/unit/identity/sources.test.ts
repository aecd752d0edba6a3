/** The list of all sources, and how it agrees with Azure's own SDK. */
import { DefaultAzureCredential } from '@azure/identity';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { COMMON_FIELDS } from '../../../src/identity/identity.ts';
import { SOURCES } from '../../../src/identity/sources.ts';
import { catchAnything } from '../failure.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

/** The names that the SDK accepts in AZURE_TOKEN_CREDENTIALS, from its own error message. */
async function listSdkNames(): Promise<readonly string[]> {
  vi.stubEnv('AZURE_TOKEN_CREDENTIALS', 'nonsense');
  const failure = await catchAnything(() => new DefaultAzureCredential());
  return String(failure).match(/\b\w+Credential\b/g) ?? [];
}

describe('the sources', () => {
  test('stand in the order of the search: those of a deployment, then those of a person, then the command', () => {
    expect(SOURCES.map(({ name, group }) => [name, group])).toEqual([
      ['client-secret', 'prod'],
      ['client-certificate', 'prod'],
      ['workload-identity', 'prod'],
      ['github-actions', 'prod'],
      ['azure-pipelines', 'prod'],
      ['managed-identity', 'prod'],
      ['login', 'dev'],
      ['azure-cli', 'dev'],
      ['azure-developer-cli', 'dev'],
      ['azure-powershell', 'dev'],
      ['command', undefined],
    ]);
  });

  test('have names that are unique, and that a configured source keeps', () => {
    const names = SOURCES.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(SOURCES.map((source) => source.configure().source)).toEqual(names);
  });

  test("have no aliases but the SDK's names in AZURE_TOKEN_CREDENTIALS, and all of them except that of an editor", async () => {
    const names = await listSdkNames();
    // The SDKs for other languages know this one too.
    const others = ['InteractiveBrowserCredential'];
    const aliases = new Set(SOURCES.flatMap((source) => source.aliases.filter((name) => !others.includes(name))));
    expect([...aliases].sort()).toEqual(names.filter((name) => name !== 'VisualStudioCodeCredential').sort());
  });

  test('require only keys that they have, and have no key that all identities share', () => {
    for (const { name, fields, required } of SOURCES) {
      expect(Object.keys(fields), name).toEqual(expect.arrayContaining([...required]));
      expect(Object.keys(fields).filter((key) => key in COMMON_FIELDS)).toEqual([]);
    }
  });
});
