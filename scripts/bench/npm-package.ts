/** Goal 15: a hot `get` of the npm package, on each Node that runs it. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findNodeFolder, isNodeInstalled, NODE_VERSIONS } from '../parts/node-versions.ts';
import { FIRST_NODE_VERSION } from '../release/npm-package/manifest.ts';
import { makeProgramFiles } from '../release/npm-package/program-files.ts';
import { makeRow, type Row, type Skipped, samplesOf } from './row.ts';
import { measureInTurn, measureTime, type Subject } from './subject.ts';
import type { World } from './world.ts';

const GOAL = 15;

/** Compares it with an empty script on the same Node, and with the executable. */
export async function measureNpmPackage(world: World, goals: ReadonlySet<number>, rounds: number) {
  const rows: Row[] = [];
  const missing = NODE_VERSIONS.filter((version) => !isNodeInstalled(version));
  const skipped: Skipped[] = [];
  if (!goals.has(GOAL)) return { rows, skipped };
  if (missing.length > 0) skipped.push({ goal: GOAL, reason: `Node ${missing.join(' and ')} is not installed` });
  const folder = join(world.scratch, 'npm-package');
  const script = await writeProgram(world.root, folder);
  const empty = join(folder, 'empty.js');
  writeFileSync(empty, '');
  const nodes = [
    ...NODE_VERSIONS.filter(isNodeInstalled).map(
      (version) => [version, join(findNodeFolder(version), 'node')] as const,
    ),
    [process.versions.node, process.execPath] as const,
  ];
  const pairs = nodes.map(([version, file]) => ({
    npm: { ...world.hot, name: `hot get of the npm package, Node ${version}`, file, args: [script, 'get'] },
    floor: { ...world.empty, name: `empty script, Node ${version}`, file, args: [empty] },
  }));
  const subjects: readonly Subject[] = [world.hot, ...pairs.flatMap(({ npm, floor }) => [npm, floor])];
  const samples = await measureInTurn(subjects, rounds, measureTime);
  for (const { npm, floor } of pairs) {
    for (const against of [floor, world.hot]) {
      rows.push(
        makeRow({
          goal: GOAL,
          what: `${npm.name} ÷ ${against === world.hot ? 'the executable' : 'an empty script'}`,
          unit: 'ms',
          ours: samplesOf(samples, npm.name),
          against: samplesOf(samples, against.name),
        }),
      );
    }
  }
  return { rows, skipped };
}

async function writeProgram(root: string, folder: string): Promise<string> {
  const files = await makeProgramFiles({ root, nodeVersion: FIRST_NODE_VERSION, form: 'npm package' });
  for (const [path, text] of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return join(folder, [...files.keys()].find((path) => path.startsWith('bin/')) ?? '');
}
