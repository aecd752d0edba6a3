/** Chooses the configuration files in which a host is named for a helper. */

import { lstatSync } from 'node:fs';
import { findExecutable } from '../../system/child-process.ts';
import { MISSING_IS_UNDEFINED } from '../../system/folders.ts';
import { listKeychains } from '../../system/keychain.ts';
import type { Runtime } from '../../system/runtime.ts';
import { type ClientFile, type ClientName, isOfSession, listClientFiles } from './client-config.ts';

/**
 * Chooses the files to add hosts to.
 *
 * Docker's file is enough for most: podman and helm read it too. But both read a file of their own first, so one that
 * exists is included. helm without such a file first asks a keychain's program, and fails if that does not work.
 *
 * @param clients the clients that the person chose; an empty list leaves the choice to this program.
 */
export function chooseFilesToAddTo(runtime: Runtime, clients: readonly ClientName[]): readonly ClientFile[] {
  const files = listClientFiles(runtime);
  const isWanted = (client: ClientName) => clients.includes(client);
  const docker = files.filter(({ client }) => client === 'docker');
  const podman = files.filter((one) => one.client === 'podman' && exists(one));
  const helm = files.filter(({ client }) => client === 'helm');
  if (clients.length === 0) {
    return [...docker, ...podman, ...helm.filter((one) => exists(one) || isKeychainAsked(runtime))];
  }
  return [
    ...(isWanted('docker') ? docker : []),
    // Of its files, the last one outlives a restart of the machine.
    ...(isWanted('podman') ? (podman.length > 0 ? podman : files.filter(isOfPodman).slice(-1)) : []),
    ...(isWanted('helm') ? helm : []),
  ];
}

/**
 * Chooses the files to remove hosts from: all that exist.
 * @param clients the clients that the person chose; an empty list means all.
 */
export function chooseFilesToRemoveFrom(runtime: Runtime, clients: readonly ClientName[]): readonly ClientFile[] {
  return listClientFiles(runtime).filter(
    (one) => (clients.length === 0 || clients.includes(one.client)) && exists(one),
  );
}

function isOfPodman({ client }: ClientFile): boolean {
  return client === 'podman';
}

function isKeychainAsked(runtime: Runtime): boolean {
  const isOnPath = (program: string) => findExecutable(runtime, program) !== undefined;
  return isOnPath('helm') && listKeychains(runtime).some((name) => isOnPath(`docker-credential-${name}`));
}

/** Whether there is a file, or a link to one that may be missing. */
function exists(clientFile: ClientFile): boolean {
  try {
    return lstatSync(clientFile.file, MISSING_IS_UNDEFINED) !== undefined;
  } catch {
    // Its folder cannot be looked into, which is told when the file is read.
    return !isOfSession(clientFile);
  }
}
