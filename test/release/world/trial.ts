/** The release that the test command made for these tests. */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = join(import.meta.dirname, '../../../dist/release-trial');

/**
 * @param name matches the name of one file of the release.
 * @throws when there is no such file: then `npm test -- release` says why it could not be made.
 */
export function findReleased(name: RegExp): string {
  const found = readdirSync(FOLDER).filter((file) => name.test(file));
  const [file] = found;
  if (file === undefined || found.length > 1) throw new Error(`${found.length} files of the release match ${name}`);
  return join(FOLDER, file);
}
