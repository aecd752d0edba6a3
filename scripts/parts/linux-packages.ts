/** What makes archives and packages for Linux, and what checks them and installs them in the tests. */
import { installPackages } from './debian.ts';
import { type GoProgram, installPrograms } from './go-programs.ts';
import { installMinbase } from './minbase.ts';
import type { PartReport } from './part.ts';

/** Each package, with a program whose presence shows that it is installed. */
const PACKAGES: Readonly<Record<string, string>> = {
  'xz-utils': 'xz',
  zip: 'zip',
  unzip: 'unzip',
  'libarchive-tools': 'bsdtar',
  zstd: 'zstd',
  debootstrap: 'debootstrap',
  lintian: 'lintian',
  rpm: 'rpm',
  rpmlint: 'rpmlint',
  'pacman-package-manager': 'pacman',
};

const NFPM: GoProgram = {
  name: 'nfpm',
  source: 'github.com/goreleaser/nfpm/v2/cmd/nfpm',
  version: 'v2.45.2',
};

/** Installs what is missing: Debian packages, nfpm, and the minimal Debian in which the tests install a release. */
export async function installLinuxPackageTools(): Promise<readonly PartReport[]> {
  const packages = await installPackages([], PACKAGES);
  const [programs, minbase] = await Promise.all([installPrograms([NFPM]), installMinbase()]);
  return [...packages, ...programs, minbase];
}
