/** Disks, namespaces, users and clocks of a test's own, where the system allows them. */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'vitest';
import type { Machine } from './machine.ts';
import { needParts } from './parts.ts';

/** An ordinary user without any rights. */
export const OTHER_USER = 65_534;

/** A disk of a test's own. */
export interface Disk {
  readonly folder: string;
  /** Mounts it again with other options, such as `ro`. */
  readonly remount: (options: string) => Promise<void>;
  /** Fills it up to the last byte. */
  readonly fill: () => Promise<void>;
  /** Makes room again. */
  readonly free: () => Promise<void>;
}

/** Mounts a disk in memory until the machine closes; skips the test when none can be mounted. */
export async function mountDisk(context: TestContext, machine: Machine, options: string): Promise<Disk> {
  const folder = join(machine.folder, 'disk');
  const filler = join(folder, 'filler');
  mkdirSync(folder);
  const mount = (args: readonly string[]) => machine.run('mount', args).catch(() => undefined);
  const mounted = await mount(['-t', 'tmpfs', '-o', options, 'none', folder]);
  if (mounted?.exitCode !== 0) context.skip('no disk can be mounted here');
  machine.beforeClose(async () => {
    await machine.run('umount', [folder]);
  });
  return {
    folder,
    remount: async (changes) => {
      const remounted = await mount(['-o', `remount,${changes}`, folder]);
      if (remounted?.exitCode !== 0) throw new Error(`Cannot mount the disk again: ${remounted?.stderr}`);
    },
    fill: async () => {
      await machine.run('sh', ['-c', `cat /dev/zero >>'${filler}'`]);
    },
    free: async () => {
      await machine.run('rm', ['-f', filler]);
    },
  };
}

/** Skips the test unless programs can run in namespaces of their own. */
export function needNamespaces(context: TestContext, ...options: readonly string[]): void {
  needParts(context, 'unshare');
  if (spawnSync('unshare', [...options, 'true']).status !== 0) context.skip('no namespaces of their own here');
}

/** Starts a program without what is below these folders, which other programs still see. */
export function withEmptyFolders(...folders: readonly string[]): readonly string[] {
  const mounts = folders.map((folder) => `mount -t tmpfs none '${folder}'`).join(' && ');
  return ['unshare', '-m', 'sh', '-c', `${mounts} && exec "$@"`, 'sh'];
}

/** Starts a program in a container with a host name, and with process ids of its own. */
export function inContainer(hostName: string): readonly string[] {
  return [
    ...['unshare', '--uts', '--pid', '--fork', '--kill-child', '--mount-proc'],
    ...['sh', '-c', `hostname '${hostName}' && exec "$@"`, 'sh'],
  ];
}

/** Starts a program on a machine that has this name at the moment. */
export function onHost(hostName: string): readonly string[] {
  return ['unshare', '--uts', 'sh', '-c', `hostname '${hostName}' && exec "$@"`, 'sh'];
}

/** Starts a program as {@link OTHER_USER}. */
export function asOtherUser(): readonly string[] {
  return ['setpriv', `--reuid=${OTHER_USER}`, `--regid=${OTHER_USER}`, '--clear-groups'];
}

/** Starts a program and kills it after a while. */
export function killedAfter(seconds: number): readonly string[] {
  return ['timeout', '--signal=KILL', String(seconds)];
}

/** Starts a program with a shell that first sets limits, a mask or descriptors. */
export function withShell(setup: string): readonly string[] {
  return ['sh', '-c', `${setup} exec "$@"`, 'sh'];
}
