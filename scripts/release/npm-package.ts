/** The npm package: the program as plain JavaScript, and a library. */

import { mkdtemp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleProgram } from '../build/bundle.ts';
import { collectLicences } from '../build/licences.ts';
import { ENTRY } from '../build/program.ts';
import { makeDeclarations } from './npm-package/declarations.ts';
import { makeLibraryFiles, PUBLIC_NAMES, PUBLIC_TYPES } from './npm-package/library-files.ts';
import { FIRST_NODE_VERSION, formatManifest } from './npm-package/manifest.ts';
import { makeProgramFiles } from './npm-package/program-files.ts';
import { writeTarball } from './npm-package/tarball.ts';
import { HOMEPAGE, PROGRAM } from './project.ts';
import type { Release, StepResult } from './release.ts';

export async function makeNpmPackage(
  release: Pick<Release, 'root' | 'version' | 'commit' | 'epochSeconds' | 'output' | 'scratch'>,
): Promise<StepResult> {
  const { root, version, commit, epochSeconds, output, scratch } = release;
  const folder = await mkdtemp(join(scratch, 'npm-package-'));
  const options = { root, commit, nodeVersion: FIRST_NODE_VERSION, form: 'npm package' } as const;
  const [program, library, declarations, bundle] = await Promise.all([
    makeProgramFiles(options),
    makeLibraryFiles(options),
    makeDeclarations(root, { names: PUBLIC_NAMES, types: PUBLIC_TYPES, scratch: folder }),
    bundleProgram({ ...options, entry: ENTRY }),
  ]);
  const readme = await readFile(join(import.meta.dirname, 'npm-package/README.md'), 'utf8');
  const files = new Map([
    ...program,
    ...library,
    ...declarations,
    ['README.md', readme.replaceAll('HOMEPAGE', HOMEPAGE)],
    ['LICENSE', await readFile(join(root, 'LICENSE'), 'utf8')],
    ['THIRD-PARTY-LICENSES.txt', await collectLicences(root, bundle)],
  ]);
  const file = `${PROGRAM}-${version}.tgz`;
  await writeTarball(join(output, file), {
    files: new Map([['package.json', formatManifest(version, [...files.keys()])], ...files]),
    ...{ epochSeconds, scratch: folder },
  });
  return { files: [file] };
}
