/** `node scripts/sign.ts FOLDER` signs the checksums of a release that another machine made. */

import { join } from 'node:path';
import { readSource } from './build/source.ts';
import { assertSigned, signChecksums } from './release/signatures.ts';

async function main([folder, ...more]: readonly string[]): Promise<number> {
  if (folder === undefined || more.length > 0) {
    console.error('error: give the folder with SHA256SUMS');
    return 1;
  }
  try {
    const source = await readSource(join(import.meta.dirname, '..'));
    const { files, skipped = [] } = await signChecksums({ ...source, folder }, process.env);
    for (const line of skipped) console.log(`skipped: ${line}`);
    for (const file of files) console.log(`signed: ${file}`);
    assertSigned(files, process.env);
    return 0;
  } catch (error) {
    console.error(`error: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  }
}

process.exitCode = await main(process.argv.slice(2));
