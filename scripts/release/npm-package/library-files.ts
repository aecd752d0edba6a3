/** The library as files that Node loads. Its code is in one file, so that `import` and `require` share its state. */

import { build } from 'esbuild';
import { type BundleOptions, bundleOptions } from '../../build/bundle.ts';
import type { PackageFiles } from './tarball.ts';

/** What a program can import from the package, and which types. A test compares them with the sources. */
export const PUBLIC_NAMES = ['CredentialError', 'ERROR_CODES', 'createCredentialProvider', 'getCredential'];
export const PUBLIC_TYPES = [
  'CredentialErrorOptions',
  'CredentialProvider',
  'CredentialProviderOptions',
  'CredentialStep',
  'ErrorCode',
  'GetOptions',
  'RegistryCredential',
];

const LIBRARY = './src/library/library.ts';
const WORKER = './src/library/renewal-worker.ts';
const RUN_WORKER = 'runRenewalWorker';

/**
 * Takes Node's own modules, all that it needs, from the process: `require` does not work where somebody has bundled the
 * library as an ES module.
 */
const TAKE_BUILTINS = 'var require = process.getBuiltinModule;';

/** @throws when the sources cannot be bundled. */
export async function makeLibraryFiles(options: Omit<BundleOptions, 'entry'>): Promise<PackageFiles> {
  const { entryPoints: _, define, ...common } = bundleOptions({ ...options, entry: '' });
  const contents = `export * from '${LIBRARY}'; export { ${RUN_WORKER} } from '${WORKER}';`;
  const { outputFiles } = await build({
    ...common,
    stdin: { contents, resolveDir: options.root },
    // The library is not the program, which starts itself.
    define: { ...define, BUILD_FORM: JSON.stringify('sources') },
    banner: { js: TAKE_BUILTINS },
  });
  const take = (export_: (name: string) => string) => PUBLIC_NAMES.map(export_).join('\n');
  return new Map([
    [
      'index.js',
      `'use strict';\nconst library = require('./lib/library.js');\n${take((name) => `exports.${name} = library.${name};`)}\n`,
    ],
    [
      'index.mjs',
      `import library from './lib/library.js';\n${take((name) => `export const ${name} = library.${name};`)}\n`,
    ],
    ['lib/library.js', outputFiles.map(({ text }) => text).join('')],
    ['lib/renewal-worker.js', `'use strict';\nvoid require('./library.js').${RUN_WORKER}();\n`],
  ]);
}
