/** `get` on a server of Azure Arc, whose agent demands the key in a file and must not get another file. */

import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, test } from 'vitest';
import { makeNamedPipe } from '../unit/named-pipe.ts';
import { useTemporaryFolder } from '../unit/temporary-folder.ts';
import { ARC_FOLDER, ARC_KEY, NEEDS_ROOT, useManagedIdentityWorld } from './managed-identity-world.ts';

const host = useManagedIdentityWorld('arc');
const folder = useTemporaryFolder();

/** A file that the agent does not own. */
function writeOther(text: string): string {
  writeFileSync(folder.path('other'), text);
  return folder.path('other');
}

describe('Azure Arc', () => {
  beforeEach(({ skip }) => {
    skip(!host().hasArcFolder, NEEDS_ROOT);
  });

  test('is asked at 127.0.0.1 when its endpoint names localhost', async () => {
    const variables = host().environment('azure arc');
    await host().get({
      ...variables,
      IDENTITY_ENDPOINT: variables['IDENTITY_ENDPOINT']?.replace('127.0.0.1', 'localhost'),
    });
    expect(host().server.requests.map(({ headers }) => headers['host'])).toEqual(
      Array(2).fill(new URL(host().server.url).host),
    );
  });

  test.each([
    `Basic realm=/etc/passwd`,
    `Basic realm=/etc/docker-credential-acr-test.key`,
    `Basic realm=${ARC_FOLDER}/../docker-credential-acr-test.key`,
    `Basic realm=${ARC_FOLDER}/./docker-credential-acr-test.key`,
    `Basic realm=${ARC_FOLDER}//docker-credential-acr-test.key`,
    `Basic realm=${ARC_FOLDER}/deeper/docker-credential-acr-test.key`,
    `Basic realm=${ARC_FOLDER}/docker-credential-acr-test.key/`,
    `Basic realm=${ARC_FOLDER}/docker-credential-acr-test.txt`,
    `Basic realm=${ARC_FOLDER}/.key`,
    `Basic realm=${ARC_FOLDER.toUpperCase()}/docker-credential-acr-test.key`,
    'Basic realm=docker-credential-acr-test.key',
    'Basic realm=C:\\ProgramData\\AzureConnectedMachineAgent\\Tokens\\one.key',
  ])('gets no key when it names another file: %s', async (arcChallenge) => {
    host().server.state.arcChallenge = arcChallenge;
    expect(await host().fail(host().environment('azure arc'))).toContain('named a file that is not one of its keys');
    expect(host().server.requests.length).toBe(1);
  });

  test.each(['Bearer realm=x', 'Basic', 'Basic realm=', ''])(
    'gets no key when its challenge is %j',
    async (arcChallenge) => {
      host().server.state.arcChallenge = arcChallenge;
      expect(await host().fail(host().environment('azure arc'))).toContain('named no key file');
      expect(host().server.requests.length).toBe(1);
    },
  );

  test('is not trusted when it does not demand its key', async () => {
    host().server.answerNext({ body: JSON.stringify({ access_token: host().world.emulator.entraToken() }) });
    expect(await host().fail(host().environment('azure arc'))).toContain('did not ask for its key');
  });

  test('gets a key of 4096 bytes and no larger one', async () => {
    const largest = 'k'.repeat(4096);
    host().world.emulator.state.issuedSecrets.add(largest);
    host().server.state.arcKey = largest;
    try {
      writeFileSync(host().arcFile, largest);
      await host().get(host().environment('azure arc'));
      host().world.forgetTokens();
      writeFileSync(host().arcFile, `${largest}k`);
      expect(await host().fail(host().environment('azure arc'))).toContain('it is larger than 4096 bytes');
    } finally {
      host().server.state.arcKey = ARC_KEY;
    }
  });

  test.each([
    ['is missing', undefined, 'there is no such file'],
    ['is empty', '', 'it does not contain a key'],
    ['holds more than a key', `${ARC_KEY}\r\nX-Other: header`, 'it does not contain a key'],
  ])('leads to a hint at the group that may read its key file when that %s', async (_name, text, reason) => {
    if (text === undefined) rmSync(host().arcFile);
    else writeFileSync(host().arcFile, text);
    const stderr = await host().fail(host().environment('azure arc'));
    expect(stderr).toContain(`cause: ${host().arcFile}: ${reason}\n`);
    expect(stderr).toContain('hint: sudo usermod -aG himds ');
    expect(host().server.requests.length).toBe(1);
  });

  test.each([
    ['a link to another file', (file: string) => symlinkSync(writeOther(ARC_KEY), file), 'it is a link'],
    ['a link to nothing', (file: string) => symlinkSync('/nowhere/at/all', file), 'it is a link'],
    ['a link to itself', (file: string) => symlinkSync(file, file), 'it is a link'],
    ['a folder', (file: string) => mkdirSync(file), 'it is not a regular file'],
    ['a named pipe', makeNamedPipe, 'it is not a regular file'],
  ])('gets nothing when its key file is %s', async (_what, replace, reason) => {
    rmSync(host().arcFile);
    replace(host().arcFile);
    try {
      const stderr = await host().fail(host().environment('azure arc'));
      expect(stderr).toContain(`cause: ${host().arcFile}: ${reason}\n`);
      expect(host().server.requests.length).toBe(1);
    } finally {
      rmSync(host().arcFile, { recursive: true, force: true });
    }
  });

  test('is not asked again when it refuses the key', async () => {
    writeFileSync(host().arcFile, 'another-key-secret');
    expect(await host().fail(host().environment('azure arc'))).toContain('HTTP 403 unauthorized: The key is wrong');
    expect(host().server.requests.length).toBe(2);
  });

  test.each(['clientId', 'objectId', 'resourceId'] as const)(
    'is not trusted when it is too old for "%s"',
    async (name) => {
      host().server.state.isArcAgentNew = false;
      host().choose(name);
      expect(await host().fail(host().environment('azure arc'))).toContain(
        `returned no token for the identity that "${name}" names`,
      );
      expect(host().world.seen()).toEqual([]);
    },
  );
});
