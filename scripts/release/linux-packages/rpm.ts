/** The package for Fedora, Red Hat Enterprise Linux, openSUSE and their relatives. */

import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { listPlainChanges } from '../changelog.ts';
import { runTool, type Tool } from '../packing-tool.ts';
import { AUTHORS, HOMEPAGE, PROGRAM, SUMMARY } from '../project.ts';
import { stageFiles } from '../stage.ts';
import {
  DESCRIPTION,
  listLicences,
  type PackageSource,
  REVISION,
  ZSH_FOLDER,
  zshCompletion,
} from './package-source.ts';

const RPMBUILD: Tool = { name: 'rpmbuild', debianPackage: 'rpm' };
const ARCHITECTURES = { x64: 'x86_64', arm64: 'aarch64' };

/** What the executable needs of the libraries, as rpm names it. */
const REQUIRES = [
  'libc.so.6(GLIBC_2.28)(64bit)',
  'libstdc++.so.6(GLIBCXX_3.4.21)(64bit)',
  'libstdc++.so.6(CXXABI_1.3.11)(64bit)',
  'libgcc_s.so.1(GCC_4.2.0)(64bit)',
  'libatomic.so.1(LIBATOMIC_1.0)(64bit)',
];

/** Settings of rpmbuild: nothing may come from the building machine, and the files stay as they are. */
const MACROS = {
  _buildhost: 'reproducible',
  source_date_epoch_from_changelog: '0',
  use_source_date_epoch_as_buildtime: '1',
  clamp_mtime_to_source_date_epoch: '1',
  _build_id_links: 'none',
  debug_package: '%{nil}',
  __os_install_post: '%{nil}',
  _binary_filedigest_algorithm: '8',
};

/**
 * Makes it with rpmbuild: the xz of nfpm makes it a fifth larger.
 *
 * @returns its file name.
 */
export async function makeRpm(source: PackageSource): Promise<string> {
  const { release, executable } = source;
  const architecture = ARCHITECTURES[executable.target.cpu];
  const file = `${PROGRAM}-${release.version}-${REVISION}.${architecture}.rpm`;
  const folder = join(release.scratch, `rpm-${architecture}`);
  const licences = listLicences(source);
  const files = [...source.files, zshCompletion(source, ZSH_FOLDER.others), ...licences];
  await stageFiles(join(folder, 'files'), files, release.epochSeconds);
  const listed = files.map((entry) => {
    const mode = entry.isExecutable === true ? '0755' : '0644';
    const kind = licences.includes(entry) ? '%license ' : '';
    return `%attr(${mode}, root, root) ${kind}/${entry.name}`;
  });
  // A folder that no package lists would stay when the package is removed.
  listed.unshift(`%dir %attr(0755, root, root) /usr/share/licenses/${PROGRAM}`);
  await mkdir(join(folder, 'home'));
  await writeFile(join(folder, 'package.spec'), formatSpecification(source, listed));
  const macros = {
    ...MACROS,
    _topdir: join(folder, 'build'),
    _binary_payload: release.isFast ? 'w.ufdio' : 'w9.xzdio',
  };
  const defined = Object.entries(macros).flatMap(([name, value]) => ['--define', `${name} ${value}`]);
  const given = ['-bb', '--quiet', '--target', `${architecture}-linux`, '--buildroot', join(folder, 'root')];
  await runTool(RPMBUILD, [...given, ...defined, join(folder, 'package.spec')], {
    folder,
    // Its own home: the person's .rpmmacros would change the package.
    environment: {
      HOME: join(folder, 'home'),
      SOURCE_DATE_EPOCH: String(release.epochSeconds),
      FILES: join(folder, 'files'),
    },
  });
  await rename(join(folder, 'build/RPMS', architecture, file), join(release.output, file));
  await rm(folder, { recursive: true, force: true });
  return file;
}

/** @see https://rpm-software-management.github.io/rpm/manual/spec.html */
function formatSpecification({ release, changelog }: PackageSource, files: readonly string[]): string {
  return `Name: ${PROGRAM}
Version: ${release.version}
Release: ${REVISION}
Summary: ${SUMMARY}
License: MIT
URL: ${HOMEPAGE}
Vendor: ${PROGRAM}
Packager: ${AUTHORS}
Group: Applications/System
AutoReqProv: no
${REQUIRES.map((name) => `Requires: ${name}\n`).join('')}Recommends: ca-certificates

%description
${DESCRIPTION.join('\n')}

%install
cp -a "$FILES/." "%{buildroot}"

%files
${files.join('\n')}

%changelog
${changelog.releases.map(formatChanges).join('\n\n')}
`;
}

function formatChanges(release: PackageSource['changelog']['releases'][number]): string {
  // Such as `Sat Nov 28 2026`.
  const [day = '', number, month, year] = new Date(`${release.date}T00:00:00Z`).toUTCString().split(' ');
  const heading = `* ${day.slice(0, 3)} ${month} ${number} ${year} ${AUTHORS} - ${release.version}-${REVISION}`;
  // A percent sign would begin a macro.
  return [heading, ...listPlainChanges(release).map((change) => `- ${change.replaceAll('%', '%%')}`)].join('\n');
}
