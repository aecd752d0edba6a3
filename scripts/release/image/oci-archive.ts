/** Builds images with buildah and packs them into one archive. @see https://github.com/opencontainers/image-spec/blob/main/image-layout.md */

import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runTool, type Tool } from '../packing-tool.ts';
import { PROGRAM } from '../project.ts';
import type { DebianArchitecture } from './debian-archive.ts';
import { HOME, PROGRAM_FOLDER, USER_ID } from './file-system.ts';

const BUILDAH: Tool = { name: 'buildah', debianPackage: 'buildah' };
const TAR: Tool = { name: 'tar', debianPackage: 'tar' };

/** buildah asks for a policy before it trusts an image of others; there is none here. */
const POLICY = JSON.stringify({ default: [{ type: 'insecureAcceptAnything' }] });

/** One image of the archive. */
export interface PlatformImage {
  readonly architecture: DebianArchitecture;
  /** Holds `system` and `home`. */
  readonly folder: string;
}

export interface OciArchiveOptions {
  readonly images: readonly PlatformImage[];
  /** The image is called by the program's name and this. */
  readonly tag: string;
  /** Labels of each image, and annotations of its manifest. */
  readonly labels: Readonly<Record<string, string>>;
  readonly epochSeconds: number;
  readonly isFast: boolean;
  /** A folder for everything else. It is removed at the end. */
  readonly scratch: string;
  /** The path of the archive. */
  readonly output: string;
}

/**
 * Makes an archive with an index of all the images.
 * @throws when buildah is missing or fails.
 */
export async function makeOciArchive(options: OciArchiveOptions): Promise<void> {
  const { images, tag, epochSeconds, scratch, output } = options;
  await mkdir(scratch, { recursive: true });
  const buildah = await prepareBuildah(scratch);
  try {
    // Compressed there: what adds them to the index cannot choose how much.
    const single = join(scratch, 'single');
    await buildah('manifest', 'create', 'index');
    for (const image of images) {
      const id = await commitImage(buildah, image, options);
      const place = `oci:${single}:${image.architecture}`;
      await buildah('push', '--quiet', '--compression-level', options.isFast ? '1' : '9', id, place);
      await buildah('manifest', 'add', 'index', place);
    }
    const layout = join(scratch, 'layout');
    await buildah('manifest', 'push', '--quiet', '--all', 'index', `oci:${layout}:${PROGRAM}:${tag}`);
    await runTool(TAR, [
      ...['--create', '--file', output, '--directory', layout, '--format=ustar', '--sort=name'],
      ...['--owner=root:0', '--group=root:0', '--mode=u=rwX,go=rX', `--mtime=@${epochSeconds}`],
      ...['oci-layout', 'index.json', 'blobs'],
    ]);
  } finally {
    // Those who are not root cannot remove what belongs to the users of the image. buildah can.
    if (process.geteuid?.() !== 0) await buildah('unshare', 'rm', '-rf', join(scratch, 'storage'));
    await rm(scratch, { recursive: true, force: true });
  }
}

type Buildah = (...args: readonly string[]) => Promise<string>;

/** buildah with storage of its own and without the settings of the machine. */
async function prepareBuildah(scratch: string): Promise<Buildah> {
  const policy = join(scratch, 'policy.json');
  await writeFile(policy, POLICY);
  const storage = ['--storage-driver', 'vfs', '--root', join(scratch, 'storage'), '--runroot', join(scratch, 'run')];
  const environment = { HOME: scratch, TMPDIR: scratch, BUILDAH_ISOLATION: 'chroot' };
  return async (...args) => (await runTool(BUILDAH, [...storage, ...args], { environment })).trim();
}

/** @returns the image's id. */
async function commitImage(
  buildah: Buildah,
  { architecture, folder }: PlatformImage,
  { labels, epochSeconds, scratch }: OciArchiveOptions,
): Promise<string> {
  const container = await buildah('from', '--arch', architecture, 'scratch');
  await buildah('copy', '--quiet', '--chown', '0:0', container, join(folder, 'system'), '/');
  await buildah('copy', '--quiet', '--chown', `${USER_ID}:${USER_ID}`, container, join(folder, 'home'), '/home');
  const texts = Object.entries(labels).flatMap(([name, value]) => {
    return ['--label', `${name}=${value}`, '--annotation', `${name}=${value}`];
  });
  await buildah(
    'config',
    ...['--arch', architecture, '--os', 'linux', '--user', `${USER_ID}:${USER_ID}`],
    // Without a base image, buildah leaves them empty, which is no valid digest.
    ...['name-', 'digest-'].flatMap((name) => ['--annotation', `org.opencontainers.image.base.${name}`]),
    ...['--env', `PATH=${PROGRAM_FOLDER}`, '--env', `HOME=${HOME}`],
    ...['--entrypoint', JSON.stringify([`${PROGRAM_FOLDER}/${PROGRAM}`]), ...texts, container],
  );
  const idFile = join(scratch, `${architecture}.id`);
  const image = `localhost/${PROGRAM}:${architecture}`;
  await buildah(
    'commit',
    ...['--quiet', '--format', 'oci', '--omit-history', '--identity-label=false', '--timestamp', String(epochSeconds)],
    ...['--rm', '--iidfile', idFile, container, image],
  );
  return (await readFile(idFile, 'utf8')).trim();
}
