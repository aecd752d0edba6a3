/** A real client with every identity that a machine can have, and the answers that remain without the identity. */
import { randomUUID } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, type TestContext } from 'vitest';
import { addApplication, findTenant, OBJECT_ID, TENANT_ID } from '../emulator/state.ts';
import { expectAnswer, expectFailure } from './world/answer.ts';
import { LOGIN_SERVER } from './world/cloud.ts';
import { installIdentities, type SetUp } from './world/identities.ts';
import type { Machine } from './world/machine.ts';
import { needParts, partOf } from './world/parts.ts';
import { openCloud } from './world/test-cloud.ts';

const cloud = await openCloud();
const identities = await installIdentities(cloud);
let machine: Machine;

beforeEach(() => {
  machine = cloud.addMachine({ identity: 'nobody' });
});
afterEach(() => identities.close());

/** Adds the configuration that names an identity for the login server. */
function choose(identity: object, { environment, takeAway }: SetUp): SetUp {
  const config = machine.configure({ registries: { [LOGIN_SERVER]: { identity } } });
  return { environment: { ...environment, ...config }, takeAway };
}

/** Writes a custom program that prints the given token. */
function writeCommand(token: string): { readonly command: readonly string[]; readonly takeAway: SetUp['takeAway'] } {
  const file = join(machine.folder, 'vault-token');
  const text = JSON.stringify({ access_token: token });
  writeFileSync(file, `#!/bin/sh\n[ "$1 $2" = 'read azure' ] && echo '${text}'\n`, { mode: 0o700 });
  return { command: [file, 'read', 'azure'], takeAway: async () => rmSync(file) };
}

interface SourceCase {
  readonly name: string;
  readonly setUp: () => SetUp | Promise<SetUp>;
  /** The proofs that Azure sees at the one sign-in. */
  readonly proofs: readonly string[];
  /** The answer without the identity and without the cache, for an identity that is not only in the environment. */
  readonly missing?: RegExp;
}

const CASES: readonly SourceCase[] = [
  { name: 'a client secret', setUp: () => identities.clientSecret(), proofs: ['client secret'] },
  {
    name: 'a certificate',
    setUp: () => identities.certificate(machine),
    proofs: ['certificate'],
    missing: /^Cannot sign in for \S+: .*client\.pem/,
  },
  {
    name: 'a certificate and an encrypted key',
    setUp: () => identities.certificate(machine, 'encrypted'),
    proofs: ['certificate'],
  },
  {
    name: 'a workload identity',
    setUp: () => identities.workloadIdentity(machine),
    proofs: ['cluster'],
    missing: /^Cannot sign in for \S+: there is no file \S+azure-identity-token,/,
  },
  { name: 'a job of GitHub Actions', setUp: () => identities.githubActions(), proofs: ['GitHub'] },
  { name: 'a task of Azure Pipelines', setUp: () => identities.azurePipelines(), proofs: ['Azure Pipelines'] },
  {
    name: 'a job of GitLab',
    setUp: () => choose({ type: 'workload-identity', tokenEnv: 'ACR_ID_TOKEN' }, identities.gitlab('ACR_ID_TOKEN')),
    proofs: ['GitLab'],
  },
  { name: 'App Service', setUp: () => identities.managedIdentity('app service'), proofs: ['app service'] },
  {
    name: 'a virtual machine',
    setUp: () => identities.managedIdentity('metadata service'),
    proofs: ['metadata service'],
    missing: /^credentials not found in native keychain\n$/,
  },
  {
    name: 'a configured managed identity',
    setUp: async () => choose({ type: 'managed-identity' }, await identities.managedIdentity('metadata service')),
    proofs: ['metadata service'],
  },
  {
    name: 'a command',
    setUp: () => {
      const { command, takeAway } = writeCommand(cloud.emulator.entraToken());
      return choose({ type: 'command', command }, { environment: {}, takeAway });
    },
    proofs: [],
    missing: /^Cannot sign in for \S+: \S+vault-token cannot be run/,
  },
];

describe.each(CASES)('crane with $name', ({ setUp, proofs, missing }) => {
  it('reads a manifest with one sign-in, and again after the identity is gone', async (context: TestContext) => {
    needParts(context, 'crane', 'docker-registry');
    await cloud.seed('team/app', '1');
    const { environment, takeAway } = await setUp();
    const read = () => machine.run(partOf('crane'), ['manifest', `${LOGIN_SERVER}/team/app:1`], { environment });
    const first = await read();
    expect(first).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('schemaVersion'), stderr: '' });
    expect(identities.proofs()).toEqual(proofs);
    expect(cloud.signIns().filter((one) => one.startsWith('exchange'))).toEqual(['exchange 200']);

    await takeAway();
    identities.forget();
    expect(await read()).toEqual(first);
    expect([...identities.proofs(), ...cloud.signIns()]).toEqual([]);
    // The program does not even open a connection, as it would to sign in.
    identities.forget();
    const get = await machine.helper('get', LOGIN_SERVER, { environment });
    expect(expectAnswer(get).subject).toBe(OBJECT_ID);
    expect(cloud.emulator.connects).toEqual([]);

    if (missing === undefined) return;
    rmSync(join(machine.folder, 'cache'), { recursive: true });
    const { exitCode, stdout } = await machine.helper('get', LOGIN_SERVER, { environment });
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: expect.stringMatching(missing) });
  });
});

describe('identities named in the configuration', () => {
  const tenant = findTenant(cloud.emulator.state, TENANT_ID);
  if (tenant === undefined) throw new Error('The emulator begins with a tenant');
  const [prod, europe] = ['prod-secret-Q~x.1', 'europe-secret-Q~x.2'].map((secret) => ({
    secret,
    application: addApplication(tenant, { clientId: randomUUID(), objectId: randomUUID(), secret }),
  }));
  if (prod === undefined || europe === undefined) throw new Error('There are two applications');

  const prepare = async () => {
    const secretFile = join(machine.folder, 'prod-secret');
    writeFileSync(secretFile, `${prod.secret}\n`, { mode: 0o600 });
    const vault = writeCommand(cloud.emulator.entraToken({ objectId: 'abcdabcd-1111-4222-8333-abcdabcdabcd' }));
    const config = machine.configure({
      identities: {
        prod: {
          type: 'client-secret',
          clientId: prod.application.clientId,
          tenantId: TENANT_ID,
          clientSecretFile: secretFile,
        },
        europe: {
          type: 'client-secret',
          clientId: europe.application.clientId,
          tenantId: TENANT_ID,
          clientSecretEnv: 'EUROPE_SECRET',
        },
        vault: { type: 'command', command: vault.command },
        wrong: { type: 'client-secret', clientSecret: 'does-not-belong-here-Q~x' },
      },
      registries: {
        '*.azurecr.io': { identity: 'workload-identity' },
        'prod*.azurecr.io': { identity: 'prod' },
        'prodeu*.azurecr.io': { identity: 'europe' },
        'prodeu9.azurecr.io': { identity: 'vault' },
        'wrong1.azurecr.io': { identity: 'wrong' },
      },
    });
    const pod = identities.workloadIdentity(machine);
    const environment = { ...pod.environment, ...config, EUROPE_SECRET: europe.secret };
    return (host: string) => machine.helper('get', host, { environment });
  };

  it('sign in for the registries that match their exact name or longest pattern', async () => {
    const get = await prepare();
    const hosts = ['team1.azurecr.io', 'prod1.azurecr.io', 'prodeu1.azurecr.io', 'prodeu9.azurecr.io'];
    const subjects = ['', '', '', ''];
    for (const [index, host] of hosts.entries()) subjects[index] = expectAnswer(await get(host)).subject ?? '';
    expect(subjects).toEqual([
      OBJECT_ID,
      prod.application.objectId,
      europe.application.objectId,
      'abcdabcd-1111-4222-8333-abcdabcdabcd',
    ]);
    identities.forget();
    for (const host of hosts) expectAnswer(await get(host));
    expect(cloud.emulator.connects).toEqual([]);
  });

  it('fail for their own registries and no others when they hold a secret in the file', async () => {
    const get = await prepare();
    const story = expectFailure(await get('wrong1.azurecr.io'));
    expect(story).toContain('contains a secret in "clientSecret"');
    expect(story).toMatch(/^hint: use "clientSecretFile", /m);
    expect(story).not.toContain('does-not-belong-here');
    expect(cloud.emulator.connects).toEqual([]);
    expectAnswer(await get('prod1.azurecr.io'));
  });
});
