/**
 * `npm run release`: makes everything that people install, in `dist/release`. The same commit gives the same bytes.
 *
 * `--check` makes it a second time from a clone in another folder, with other settings of the machine, and compares.
 * `--target linux-x64` leaves out the other platforms, `--fast` compresses little, `--output DIR` writes elsewhere.
 */

import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { useScratchFolder } from './build/scratch.ts';
import { formatTable } from './build/table.ts';
import { parseTargets, TARGETS } from './build/target.ts';
import { formatPartReports } from './parts/part.ts';
import { compareReleases } from './release/compare.ts';
import { makeElsewhere } from './release/elsewhere.ts';
import { makeRelease } from './release/make-release.ts';
import { installReleaseTools } from './release/tools.ts';

const root = join(import.meta.dirname, '..');

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      check: { type: 'boolean', default: false },
      target: { type: 'string', default: 'all' },
      fast: { type: 'boolean', default: false },
      output: { type: 'string', default: join(root, 'dist/release') },
    },
  });
  const targets = parseTargets(values.target);
  if (!targets) {
    console.error(`error: no such target; give --target all or one of ${TARGETS.map(({ name }) => name).join(', ')}`);
    return 1;
  }
  const output = resolve(values.output);
  try {
    process.stdout.write(formatPartReports('release tools', await installReleaseTools()));
    const report = (line: string) => console.log(line);
    const files = await makeRelease({ root, targets, output, isFast: values.fast, report });
    console.log(formatTable(files.map(({ file, sizeBytes }) => ({ file, size: formatSize(sizeBytes) }))));
    if (!values.check) return 0;
    const options = ['--target', values.target, ...(values.fast ? ['--fast'] : [])];
    return await checkAgain(output, options);
  } catch (error) {
    console.error(`error: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  }
}

/** Makes the release again elsewhere, and compares. */
async function checkAgain(output: string, options: readonly string[]): Promise<number> {
  return await useScratchFolder(join(tmpdir(), 'docker-credential-acr-again-'), async (folder) => {
    const again = join(folder, 'release');
    await makeElsewhere({ root, args: [...options, '--output', again], npmPackages: 'install' });
    const differences = await compareReleases(output, again);
    for (const line of differences) console.error(`error: ${line}`);
    if (differences.length === 0) console.log('reproducible: made twice, byte for byte the same');
    return differences.length === 0 ? 0 : 1;
  });
}

function formatSize(bytes: number): string {
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

process.exitCode = await main();
