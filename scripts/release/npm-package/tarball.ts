/** Writes a package as npm expects it, always with the same bytes. npm's own would depend on the Node that runs it. */

import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { runProgram } from '../../build/run.ts';

/** The texts of a package's files, by their paths in it. */
export type PackageFiles = ReadonlyMap<string, string>;

export interface TarballOptions {
  readonly files: PackageFiles;
  /** The time of each file, in seconds since 1970. */
  readonly epochSeconds: number;
  /** A folder in which the package is put together. */
  readonly scratch: string;
}

/**
 * Writes the package. What is in `bin` can be executed.
 * @throws when tar cannot be run.
 */
export async function writeTarball(output: string, { files, epochSeconds, scratch }: TarballOptions): Promise<void> {
  const folder = join(scratch, 'package');
  for (const [path, text] of files) {
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
    await chmod(file, path.startsWith('bin/') ? 0o755 : 0o644); // whatever the umask is
  }
  const archive = join(scratch, 'package.tar');
  await runProgram('tar', [
    ...['--create', `--file=${archive}`, '--format=ustar', '--no-recursion', `--directory=${scratch}`],
    ...[`--mtime=@${epochSeconds}`, '--owner=0', '--group=0', '--numeric-owner'],
    ...[...files.keys()].sort().map((path) => `package/${path}`),
  ]);
  await writeFile(output, gzipSync(await readFile(archive), { level: 9 }));
}
