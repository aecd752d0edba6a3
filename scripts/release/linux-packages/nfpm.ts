/** Runs nfpm, with what it has to know about the program. */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram } from '../../build/run.ts';
import { isExecutable } from '../../parts/command.ts';
import { NFPM_PROGRAM } from '../../parts/nfpm.ts';
import { AUTHORS, HOMEPAGE, PROGRAM, SUMMARY } from '../project.ts';
import type { StagedFile } from '../stage.ts';
import { DESCRIPTION, type PackageSource, REVISION } from './package-source.ts';

export interface NfpmOptions {
  readonly packager: 'deb' | 'archlinux';
  /** As the distribution calls it. */
  readonly architecture: string;
  /** Holds the files in the folder `files`, and gets the package. */
  readonly folder: string;
  readonly files: readonly StagedFile[];
  /** What only this packager knows. */
  readonly settings: Readonly<Record<string, unknown>>;
}

/**
 * @returns the path of the package.
 * @throws when nfpm is not installed or fails.
 * @see https://nfpm.goreleaser.com/docs/configuration/
 */
export async function runNfpm(
  { release }: PackageSource,
  { packager, architecture, folder, files, settings }: NfpmOptions,
): Promise<string> {
  if (!isExecutable(NFPM_PROGRAM)) throw new Error('Cannot run nfpm: install Go, which builds it');
  const configuration = {
    ...{ name: PROGRAM, arch: architecture, platform: 'linux' },
    ...{ version: release.version, version_schema: 'semver', release: REVISION },
    ...{ section: 'admin', priority: 'optional', maintainer: AUTHORS, vendor: PROGRAM },
    ...{ homepage: HOMEPAGE, license: 'MIT', description: [SUMMARY, ...DESCRIPTION].join('\n') },
    mtime: new Date(release.epochSeconds * 1000).toISOString(),
    contents: files.map(({ name, isExecutable: runs }) => ({
      src: join(folder, 'files', name),
      dst: `/${name}`,
      file_info: { mode: runs === true ? 0o755 : 0o644 },
    })),
    ...settings,
  };
  const [path, made] = [join(folder, 'nfpm.json'), join(folder, `made.${packager}`)];
  // JSON is YAML, which it reads.
  await writeFile(path, JSON.stringify(configuration));
  await runProgram(NFPM_PROGRAM, ['package', '--config', path, '--packager', packager, '--target', made], {
    env: { PATH: '/usr/bin:/bin', SOURCE_DATE_EPOCH: String(release.epochSeconds) },
  });
  return made;
}
