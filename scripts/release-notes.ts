/** `node scripts/release-notes.ts v0.1.0` prints what the changelog says about the version of the checkout. */

import { join } from 'node:path';
import { readSource } from './build/source.ts';
import { formatReleaseNotes, readChangelog } from './release/changelog.ts';

const root = join(import.meta.dirname, '..');

async function main(tag = ''): Promise<number> {
  const { version } = await readSource(root);
  if (tag !== `v${version}`) {
    console.error(`error: the tag of version ${version} is v${version}, not "${tag}"`);
    return 1;
  }
  const notes = formatReleaseNotes(await readChangelog(root), version);
  if (notes === undefined) {
    console.error(`error: CHANGELOG.md has no version ${version}`);
    return 1;
  }
  process.stdout.write(notes);
  return 0;
}

process.exitCode = await main(...process.argv.slice(2));
