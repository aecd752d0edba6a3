/** Storage and settings of podman and buildah that share nothing with the machine's own. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Machine } from './machine.ts';

/** @returns the variables that point podman and buildah at folders of the machine */
export function prepareContainerStorage(machine: Machine): Readonly<Record<string, string>> {
  const folder = join(machine.folder, 'containers');
  mkdirSync(folder);
  const storageFile = join(folder, 'storage.conf');
  writeFileSync(
    storageFile,
    `[storage]\ndriver = "vfs"\nrunroot = "${folder}/run"\ngraphroot = "${folder}/graph"\nrootless_storage_path = "${folder}/graph"\n`,
  );
  const containersFile = join(folder, 'containers.conf');
  writeFileSync(
    containersFile,
    [
      '[engine]',
      'cgroup_manager = "cgroupfs"',
      'events_logger = "none"',
      `tmp_dir = "${folder}/tmp"`,
      `static_dir = "${folder}/libpod"`,
      `volume_path = "${folder}/volumes"`,
      '',
    ].join('\n'),
  );
  return { CONTAINERS_STORAGE_CONF: storageFile, CONTAINERS_CONF: containersFile };
}
