/** `npm run bump -- 0.2.0` changes the version everywhere, and says how to commit and tag it. */

import { join } from 'node:path';
import { bumpVersion } from './release/version.ts';

async function main([version, ...more]: readonly string[]): Promise<number> {
  if (version === undefined || more.length > 0) {
    console.error('error: give the new version: npm run bump -- 0.2.0');
    return 1;
  }
  try {
    const date = new Date().toISOString().slice(0, 10);
    for (const file of await bumpVersion(join(import.meta.dirname, '..'), version, date))
      console.log(`changed: ${file}`);
  } catch (error) {
    console.error(`error: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  }
  console.log(`When you have looked at the changes:
  git commit --all --message 'release: ${version}'
  git tag --annotate v${version} --message 'docker-credential-acr ${version}'
  git push origin HEAD v${version}`);
  return 0;
}

process.exitCode = await main(process.argv.slice(2));
