/** jib, a library that builds images and reads Docker's configuration in the home folder that Java names. */
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, it, type TestContext } from 'vitest';
import { findJibClassPath } from '../../scripts/parts/registry-clients.ts';
import { LOGIN_SERVER } from './world/cloud.ts';
import type { Machine, MachineOptions } from './world/machine.ts';
import { needParts, partOf } from './world/parts.ts';
import { listAnonymousTokenRequests, listPushed, WRONG_SECRET } from './world/registry-client.ts';
import { openCloud } from './world/test-cloud.ts';

const BASE = `${LOGIN_SERVER}/team/base:1`;
const IMAGE = `${LOGIN_SERVER}/team/jib:1`;
const PASSWORD = 'changeit';
const cloud = await openCloud();

beforeEach(async () => {
  await cloud.seed('team/base', '1');
  cloud.forget();
});

/** @returns a function that builds an image, with a home folder of Java's that has Docker's configuration. */
async function setUp(context: TestContext, options: MachineOptions = {}) {
  needParts(context, 'java', 'keytool', 'docker-registry');
  const classPath = findJibClassPath();
  if (classPath === undefined) return context.skip('not installed: jib');
  const machine = cloud.addMachine(options);
  const home = join(machine.folder, 'java-home');
  mkdirSync(join(home, '.docker'), { recursive: true });
  copyFileSync(machine.dockerConfigFile, join(home, '.docker', 'config.json'));
  const file = join(machine.folder, 'note.txt');
  writeFileSync(file, 'added by a test\n');
  const java = [...(await trustCloud(machine)), '-cp', classPath, 'JibClient', join(machine.folder, 'layers'), file];
  const build = (userHome: string) => machine.run(partOf('java'), [`-Duser.home=${userHome}`, ...java, IMAGE, BASE]);
  return { build, home, homeOfOthers: join(machine.folder, 'home') };
}

/** Puts the cloud's certificate where Java looks for it. @returns the options that name it and the proxy. */
async function trustCloud({ run, folder }: Machine): Promise<readonly string[]> {
  const store = join(folder, 'trust.p12');
  const options = ['-keystore', store, '-storetype', 'PKCS12', '-storepass', PASSWORD, '-noprompt'];
  const keytool = await run(partOf('keytool'), ['-importcert', '-file', cloud.emulator.caFile, ...options]);
  expect(keytool.exitCode).toBe(0);
  const { hostname, port } = new URL(cloud.emulator.proxyUrl);
  // Compiling less saves half of the processor time of so short a run.
  return [
    '-XX:TieredStopAtLevel=1',
    ...[`-Djavax.net.ssl.trustStore=${store}`, `-Djavax.net.ssl.trustStorePassword=${PASSWORD}`],
    ...[`-Dhttps.proxyHost=${hostname}`, `-Dhttps.proxyPort=${port}`],
  ];
}

it('jib builds on a private base image and pushes the result with one sign-in', async (context) => {
  const { build, home } = await setUp(context);
  const { exitCode, stdout, stderr } = await build(home);
  expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: expect.stringMatching(/^sha256:[0-9a-f]{64}\n$/) });
  expect(stderr).toContain(`Using credentials from Docker config (${join(home, '.docker', 'config.json')})`);
  expect(stderr).not.toContain('docker-credential-acr:');
  expect(listPushed(cloud)).toContain('team/jib:1');
  expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);
});

it('jib goes on anonymously when the sign-in fails, and where only HOME and DOCKER_CONFIG name the helper', async (context) => {
  const { build, home, homeOfOthers } = await setUp(context, { identity: 'wrong secret' });
  const [failing, unaware] = await Promise.all([build(home), build(homeOfOthers)]);
  for (const { exitCode, stdout, stderr } of [failing, unaware]) {
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toContain('RegistryAuthenticationFailedException');
  }
  // A warning, which the plug-ins show; the error that ends the build speaks of the registry alone.
  const [warning = '', error = ''] = failing.stderr.split('Exception in thread');
  expect(warning).toMatch(/^WARN: The credential helper \(docker-credential-acr\) has nothing for server URL/m);
  expect(warning).toContain(`Got output:\n\n${WRONG_SECRET}`);
  expect(error).not.toContain('AADSTS');
  expect(unaware.stderr).not.toContain('docker-credential-acr');
  expect(new Set(listAnonymousTokenRequests(cloud))).toEqual(new Set([401]));
});
