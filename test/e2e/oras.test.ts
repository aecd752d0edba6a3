/** oras and notation, which find credentials with the same library. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, type TestContext } from 'vitest';
import { LOGIN_SERVER } from './world/cloud.ts';
import type { Machine, MachineOptions } from './world/machine.ts';
import { needParts, partOf } from './world/parts.ts';
import { expectDone, listAnonymousTokenRequests, listPushed, WRONG_SECRET } from './world/registry-client.ts';
import { openCloud } from './world/test-cloud.ts';

const IMAGE = `${LOGIN_SERVER}/team/app:1`;
const cloud = await openCloud();

describe('oras', () => {
  function setUp(context: TestContext, options: MachineOptions = {}) {
    needParts(context, 'oras', 'docker-registry');
    const machine = cloud.addMachine(options);
    writeFileSync(join(machine.folder, 'home', 'note.txt'), 'pushed by a test\n');
    return (...args: readonly string[]) => machine.run(partOf('oras'), args);
  }

  it('pushes a file with one sign-in, and pulls and copies it without one', async (context) => {
    const oras = setUp(context);
    const artifact = `${LOGIN_SERVER}/team/oras:1`;
    expectDone(await oras('push', artifact, 'note.txt:text/plain'));
    expect(listPushed(cloud)).toEqual(['team/oras:1']);
    expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);

    cloud.forget();
    const [pull, copy] = await Promise.all([
      oras('pull', artifact, '--output', 'pulled'),
      oras('copy', artifact, `${LOGIN_SERVER}/team/oras-copy:1`),
    ]);
    expect(expectDone(pull).stdout).toContain(`Pulled [registry] ${artifact}`);
    expectDone(copy);
    expect(listPushed(cloud)).toEqual(['team/oras-copy:1']);
    expect(cloud.signIns()).toEqual([]);
  });

  it('fails with our line when the sign-in fails, and asks for no token', async (context) => {
    const oras = setUp(context, { identity: 'wrong secret' });
    const fetch = await oras('manifest', 'fetch', IMAGE);
    expect(fetch).toMatchObject({ exitCode: 1, stdout: '' });
    expect(fetch.stderr).toMatch(/^Error: .*AADSTS7000215/m);
    expect(fetch.stderr.split('\n').find((line) => line.startsWith('Error: '))).toContain(WRONG_SECRET);
    expect(listAnonymousTokenRequests(cloud)).toEqual([]);
  });
});

describe('notation', () => {
  let machine: Machine;
  const settings = () => ({ XDG_CONFIG_HOME: join(machine.folder, 'home', 'config') });
  const notation = (...args: readonly string[]) => machine.run(partOf('notation'), args, { environment: settings() });

  beforeEach(async (context: TestContext) => {
    needParts(context, 'notation', 'docker-registry');
    await cloud.seed('team/app', '1');
    cloud.forget();
  });

  it('signs an image with one sign-in, and verifies the signature without one', async () => {
    machine = cloud.addMachine();
    expectDone(await notation('cert', 'generate-test', '--default', 'contoso.test'));
    trustAllOf('contoso.test');
    const sign = expectDone(await notation('sign', IMAGE));
    expect(sign.stdout).toContain(`Successfully signed ${LOGIN_SERVER}/team/app@sha256:`);
    expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);

    cloud.forget();
    const verify = expectDone(await notation('verify', IMAGE));
    expect(verify.stdout).toContain(`Successfully verified signature for ${LOGIN_SERVER}/team/app@sha256:`);
    expect(cloud.signIns()).toEqual([]);
  });

  it('fails with our line when the sign-in fails, and asks for no token', async () => {
    machine = cloud.addMachine({ identity: 'wrong secret' });
    const list = await notation('list', IMAGE);
    expect(list).toMatchObject({ exitCode: 1, stdout: '' });
    expect(list.stderr.split('\n').find((line) => line.startsWith('Error: '))).toContain(WRONG_SECRET);
    expect(listAnonymousTokenRequests(cloud)).toEqual([]);
  });

  /** Writes the policy that believes every signature of a certificate. */
  function trustAllOf(name: string): void {
    const policy = {
      name: 'all',
      registryScopes: ['*'],
      signatureVerification: { level: 'strict' },
      trustStores: [`ca:${name}`],
      trustedIdentities: ['*'],
    };
    const folder = join(settings().XDG_CONFIG_HOME, 'notation');
    mkdirSync(folder, { recursive: true });
    const text = JSON.stringify({ version: '1.0', trustPolicies: [policy] });
    writeFileSync(join(folder, 'trustpolicy.json'), text, { mode: 0o600 });
  }
});
