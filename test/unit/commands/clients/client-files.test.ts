import { chmodSync, mkdirSync, rmdirSync } from 'node:fs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { listClientFiles, readClientConfig } from '../../../../src/commands/clients/client-config.ts';
import { chooseFilesToAddTo, chooseFilesToRemoveFrom } from '../../../../src/commands/clients/client-files.ts';
import { needRoot } from '../../other-user.ts';
import { DOCKER, HELM, PODMAN, PODMAN_RUN, useClientMachine } from './client-machine.ts';

const machine = useClientMachine();
const OTHER_USER = 65_534;

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

  test("leave out podman's where only root can look", (context) => {
    needRoot(context);
    if (mkdirSync('/run/containers', { recursive: true, mode: 0o700 }) !== undefined) {
      onTestFinished(() => rmdirSync('/run/containers'));
    }
    const kept = machine.write(PODMAN_RUN);
    chmodSync(machine.path('run'), 0o700);
    process.seteuid?.(OTHER_USER);
    try {
      for (const [variable, passedOver] of [
        ['', `/run/containers/${OTHER_USER}/auth.json`],
        [machine.path('run'), kept],
      ] as const) {
        const runtime = machine.runtime({ XDG_RUNTIME_DIR: variable });
        const listed = listClientFiles(runtime).find(({ file }) => file === passedOver);
        expect(listed === undefined ? undefined : readClientConfig(listed).state).toBe('missing');
        const files = [
          ...chooseFilesToAddTo(runtime, []),
          ...chooseFilesToAddTo(runtime, ['podman']),
          ...chooseFilesToRemoveFrom(runtime, []),
        ];
        expect(files.map(({ file }) => file)).not.toContain(passedOver);
      }
    } finally {
      process.seteuid?.(0);
    }
  });

  test('to remove from are all that exist', () => {
    for (const name of [DOCKER, PODMAN]) machine.write(name);
    expect(chooseFilesToRemoveFrom(machine.runtime(), []).map(({ client }) => client)).toEqual(['docker', 'podman']);
    expect(chooseFilesToRemoveFrom(machine.runtime(), ['podman']).map(({ client }) => client)).toEqual(['podman']);
  });
});
