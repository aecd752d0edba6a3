/** The package.json of the npm package. Everything that it needs is in it, so it has no dependencies and no scripts. */

import manifest from '../../../package.json' with { type: 'json' };
import { AUTHORS, HOMEPAGE, PROGRAM } from '../project.ts';

/** The oldest Node that runs it. Older ones, and the first of Node 22, lack `process.getBuiltinModule`. */
export const FIRST_NODE_VERSION = '20.16.0';
const FIRST_NODE_22 = '22.3.0';

/**
 * Formats it.
 * @param paths the files of the package.
 */
export function formatManifest(version: string, paths: readonly string[]): string {
  const fields = {
    name: PROGRAM,
    version,
    description: manifest.description,
    keywords: ['acr', 'azure', 'container-registry', 'credential-helper', 'docker', 'docker-credential', 'oci'],
    homepage: HOMEPAGE,
    repository: { type: 'git', url: `git+${HOMEPAGE}.git` },
    license: manifest.license,
    author: AUTHORS,
    type: 'commonjs',
    bin: { [PROGRAM]: `bin/${PROGRAM}.js` },
    main: './index.js',
    types: './index.d.ts',
    exports: {
      '.': {
        import: { types: './index.d.mts', default: './index.mjs' },
        require: { types: './index.d.ts', default: './index.js' },
      },
      './package.json': './package.json',
    },
    files: [...new Set(paths.map((path) => path.replace(/\/.*/s, '')))].filter(
      (path) => !['LICENSE', 'README.md'].includes(path),
    ),
    engines: { node: `^${FIRST_NODE_VERSION} || >=${FIRST_NODE_22}` },
  };
  return `${JSON.stringify(fields, undefined, 2)}\n`;
}
