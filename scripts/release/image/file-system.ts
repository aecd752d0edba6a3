/** Lays out the files of the image: the program, the libraries that it needs, certificates, and everyone's licence. */

import { chmod, mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PROGRAM } from '../project.ts';
import { type StagedFile, stageFiles } from '../stage.ts';
import { type DebianArchitecture, type FetchedPackage, unpackPackage } from './debian-archive.ts';

/** The user of the image, as in distroless images. */
export const USER_ID = 65532;
export const HOME = '/home/nonroot';
/** Holds nothing but the program and the library beside it, so that one line copies both. */
export const PROGRAM_FOLDER = '/usr/local/bin';

/** The packages of Debian that have something in the image. */
export function listDebianPackages(architecture: DebianArchitecture): readonly string[] {
  const names = ['base-files', 'gcc-12-base', 'libc6', 'libgcc-s1', 'libstdc++6'];
  return ['ca-certificates', ...names.map((name) => `${name}:${architecture}`)];
}

/** Where Linux starts a program for this processor, and the folder of its libraries. */
const PLACES: Readonly<Record<DebianArchitecture, { readonly loader: string; readonly triple: string }>> = {
  amd64: { loader: 'lib64/ld-linux-x86-64.so.2', triple: 'x86_64-linux-gnu' },
  arm64: { loader: 'lib/ld-linux-aarch64.so.1', triple: 'aarch64-linux-gnu' },
};

/** What the executable needs of libc6 and libgcc-s1. Names are resolved by libc itself, through files and DNS. */
const LIBRARIES = ['libc.so.6', 'libdl.so.2', 'libgcc_s.so.1', 'libm.so.6', 'libpthread.so.0'];
const LIBSTDCXX = 'libstdc++.so.6';

/** Files whose text does not come from a package. */
const ACCOUNTS: readonly StagedFile[] = [
  {
    name: 'etc/passwd',
    text: `root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:${USER_ID}:${USER_ID}:nonroot:${HOME}:/sbin/nologin\n`,
  },
  { name: 'etc/group', text: `root:x:0:\nnonroot:x:${USER_ID}:\n` },
  { name: 'etc/nsswitch.conf', text: 'passwd: files\ngroup: files\nhosts: files dns\n' },
];

export interface ImageContents {
  readonly architecture: DebianArchitecture;
  readonly packages: readonly FetchedPackage[];
  /** The executable, the library beside it, and its texts, each by its path in the image. */
  readonly programFiles: readonly StagedFile[];
  readonly epochSeconds: number;
}

/**
 * @param folder gets `system`, whose files belong to root, and `home`, whose files belong to {@link USER_ID}.
 * @param scratch an empty folder.
 * @throws when a package lacks a file.
 */
export async function layOutImage(folder: string, contents: ImageContents, scratch: string): Promise<void> {
  const { architecture, packages, programFiles, epochSeconds } = contents;
  for (const one of packages) await unpackPackage(one, scratch);
  const system = join(folder, 'system');
  const files = [
    ...listLibraries(architecture, scratch),
    ...ACCOUNTS,
    { name: 'etc/os-release', source: join(scratch, 'usr/lib/os-release') },
    { name: 'etc/ssl/certs/ca-certificates.crt', text: await joinCertificates(scratch) },
    ...(await listLicences(packages, scratch)),
    // Scanners look there for the packages of an image without dpkg.
    ...packages.map(({ name, control }) => ({ name: `var/lib/dpkg/status.d/${name}`, text: control })),
    ...programFiles,
  ];
  await stageFiles(system, files, epochSeconds);
  await makeFolder(join(system, 'tmp'), 0o1777);
  await makeFolder(join(system, 'home'), 0o755);
  // Others may look: with a closed folder, the program would fail as another user, instead of finding nothing there.
  await makeFolder(join(folder, 'home', HOME.slice('/home/'.length)), 0o755);
}

/** Each library under the name by which programs ask for it: the packages have links there. */
function listLibraries(architecture: DebianArchitecture, scratch: string): readonly StagedFile[] {
  const { loader, triple } = PLACES[architecture];
  const names = [...LIBRARIES.map((name) => `lib/${triple}/${name}`), `usr/lib/${triple}/${LIBSTDCXX}`];
  const loaderFile = join(scratch, 'lib', triple, loader.slice(loader.lastIndexOf('/') + 1));
  return [
    { name: loader, source: loaderFile, isExecutable: true },
    ...names.map((name) => ({ name, source: join(scratch, name) })),
  ];
}

/** All of Mozilla's authorities in one file, as Debian's `update-ca-certificates` writes it. */
async function joinCertificates(scratch: string): Promise<string> {
  const folder = join(scratch, 'usr/share/ca-certificates/mozilla');
  const names = (await readdir(folder)).filter((name) => name.endsWith('.crt')).sort();
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
  return texts.map((text) => `${text.trimEnd()}\n`).join('');
}

/** The copyright of each package, and the licences to which these refer. */
async function listLicences(packages: readonly FetchedPackage[], scratch: string): Promise<readonly StagedFile[]> {
  const common = 'usr/share/common-licenses';
  const names = (await readdir(join(scratch, common))).sort();
  return [
    ...packages.map(({ name }) => {
      const copyright = `usr/share/doc/${name}/copyright`;
      return { name: copyright, source: join(scratch, copyright) };
    }),
    ...names.map((name) => ({ name: `${common}/${name}`, source: join(scratch, common, name) })),
  ];
}

/** The texts and the program itself. */
export function listProgramFiles(files: {
  readonly executable: string;
  /** `libatomic.so.1`. */
  readonly library: string | undefined;
  readonly licence: string;
  readonly licences: string;
  readonly bill: string;
}): readonly StagedFile[] {
  const documents = `usr/share/doc/${PROGRAM}`;
  const folder = PROGRAM_FOLDER.slice(1);
  return [
    { name: `${folder}/${PROGRAM}`, source: files.executable, isExecutable: true },
    ...(files.library === undefined ? [] : [{ name: `${folder}/libatomic.so.1`, source: files.library }]),
    { name: `${documents}/LICENSE`, source: files.licence },
    { name: `${documents}/THIRD-PARTY-LICENSES.txt`, source: files.licences },
    { name: `${documents}/${PROGRAM}.cdx.json`, text: files.bill },
  ];
}

async function makeFolder(path: string, mode: number): Promise<void> {
  await mkdir(path, { recursive: true });
  await chmod(path, mode);
}
