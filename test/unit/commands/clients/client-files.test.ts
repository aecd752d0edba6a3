import { describe, expect, test } from 'vitest';
import { chooseFilesToAddTo, chooseFilesToRemoveFrom } from '../../../../src/commands/clients/client-files.ts';
import { DOCKER, HELM, PODMAN, PODMAN_RUN, useClientMachine } from './client-machine.ts';

const machine = useClientMachine();

describe('the files to add to', () => {
  test.each([
    ['docker only, where nothing else is there', [], [], [DOCKER]],
    ["podman's that exist", [PODMAN_RUN, PODMAN], [], [DOCKER, PODMAN_RUN, PODMAN]],
    ["helm's that exists", [HELM], [], [DOCKER, HELM]],
    ["helm's where it would ask a keychain", ['bin/helm', 'bin/docker-credential-pass'], [], [DOCKER, HELM]],
    ['docker only, where helm asks no keychain', ['bin/helm'], [], [DOCKER]],
    ['the lasting one of podman, if it is chosen and has none', [], ['podman'], [PODMAN]],
    ['those of podman that exist, if it is chosen', [PODMAN_RUN], ['podman'], [PODMAN_RUN]],
    ["helm's and docker's, if they are chosen", [PODMAN], ['docker', 'helm'], [DOCKER, HELM]],
  ] as const)('are %s', (_name, existing, clients, expected) => {
    for (const name of existing) machine.write(name, '{}', 0o700);
    expect(chooseFilesToAddTo(machine.runtime(), clients).map(({ file }) => file)).toEqual(
      expected.map((name) => machine.path(name)),
    );
  });

  test('to remove from are all that exist', () => {
    for (const name of [DOCKER, PODMAN]) machine.write(name);
    expect(chooseFilesToRemoveFrom(machine.runtime(), []).map(({ client }) => client)).toEqual(['docker', 'podman']);
    expect(chooseFilesToRemoveFrom(machine.runtime(), ['podman']).map(({ client }) => client)).toEqual(['podman']);
  });
});
