/** Bundles the program into one CommonJS file in memory, and returns its import graph. */

import { type BuildOptions, build, type Metafile } from 'esbuild';
import type { Form } from '../../src/version.ts';

export interface Bundle {
  readonly code: string;
  /** The licence comments that esbuild removed from the code. */
  readonly legalComments: string;
  /** The import graph, with paths relative to `root`. */
  readonly metafile: Metafile;
}

export interface BundleOptions {
  /** The file to start from, relative to `root`. */
  readonly entry: string;
  readonly root: string;
  /** The version of the Node that will run the bundle, such as `26.10.0`. */
  readonly nodeVersion: string;
  /** The commit that the program tells as its origin; empty when there is none. */
  readonly commit?: string;
  /** What the program is built as; the executable by default. */
  readonly form?: Form;
}

/** Bundles `entry` and everything it imports; a local `import()` stays unevaluated until it is reached. */
export async function bundleProgram(options: BundleOptions): Promise<Bundle> {
  const result = await build({ ...bundleOptions(options), legalComments: 'external', metafile: true });
  const textOf = (suffix: string) => result.outputFiles.find(({ path }) => path.endsWith(suffix))?.text ?? '';
  return { code: textOf('.cjs'), legalComments: textOf('.LEGAL.txt'), metafile: result.metafile };
}

/** The options of esbuild for every part of the program. */
export function bundleOptions({ entry, root, nodeVersion, commit = '', form = 'executable' }: BundleOptions) {
  return {
    entryPoints: [entry],
    absWorkingDir: root,
    outfile: 'bundle.cjs',
    write: false,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: `node${nodeVersion}`,
    define: { BUILD_COMMIT: JSON.stringify(commit), BUILD_FORM: JSON.stringify(form) },
    // The CommonJS modules of some packages hide what they require from esbuild.
    mainFields: ['module', 'main'],
    // In a single executable `import()` of a built-in goes through the embedder's loader; `require` is direct.
    supported: { 'dynamic-import': false },
    // Keeps names: stack traces stay readable, and shorter names did not make the program start faster. But the npm package
    // is mostly names.
    minifyIdentifiers: form === 'npm package',
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    logLevel: 'warning',
  } satisfies BuildOptions;
}

/** The files that have code in the output. Files that were only looked at, and modules that a plugin makes up, have none. */
export function listBundledFiles({ outputs }: Metafile): readonly string[] {
  const inputs = Object.values(outputs).flatMap((output) => Object.entries(output.inputs));
  return inputs.flatMap(([file, { bytesInOutput }]) => (bytesInOutput > 0 && isFile(file) ? [file] : []));
}

/** A module of a plugin has the plugin's namespace in its name, as in `elsewhere:jose`. */
function isFile(input: string): boolean {
  return !input.includes(':') && input !== '<stdin>';
}
