/** The archives of each target: the executable with its licences, manual page and completions. */

import { rename, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { LIBRARY_NAME } from '../build/libatomic.ts';
import { executableName } from '../build/target.ts';
import { runTool, type Tool } from './packing-tool.ts';
import { PROGRAM } from './project.ts';
import { archiveFolder } from './published-archive.ts';
import type { Release, ReleasedExecutable, StepResult } from './release.ts';
import { type StagedFile, stageFiles } from './stage.ts';

const TAR: Tool = { name: 'tar', debianPackage: 'tar' };
const XZ: Tool = { name: 'xz', debianPackage: 'xz-utils' };
const ZIP: Tool = { name: 'zip', debianPackage: 'zip' };

/** Takes two thirds of the time of `-0`. */
const FASTEST = '--lzma2=preset=0,dict=64KiB,mf=hc3,nice=4,depth=1';

/** What decides an archive's bytes. */
type ArchiveRelease = Pick<
  Release,
  'root' | 'version' | 'epochSeconds' | 'output' | 'scratch' | 'isFast' | 'executables' | 'documents'
>;

/** Makes a `.tar.xz` and a `.zip` of each target, both with one folder that has the archive's name. */
export async function makeArchives(release: ArchiveRelease): Promise<StepResult> {
  const waiting = [...release.executables];
  const work = async () => {
    for (let executable = waiting.shift(); executable !== undefined; executable = waiting.shift()) {
      await makeBoth(release, executable);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  const stems = release.executables.map((executable) => nameArchive(release, executable));
  return { files: stems.flatMap((stem) => [`${stem}.tar.xz`, `${stem}.zip`]) };
}

async function makeBoth(release: ArchiveRelease, executable: ReleasedExecutable): Promise<void> {
  const stem = nameArchive(release, executable);
  const folder = join(release.scratch, `archives-${executable.target.name}`);
  const listed = listFiles(release, executable, stem);
  await stageFiles(folder, listed, release.epochSeconds);
  await makeTar(release, folder, stem);
  await makeZip(release, folder, stem, listed);
  await rm(folder, { recursive: true, force: true });
}

function nameArchive({ version }: ArchiveRelease, { target }: ReleasedExecutable): string {
  return archiveFolder(version, target.name);
}

/** The files of an archive, sorted by name. */
function listFiles(
  { root, documents }: ArchiveRelease,
  { target, path, libraryPath, licencesPath }: ReleasedExecutable,
  stem: string,
): readonly StagedFile[] {
  const { bash, zsh, fish, powershell } = documents.completionPaths;
  const files: readonly StagedFile[] = [
    { name: executableName(PROGRAM, target), source: path, isExecutable: true },
    // The executable looks for it there, and takes the system's where there is none.
    ...(libraryPath === undefined ? [] : [{ name: LIBRARY_NAME, source: libraryPath }]),
    { name: 'LICENSE', source: join(root, 'LICENSE') },
    { name: 'README.txt', source: join(root, 'scripts/release/archives/README.txt') },
    { name: 'THIRD-PARTY-LICENSES.txt', source: licencesPath },
    { name: `man/${PROGRAM}.1`, source: documents.manPagePath },
    { name: `completions/${PROGRAM}.bash`, source: bash },
    { name: `completions/_${PROGRAM}`, source: zsh },
    { name: `completions/${PROGRAM}.fish`, source: fish },
    { name: `completions/${PROGRAM}.ps1`, source: powershell },
  ];
  return files
    .map((file) => ({ ...file, name: `${stem}/${file.name}` }))
    .sort((one, other) => (one.name < other.name ? -1 : 1));
}

/** @see https://reproducible-builds.org/docs/archives/ */
async function makeTar(release: ArchiveRelease, folder: string, stem: string): Promise<void> {
  const tar = join(release.scratch, `${stem}.tar`);
  await runTool(TAR, [
    ...['--create', '--file', tar, '--directory', folder, '--format=ustar', '--sort=name'],
    ...['--owner=root:0', '--group=root:0', '--mode=u=rwX,go=rX', `--mtime=@${release.epochSeconds}`, stem],
  ]);
  // With one thread, the machine's cores do not change the bytes.
  await runTool(XZ, [release.isFast ? FASTEST : '-9', '--threads=1', '--force', tar]);
  await rename(`${tar}.xz`, join(release.output, `${stem}.tar.xz`));
}

/** Without folders, and without extra fields such as users and further times; names and modes stay. */
async function makeZip(
  release: ArchiveRelease,
  folder: string,
  stem: string,
  files: readonly StagedFile[],
): Promise<void> {
  const zip = join(release.output, `${stem}.zip`);
  // It would add to an archive that exists.
  await rm(zip, { force: true });
  const names = files.map(({ name }) => name);
  await runTool(ZIP, ['--quiet', '-X', release.isFast ? '-0' : '-9', zip, ...names], { folder });
}
