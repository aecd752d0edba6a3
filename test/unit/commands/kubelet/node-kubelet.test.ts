/** Finding the kubelet in a node's process table, and restarting it. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { findPlaces } from '../../../../src/commands/kubelet/install-options.ts';
import {
  findNextSteps,
  formatFlags,
  formatNextSteps,
  mayRestart,
} from '../../../../src/commands/kubelet/install-text.ts';
import { findKubelet } from '../../../../src/commands/kubelet/node-kubelet.ts';
import { restartKubelet } from '../../../../src/commands/kubelet/restart-kubelet.ts';
import { useTemporaryFolder } from '../../temporary-folder.ts';
import { makeKubelet } from './node.ts';

const folder = useTemporaryFolder();
const SYSTEM_GROUP = '0::/../../system.slice/kubelet.service';
const CONFIG_FLAG = '--image-credential-provider-config';
const BIN_FLAG = '--image-credential-provider-bin-dir';

/** A process of the node. */
function addProcess(processId: number, words: readonly string[], group = SYSTEM_GROUP): string {
  const place = folder.path('proc', String(processId));
  mkdirSync(place, { recursive: true });
  writeFileSync(folder.path('proc', 'stat'), 'cpu 1 2 3\nbtime 1700000000\n');
  writeFileSync(`${place}/cmdline`, words.map((word) => `${word}\0`).join(''));
  writeFileSync(`${place}/cgroup`, `${group}\n`);
  writeFileSync(`${place}/stat`, `${processId} (a ) b) S 1 1 1 0 -1 4 0 0 0 0 1 2 0 0 20 0 1 0 12345 1 2 3\n`);
  return place;
}

const find = () => findKubelet(folder.path('proc'));

describe('finding the kubelet', () => {
  test('returns nothing where none is visible', () => {
    expect(find()).toBeUndefined();
    addProcess(1, ['/init', 'kubelet', 'x']);
    expect(find()).toBeUndefined();
  });

  test('reads its flags, its unit and when it started', () => {
    addProcess(812, ['/usr/bin/kubelet', '--v', '2', `${CONFIG_FLAG}=/etc/p.yaml`, BIN_FLAG, '/opt/bin/']);
    expect(find()).toEqual({
      processId: 812,
      program: 'kubelet',
      isBuiltIn: false,
      configPath: '/etc/p.yaml',
      binFolder: '/opt/bin/',
      unit: 'kubelet.service',
      startedAtSeconds: 1700000123.45,
      isElsewhere: false,
    });
  });

  test('takes the last of two flags, as the kubelet does', () => {
    addProcess(1, ['kubelet', `-${BIN_FLAG.slice(1)}=/a`, `${BIN_FLAG}=/b`]);
    expect(find()?.binFolder).toBe('/b');
  });

  test('ignores a program of a pod that calls itself so', () => {
    addProcess(3, ['kubelet'], '0::/../../kubepods-burstable.slice/kubepods-pod1.slice/cri-2.scope');
    expect(find()).toBeUndefined();
  });

  test.each([
    [['/usr/local/bin/k3s', 'server'], 'k3s', true],
    [['/usr/local/bin/k3s', 'kubectl'], undefined, undefined],
    [['/usr/local/bin/k3s-agent'], 'k3s', true],
  ])('knows the program that contains one: %j', (words, program, isBuiltIn) => {
    addProcess(5, words, '0::/system.slice/k3s.service');
    expect([find()?.program, find()?.isBuiltIn]).toEqual([program, isBuiltIn]);
  });
});

describe('restarting the kubelet', () => {
  const restart = (terminate: (processId: number) => void) =>
    restartKubelet({ processTable: folder.path('proc'), terminate, wait: () => Promise.resolve() });

  test('ends it, and waits until another one runs', async () => {
    const place = addProcess(812, ['kubelet']);
    const ended: number[] = [];
    const next = await restart((processId) => {
      ended.push(processId);
      rmSync(place, { recursive: true });
      addProcess(900, ['kubelet']);
    });
    expect([ended, next.processId]).toEqual([[812], 900]);
  });

  test.each([
    [
      '/usr/local/bin/k3s server',
      '0::/system.slice/k3s.service',
      'it is a part of k3s',
      'systemctl restart k3s.service',
    ],
    [
      'kubelet',
      '0::/system.slice/rke2-server.service',
      'it is not known what would start it again',
      'systemctl restart rke2-server.service',
    ],
    ['kubelet', '0::/user.slice', 'it is not known what would start it again', 'restart it in the way of this node'],
  ])('refuses %s of %s', async (words, group, why, hint) => {
    addProcess(5, words.split(' '), group);
    const refused = restart(() => {
      throw new Error('it must not be ended');
    });
    await expect(refused).rejects.toMatchObject({ message: `Cannot restart the kubelet: ${why}`, hint });
  });

  test('says what helps when it is not visible, cannot be signalled, or does not come back', async () => {
    const forbid = () => {
      throw Object.assign(new Error('kill EPERM'), { code: 'EPERM' });
    };
    await expect(restart(forbid)).rejects.toMatchObject({ message: 'Cannot restart the kubelet: it cannot be seen' });
    addProcess(812, ['kubelet']);
    await expect(restart(forbid)).rejects.toMatchObject({
      message: 'Cannot restart the kubelet: process 812 cannot be signalled (kill EPERM)',
      hint: 'systemctl restart kubelet.service',
    });
    await expect(restart(() => undefined)).rejects.toMatchObject({
      message:
        'Cannot restart the kubelet: process 812 was ended, and kubelet.service has not started another within a minute',
    });
  });
});

describe('where to install', () => {
  const AKS = {
    binFolder: '/var/lib/kubelet/credential-provider',
    configPath: '/var/lib/kubelet/credential-provider-config.yaml',
  };

  test.each([
    ['of AKS where no kubelet is visible', '/', undefined, AKS],
    ['of AKS on the node of a container', '/host', makeKubelet({ binFolder: '/opt/bin' }), AKS],
    ['of AKS for a kubelet that sees other files', '/', makeKubelet({ binFolder: '/x', isElsewhere: true }), AKS],
    ['of AKS for a kubelet without flags', '/', makeKubelet(), AKS],
    [
      'of its flags',
      '/',
      makeKubelet({ binFolder: '/opt/bin', configPath: '/etc/p.yaml' }),
      { binFolder: '/opt/bin', configPath: '/etc/p.yaml' },
    ],
    [
      'of a file in the folder of its flag',
      '/',
      makeKubelet({ binFolder: '/opt/bin', configPath: '/usr' }),
      { binFolder: '/opt/bin', configPath: '/usr/docker-credential-acr.yaml' },
    ],
    [
      'of k3s',
      '/',
      makeKubelet({ isBuiltIn: true }),
      {
        binFolder: '/var/lib/rancher/credentialprovider/bin',
        configPath: '/var/lib/rancher/credentialprovider/config.yaml',
      },
    ],
  ])('are the places %s', (_what, hostRoot, kubelet, expected) => {
    expect(findPlaces(hostRoot, kubelet)).toEqual(expected);
  });
});

describe('what is left to do', () => {
  const installed = { binFolder: '/opt/bin', configPath: '/etc/p.d/acr.yaml' };
  const steps = (changes: Parameters<typeof makeKubelet>[0], changedAt?: number) =>
    formatNextSteps(
      (_format, text) => text,
      makeKubelet(changes),
      findNextSteps(makeKubelet(changes), installed, changedAt),
    );
  const RESTART = 'next: systemctl restart kubelet.service (it reads its configuration at the start)\n';

  test.each([
    [{}, `next: give kubelet these flags: ${CONFIG_FLAG}=/etc/p.d/acr.yaml ${BIN_FLAG}=/opt/bin\n${RESTART}`],
    [{ binFolder: '/opt/bin/', configPath: '/etc/p.d/acr.yaml' }, ''],
    [{ binFolder: '/opt/bin', configPath: '/etc/p.d/' }, ''], // a folder of configurations
    [{ binFolder: '/opt', configPath: '/etc/p.d' }, `next: give kubelet these flags: ${BIN_FLAG}=/opt/bin\n${RESTART}`],
  ])('for the flags %j', (changes, expected) => {
    expect(steps(changes)).toBe(expected);
  });

  test('is to give the flags to a kubelet that cannot be seen', () => {
    expect(formatFlags((_format, text) => text, installed.binFolder, installed.configPath)).toBe(
      `next: no kubelet is visible here; it needs ${CONFIG_FLAG}=/etc/p.d/acr.yaml ${BIN_FLAG}=/opt/bin\n`,
    );
  });

  test('is nothing where k3s looks by itself', () => {
    const place = '/var/lib/rancher/credentialprovider';
    expect(formatFlags((_format, text) => text, `${place}/bin`, `${place}/config.yaml`)).toBe('');
  });

  test('is a restart where the configuration is newer than the kubelet', () => {
    const right = { binFolder: '/opt/bin', configPath: '/etc/p.d/acr.yaml', startedAtSeconds: 1000 };
    expect(steps(right, 1001)).toBe(RESTART);
    expect(steps(right, 999)).toBe('');
  });

  test('is nothing for k3s where it looks by itself', () => {
    const k3s = makeKubelet({ program: 'k3s', isBuiltIn: true });
    const place = '/var/lib/rancher/credentialprovider';
    expect(findNextSteps(k3s, { binFolder: `${place}/bin`, configPath: `${place}/config.yaml` }, undefined)).toEqual({
      missingFlags: [],
      needsRestart: false,
    });
    expect(findNextSteps(k3s, installed, undefined).missingFlags).toHaveLength(2);
  });

  test.each([
    ['names other files', makeKubelet(), { missingFlags: ['--x'], needsRestart: true }, true, false],
    ['is older than its configuration', makeKubelet(), { missingFlags: [], needsRestart: true }, false, true],
    ['has read its configuration', makeKubelet(), { missingFlags: [], needsRestart: false }, true, false],
    ['cannot be seen, and nothing has changed', undefined, { missingFlags: [], needsRestart: false }, false, false],
    ['cannot be seen, which the person has to hear', undefined, { missingFlags: [], needsRestart: false }, true, true],
  ])('is no restart, or one, for a kubelet that %s', (_what, kubelet, next, isChanged, expected) => {
    expect(mayRestart(kubelet, next, isChanged)).toBe(expected);
  });
});
