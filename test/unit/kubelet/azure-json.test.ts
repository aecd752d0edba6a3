/** azure.json: what it may hold, and the one clear line for each way in which it can be wrong. */
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readAzureJson } from '../../../src/kubelet/azure-json.ts';
import { catchFailure } from '../failure.ts';
import { makeNamedPipe } from '../named-pipe.ts';
import { needRoot } from '../other-user.ts';
import { makeRuntime } from '../runtime.ts';
import { useTemporaryFolder } from '../temporary-folder.ts';

const SECRET = 'hidden~secret.of-the-file';
const folder = useTemporaryFolder();

function write(content: string | object, mode = 0o644): string {
  const file = folder.path('azure.json');
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  chmodSync(file, mode);
  return file;
}

const read = (content: string | object) => readAzureJson(makeRuntime(), write(content));

describe('readAzureJson reads', () => {
  test('the keys that matter, and ignores the many others', async () => {
    const values = {
      cloud: 'AzurePublicCloud',
      tenantId: '72f988bf-86f1-41af-91ab-2d7cd011db47',
      useManagedIdentityExtension: true,
      userAssignedIdentityID: '11111111-2222-4333-8444-555555555555',
    };
    const others = { subscriptionId: 's', maximumLoadBalancerRuleCount: 250, loadBalancerSku: 'Standard', nested: {} };
    expect(await read({ ...values, ...others })).toEqual(values);
  });

  test('an empty value as one that is left out', async () => {
    expect(await read({ tenantId: '', aadClientId: null, aadClientSecret: '', cloud: 'AzureCloud' })).toEqual({
      cloud: 'AzureCloud',
    });
  });

  test('keys in any case, as Go does', async () => {
    expect(await read({ TenantID: 'contoso.com', userAssignedIdentityId: 'x', CLOUD: 'AzureCloud' })).toEqual({
      tenantId: 'contoso.com',
      userAssignedIdentityID: 'x',
      cloud: 'AzureCloud',
    });
  });

  test('a byte-order mark and a file that is a link', async () => {
    expect(await read(`\uFEFF${JSON.stringify({ tenantId: 't' })}`)).toEqual({ tenantId: 't' });
  });

  const yamls: readonly (readonly [what: string, content: string, expected: object])[] = [
    ['YAML', 'tenantId: contoso.com\nuseManagedIdentityExtension: true\n', { useManagedIdentityExtension: true }],
    [
      'the words of YAML 1.1',
      'tenantId: contoso.com\nuseManagedIdentityExtension: yes\n',
      { useManagedIdentityExtension: true },
    ],
    ['comments and a comma at the end', '{"tenantId": "contoso.com", # the tenant\n}', {}],
    [
      'a secret that looks like a number',
      'tenantId: contoso.com\naadClientSecret: 0123e5\n',
      { aadClientSecret: '0123e5' },
    ],
    ['a secret in quotes', "tenantId: contoso.com\naadClientSecret: 'yes'\n", { aadClientSecret: 'yes' }],
    ['nulls', 'tenantId: contoso.com\naadClientId: ~\naadClientSecret:\n', {}],
    ['an alias', 'cloud: &a contoso.com\ntenantId: *a\n', { cloud: 'contoso.com' }],
    ['other keys twice', 'location: a\nlocation: b\ntenantId: contoso.com\n', {}],
    ['nested keys of the same name', '{"tenantId": "contoso.com", "other": {"tenantId": 1}}', {}],
  ];
  test.each(yamls)('%s', async (_what, content, expected) => {
    expect(await read(content)).toEqual({ tenantId: 'contoso.com', ...expected });
  });

  test('its secrets into those that are redacted', async () => {
    const runtime = makeRuntime();
    await readAzureJson(runtime, write({ aadClientSecret: SECRET, aadClientCertPassword: 'a password' }));
    expect([...runtime.secrets]).toEqual([SECRET, 'a password']);
  });
});

describe('readAzureJson rejects', () => {
  const rows: readonly (readonly [what: string, content: string | object, problem: string])[] = [
    ['a list', '[]', 'it must contain an object'],
    ['a word', 'hello', 'it must contain an object'],
    ['nothing', '', 'it must contain an object'],
    ['a broken text', `{"aadClientSecret": "${SECRET}`, 'it is neither JSON nor YAML (line 1 column 47)'],
    ['a tab in YAML', `aadClientSecret: ${SECRET}\n\ttenantId: x\n`, 'it is neither JSON nor YAML (line 2 column 1)'],
    [
      'a key twice',
      `{"aadClientSecret": "${SECRET}", "aadClientSecret": "x"}`,
      'it has "aadClientSecret" twice, again in line 1',
    ],
    ['a key twice in YAML', 'tenantId: a\nuseFoo: 1\ntenantId: a\n', 'it has "tenantId" twice, again in line 3'],
    ['a key twice in another case', { tenantId: 'a', TenantID: 'b' }, 'it has "tenantId" twice'],
    ['a key twice in YAML, in another case', 'tenantId: a\ntenantID: b\n', 'it has "tenantId" twice, again in line 2'],
    [
      'a flag in quotes',
      { useManagedIdentityExtension: 'true' },
      '"useManagedIdentityExtension" must be true or false',
    ],
    ['a number as the tenant', { tenantId: 72 }, '"tenantId" must be the id or domain of a tenant'],
    ['a tenant that is a path', { tenantId: '../common' }, '"tenantId" must be the id or domain of a tenant'],
    ['a list as the secret', { aadClientSecret: [SECRET] }, '"aadClientSecret" must be text'],
    ['an object as the secret in YAML', `aadClientSecret: {a: ${SECRET}}`, '"aadClientSecret" must be text'],
    ['a secret of two lines', { aadClientSecret: `${SECRET}\n` }, '"aadClientSecret" must be text'],
    ['a relative path', { aadClientCertPath: 'client.pfx' }, '"aadClientCertPath" must be an absolute path'],
    ['another relative path', { aadFederatedTokenFile: './token' }, '"aadFederatedTokenFile" must be an absolute path'],
    ['100 MB', `{"a": "${'x'.repeat(100_000_000)}"}`, 'it is larger than 65536 bytes'],
  ];
  test.each(rows)('%s, with one line that holds no value', async (_what, content, problem) => {
    const { code, message, hint, causes } = await catchFailure(() => read(content));
    const file = folder.path('azure.json');
    expect({ code, message, causes }).toEqual({
      code: 'CONFIG_INVALID',
      message: `Cannot use ${file}: ${problem}`,
      causes: [],
    });
    expect(hint).toContain(` ${file}`);
  });

  test.each(['[', '{a: ', '- '])('nothing but %j, soon', async (content) => {
    const startedMs = performance.now();
    const { message } = await catchFailure(() => read(content.repeat(16_000 / content.length)));
    expect(message).toContain('it is neither JSON nor YAML');
    expect(performance.now() - startedMs).toBeLessThan(3_000);
  });

  test('nothing but aliases, soon', async () => {
    const startedMs = performance.now();
    expect(await read('a: &a x\n'.concat('b: *a\n'.repeat(5_000)))).toEqual({});
    expect(performance.now() - startedMs).toBeLessThan(3_000);
  });

  test.each([0o664, 0o646])('a file with the mode %o, since others can write to it', async (mode) => {
    const file = write({}, mode);
    const { message, hint } = await catchFailure(() => readAzureJson(makeRuntime(), file));
    expect(message).toBe(`Cannot use ${file}: others can write to it`);
    expect(hint).toBe(`chmod go-w ${file}`);
  });

  test('a file of another user', async (context) => {
    needRoot(context);
    const file = write({});
    chownSync(file, 1234, 1234);
    const { message, hint } = await catchFailure(() => readAzureJson(makeRuntime(), file));
    expect(message).toBe(`Cannot use ${file}: it belongs to another user (1234)`);
    expect(hint).toBe(`chown root ${file}`);
  });

  test('a file that is not there', async () => {
    const file = folder.path('none.json');
    const { code, message, hint } = await catchFailure(() => readAzureJson(makeRuntime(), file));
    expect({ code, message }).toEqual({ code: 'CONFIG_INVALID', message: `Cannot use ${file}: there is no such file` });
    expect(hint).toBe(`ls -l ${file}; outside of Azure, leave it out of the "args" of the kubelet's configuration`);
  });

  test('a folder and a named pipe', async () => {
    makeNamedPipe(folder.path('pipe'));
    mkdirSync(folder.path('folder'));
    for (const file of [folder.path('folder'), folder.path('pipe')]) {
      const { message, hint } = await catchFailure(() => readAzureJson(makeRuntime(), file));
      expect(message).toBe(`Cannot use ${file}: it is not a regular file`);
      expect(hint).toBe(`ls -l ${file}`);
    }
  });
});
