/** Replacing docker-credential-acr-env under its own name: with the same environment both use the same identity. */
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it, type TestContext } from 'vitest';
import { parseJsonRecord, parseString } from '../emulator/json.ts';
import { ACR_AUDIENCE, NULL_GUID } from '../emulator/state.ts';
import { decodeToken } from '../emulator/tokens.ts';
import { expectAnswer, expectFailure } from './world/answer.ts';
import { LOGIN_SERVER } from './world/cloud.ts';
import { installIdentities } from './world/identities.ts';
import type { Machine } from './world/machine.ts';
import { needParts, PROGRAM, partOf } from './world/parts.ts';
import { installBesidePeer } from './world/peer.ts';
import { openCloud } from './world/test-cloud.ts';

type Variables = Readonly<Record<string, string>>;

const NAME = 'docker-credential-acr-env';
const PUBLIC = LOGIN_SERVER;
const GOVERNMENT = 'contoso.azurecr.us';

const cloud = await openCloud();
const identities = await installIdentities(cloud);
const { clientSecret, gitlab, workloadIdentity } = identities;
let machine: Machine;

beforeEach((context: TestContext) => {
  machine = cloud.addMachine({ identity: 'nobody' });
  needParts(context, NAME);
  writeFileSync(
    machine.dockerConfigFile,
    JSON.stringify({ credHelpers: { [PUBLIC]: 'acr-env', [GOVERNMENT]: 'acr-env', 'ghcr.io': 'other' } }),
  );
  installBesidePeer(machine, NAME);
});
afterAll(() => identities.close());

const run = (whose: 'ours' | 'peer', verb: string, environment: Variables = {}, input = '') =>
  machine.run(join(machine.folder, whose, NAME), [verb], { environment, input, printsSecret: verb === 'get' });

/** The claims of a registry's token, without those that differ from token to token. */
function describeToken(secret: string): Readonly<Record<string, unknown>> {
  const { jti: _id, iat: _issued, nbf: _start, exp: _end, ...claims } = decodeToken(secret)?.claims ?? {};
  return claims;
}

/** Takes the identity and its proof from the token request, for either version of Entra's endpoint. */
function takeTokenRequest() {
  const [request, ...others] = cloud.emulator.requests.filter(({ path }) => /\/oauth2\/(v2\.0\/)?token$/.test(path));
  expect(others).toEqual([]);
  cloud.forget();
  const { client_id, client_secret, client_assertion, client_assertion_type, grant_type } = request?.form ?? {};
  const tenant = request?.path.split('/')[1];
  // The peer also sends the final line feed of a file.
  const proof = { client_secret, client_assertion: client_assertion?.trim(), client_assertion_type };
  return { who: { host: request?.host, tenant, client_id, grant_type, ...proof }, form: request?.form ?? {} };
}

/** A federated token in a variable and in a file at the same time. */
const withBoth = (): Variables => ({
  ...workloadIdentity(machine).environment,
  ...gitlab('AZURE_FEDERATED_TOKEN').environment,
});

describe.each<readonly [what: string, host: string, environment: () => Variables]>([
  ['AZURE_CLIENT_SECRET', PUBLIC, () => clientSecret().environment],
  ['AZURE_FEDERATED_TOKEN', PUBLIC, () => gitlab('AZURE_FEDERATED_TOKEN').environment],
  ['AZURE_FEDERATED_TOKEN_FILE', PUBLIC, () => workloadIdentity(machine).environment],
  ['a federated token in both variables', PUBLIC, withBoth],
  ['a secret and a federated token', PUBLIC, () => ({ ...withBoth(), ...clientSecret().environment })],
  ['AZURE_ENVIRONMENT', GOVERNMENT, () => ({ ...clientSecret().environment, AZURE_ENVIRONMENT: 'AzureUSGovernment' })],
])('with %s, for %s', (_what, host, getEnvironment) => {
  it('both programs sign in as the same identity with the same proof', async () => {
    const environment = getEnvironment();
    const peer = await run('peer', 'get', environment, host);
    expect(peer).toMatchObject({ exitCode: 0, stderr: '' });
    const theirs = parseJsonRecord(peer.stdout);
    const theirRequest = takeTokenRequest();

    const ours = expectAnswer(await run('ours', 'get', environment, host));
    const ourRequest = takeTokenRequest();
    expect(ourRequest.who).toEqual(theirRequest.who);
    expect(theirs).toMatchObject({ ServerURL: host, Username: '<token>' });
    expect(ours).toMatchObject({ serverUrl: host, username: NULL_GUID });
    expect(describeToken(ours.secret)).toEqual(describeToken(parseString(theirs?.['Secret']) ?? ''));
    // The intended difference: a token for registries only, instead of one for all of Azure.
    expect(ourRequest.form['scope']).toBe(`${ACR_AUDIENCE}/.default`);
    expect(theirRequest.form['resource']).toMatch(/^https:\/\/management\./);

    expect(expectAnswer(await run('ours', 'get', environment, host))).toEqual(ours);
    expect(cloud.emulator.connects).toEqual([]);
  });
});

it('crane reads the same manifest with either program on PATH', async (context) => {
  needParts(context, 'crane', 'docker-registry');
  await cloud.seed('team/app', '1');
  const read = (whose: 'ours' | 'peer') => {
    const PATH = `${join(machine.folder, whose)}:/usr/bin:/bin`;
    const environment = { ...clientSecret().environment, PATH };
    return machine.run(partOf('crane'), ['manifest', `${PUBLIC}/team/app:1`], { environment });
  };
  const theirs = await read('peer');
  expect(theirs).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('schemaVersion'), stderr: '' });
  expect(await read('ours')).toEqual(theirs);
});

it('"identity-token" returns the user name that docker-credential-acr-env returned', async () => {
  const config = machine.configure({ registries: { [PUBLIC]: { secret: 'identity-token' } } });
  const answer = expectAnswer(await run('ours', 'get', { ...clientSecret().environment, ...config }, PUBLIC));
  expect(answer.username).toBe('<token>');
});

it('a copy or a link of that name lists the registries that Docker’s configuration assigns to it', async () => {
  const copy = join(machine.folder, NAME);
  copyFileSync(PROGRAM, copy);
  for (const program of [copy, join(machine.folder, 'ours', NAME)]) {
    const list = await machine.run(program, ['list']);
    expect(list).toMatchObject({ exitCode: 0, stderr: '' });
    expect(JSON.parse(list.stdout)).toEqual({ [PUBLIC]: NULL_GUID, [GOVERNMENT]: NULL_GUID });
  }
  expect((await run('ours', 'version')).stdout).toMatch(/^docker-credential-acr-env \(docker-credential-acr\) v\d/);
});

it('both programs fail with a wrong secret, and ours explains what is wrong', async () => {
  const environment = { ...clientSecret().environment, AZURE_CLIENT_SECRET: 'wrong-secret-Q~x' };
  expect((await run('peer', 'get', environment, PUBLIC)).exitCode).toBe(1);
  const story = expectFailure(await run('ours', 'get', environment, PUBLIC));
  expect(story).toContain('the client secret is wrong (AADSTS7000215)');
});
