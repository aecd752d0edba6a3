/** Which program this is: its version, and what it was built from. */

/** The version of the program. A test checks that it is the one in package.json. */
export const VERSION = '0.1.0';

/** The bundler puts the commit here. */
declare const BUILD_COMMIT: string | undefined;

/** The commit that the program was built from; empty when it was not built from a commit. */
export const COMMIT = typeof BUILD_COMMIT === 'string' ? BUILD_COMMIT : '';

/** The bundler puts the form here. */
declare const BUILD_FORM: Form | undefined;

/** What the program was built as; `sources` when it was not built. */
export type Form = 'executable' | 'npm package' | 'sources';

/** What this program was built as. */
export const FORM: Form = typeof BUILD_FORM === 'string' ? BUILD_FORM : 'sources';

/** @returns such as `0.1.0, commit 0123456789ab, Node 26.10.0`. */
export function formatBuild(): string {
  return [VERSION, ...(COMMIT === '' ? [] : [`commit ${COMMIT}`]), `Node ${process.versions.node}`].join(', ');
}
