/** testcontainers for Node, in releases that read a credential helper in different ways. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, type TestContext } from 'vitest';
import {
  findTestcontainersModule,
  isTestcontainersInstalled,
  TESTCONTAINERS_VERSIONS,
} from '../../scripts/parts/testcontainers.ts';
import { NULL_GUID, registryOf } from '../emulator/state.ts';
import { LOGIN_SERVER } from './world/cloud.ts';
import { LOGIN_BACKENDS, prepareLoginBackend } from './world/login-backend.ts';
import type { Machine, MachineOptions } from './world/machine.ts';
import { openCloud } from './world/test-cloud.ts';

const ASK = join(import.meta.dirname, 'testcontainers', 'ask.mjs');
const FOREIGN_SERVER = 'ghcr.io';
const PASSWORD = 'Admin+pass/word=1%';

const cloud = await openCloud();
cloud.emulator.state.issuedSecrets.add(PASSWORD);
registryOf(cloud.emulator.state, LOGIN_SERVER);
let machine: Machine;

describe.each(TESTCONTAINERS_VERSIONS)('testcontainers %s', (version) => {
  /** @returns a function that asks for the credential of a host, and one that expects it to find none. */
  function setUp(context: TestContext, options: MachineOptions) {
    machine = cloud.addMachine(options);
    if (!isTestcontainersInstalled(version)) context.skip(`not installed: testcontainers-${version}`);
    const module = findTestcontainersModule(version);
    expect(existsSync(module)).toBe(true);
    const run = (host: string, environment: Readonly<Record<string, string>>, more: readonly string[]) =>
      machine.run(process.execPath, [ASK, module, host, ...more], { environment, printsSecret: true });
    const ask = async (
      host: string,
      environment: Readonly<Record<string, string>> = {},
      ...more: readonly string[]
    ) => {
      const result = await run(host, environment, more);
      expect(result).toMatchObject({ exitCode: 0, stderr: '' });
      return JSON.parse(result.stdout);
    };
    /** Expects no credential: release 12 continues without one, and older releases fail when one was listed. */
    const expectNone = async (...more: readonly string[]) => {
      const result = await run(LOGIN_SERVER, {}, more);
      if (Number.parseInt(version, 10) >= 12) {
        expect(result).toEqual({ exitCode: 0, stdout: 'null\n', stderr: '' });
        return;
      }
      expect(result).toMatchObject({ exitCode: 1, stdout: '' });
      expect(result.stderr).toContain('Error: An error occurred getting a credential');
      expect(result.stderr).not.toContain('EPIPE');
    };
    return { ask, expectNone };
  }

  it.for(['at once', 'late'])('reads a token when it closes the input %s', async (when, context) => {
    const { ask } = setUp(context, { identity: 'service principal' });
    const expected = {
      username: NULL_GUID,
      password: expect.stringMatching(/^eyJ/),
      registryAddress: LOGIN_SERVER,
    };
    expect(await ask(LOGIN_SERVER, {}, when)).toEqual(expected);
    expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);
    expect(await ask(LOGIN_SERVER, {}, when)).toEqual(expected);
    expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);
  });

  it.for(['at once', 'late'])(
    'finds nothing when nobody is signed in and it closes the input %s',
    async (when, context) => {
      const { expectNone } = setUp(context, { identity: 'nobody' });
      await expectNone(when);
      expect(cloud.emulator.connects).toEqual([]);
    },
  );

  it('finds nothing when the sign-in fails', async (context) => {
    const { expectNone } = setUp(context, { identity: 'wrong secret' });
    await expectNone();
    expect(cloud.signIns()).toEqual(['entra 401']);
  });

  it.for(['at once', 'late'])('finds nothing for a foreign host when it closes the input %s', async (when, context) => {
    const { ask } = setUp(context, { identity: 'service principal', credHelpers: [FOREIGN_SERVER] });
    expect(await ask(FOREIGN_SERVER, {}, when)).toBeNull();
    expect(cloud.emulator.connects).toEqual([]);
  });

  it.for(LOGIN_BACKENDS)('reads a login kept in %s', async (where, context) => {
    const { ask } = setUp(context, { identity: 'nobody', credHelpers: [LOGIN_SERVER, FOREIGN_SERVER] });
    const kept = await prepareLoginBackend(where, machine, context);
    for (const host of [LOGIN_SERVER, FOREIGN_SERVER]) {
      const payload = JSON.stringify({ ServerURL: host, Username: 'user', Secret: PASSWORD });
      const stored = await machine.helper('store', payload, { environment: kept.environment });
      expect(stored).toMatchObject({ exitCode: 0, stdout: '' });
      const expected = { username: 'user', password: PASSWORD, registryAddress: host };
      expect(await ask(host, kept.environment)).toEqual(expected);
      // The same with the program as the store for every registry.
      writeFileSync(machine.dockerConfigFile, JSON.stringify({ credsStore: 'acr' }));
      expect(await ask(host, kept.environment, 'late')).toEqual(expected);
    }
    expect(cloud.emulator.connects).toEqual([]);
  });
});
