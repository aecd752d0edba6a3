/** `node scripts/sign.ts FOLDER` signs the checksums of a release that another machine made. */

import { join } from 'node:path';
import { readSource } from './build/source.ts';
import { signChecksums } from './release/signatures.ts';

const [folder, ...more] = process.argv.slice(2);
if (folder === undefined || more.length > 0) throw new Error('Give the folder with SHA256SUMS');
const source = await readSource(join(import.meta.dirname, '..'));
const { files, skipped = [] } = await signChecksums({ ...source, folder }, process.env);
for (const line of skipped) console.log(`skipped: ${line}`);
for (const file of files) console.log(`signed: ${file}`);
