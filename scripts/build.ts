/** `npm run build`: makes `dist/docker-credential-acr`, or the executables of other platforms with `--target`. */

import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { parseArgs } from 'node:util';
import { type Binary, makeBinary } from './build/binary.ts';
import { bundleProgram } from './build/bundle.ts';
import { sumFile, writeChecksums } from './build/checksums.ts';
import { collectLicences, readNodeLicence } from './build/licences.ts';
import { readPinnedNodeVersion } from './build/node-part.ts';
import { ENTRY, makeProgramCode } from './build/program.ts';
import { environmentWithoutNodeSettings, runProgram } from './build/run.ts';
import { readSource } from './build/source.ts';
import { formatTable } from './build/table.ts';
import { executableName, findHostTarget, parseTargets, TARGETS, type Target } from './build/target.ts';

const PROGRAM = 'docker-credential-acr';
const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { target: { type: 'string' } } });
  const host = findHostTarget();
  const targets = values.target === undefined ? host && [host] : parseTargets(values.target);
  if (!targets) {
    console.error(`error: no such target; give --target all or one of ${TARGETS.map(({ name }) => name).join(', ')}`);
    return 1;
  }

  await mkdir(dist, { recursive: true });
  const nodeVersion = await readPinnedNodeVersion(root);
  const { commit } = await readSource(root);
  const [bundle, { start, parts }] = await Promise.all([
    bundleProgram({ entry: ENTRY, root, nodeVersion, commit }),
    makeProgramCode({ root, nodeVersion, commit }),
  ]);
  await writeFile(join(dist, 'meta.json'), JSON.stringify(bundle.metafile));

  const made: Binary[] = [];
  const failed: string[] = [];
  for (const target of targets) {
    try {
      const binary = await makeBinary({ root, target, code: start, parts, output: outputOf(target, host) });
      const node = await readNodeLicence(binary.licencePath, binary.nodeVersion);
      const licences = join(dirname(binary.path), 'THIRD-PARTY-LICENSES.txt');
      await writeFile(licences, await collectLicences(root, bundle, [node]));
      made.push(binary);
    } catch (error) {
      failed.push(`error: ${target.name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  const sums = made.map(async ({ path }) => {
    return [relative(dist, path).replaceAll(sep, '/'), (await sumFile(path)).sum] as const;
  });
  await writeChecksums(dist, new Map(await Promise.all(sums)));
  for (const { target, path, notStripped, warnings } of made) {
    if (notStripped) console.log(`${target.name}: not stripped: ${notStripped}`);
    for (const warning of warnings) console.log(`${target.name}: warning: ${warning}`);
    if (target === host) await runProgram(path, ['version'], { env: environmentWithoutNodeSettings() });
  }
  console.log(formatTable(made.map((binary) => rowOf(binary))));
  for (const line of failed) console.error(line);
  return failed.length === 0 ? 0 : 1;
}

/** The binary for this machine goes to `dist` itself, each other one to its own folder in `dist`. */
function outputOf(target: Target, host: Target | undefined): string {
  return join(target === host ? dist : join(dist, target.name), executableName(PROGRAM, target));
}

function rowOf({
  target,
  path,
  nodeVersion,
  sizeBytes,
  notStripped,
  codeCache,
  finish,
}: Binary): Record<string, string> {
  return {
    target: target.name,
    Node: nodeVersion,
    size: `${(sizeBytes / 1e6).toFixed(1)} MB`,
    stripped: notStripped ? 'no' : 'yes',
    'code cache': codeCache ? 'yes' : 'no',
    finish: finish.text,
    file: relative(root, path),
  };
}

process.exitCode = await main();
