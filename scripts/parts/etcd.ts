/** The store of the API server. Installed, Debian's package would start a service of its own. */
import { join } from 'node:path';
import { type DebianArchive, unpackArchive } from './debian-archive.ts';
import { PARTS_FOLDER, type PartReport } from './part.ts';

export const ETCD_FOLDER = join(PARTS_FOLDER, 'etcd');

const ETCD: DebianArchive = { part: 'etcd-server', folder: ETCD_FOLDER, programs: ['etcd'] };

/** Unpacks etcd if it is missing. */
export function unpackEtcd(): Promise<PartReport> {
  return unpackArchive(ETCD);
}
