/** Finds the Node executable for a target: this project's own, or the one in the npm package of another platform. */

import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { execPath } from 'node:process';
import { runProgram } from './run.ts';
import { findHostTarget, type Target } from './target.ts';

export interface NodePart {
  readonly path: string;
  readonly version: string;
}

/** Reads the version of Node that the project pins and packages. */
export async function readPinnedNodeVersion(root: string): Promise<string> {
  const manifest: unknown = JSON.parse(await readFile(join(root, 'node_modules/node/package.json'), 'utf8'));
  const version = typeof manifest === 'object' && manifest && 'version' in manifest && manifest.version;
  if (typeof version !== 'string') throw new Error('Cannot read the version of the `node` package: run `npm ci` first');
  return version;
}

/**
 * Finds the Node executable of `target`. The first time, downloads it with npm, which verifies its integrity.
 *
 * @throws when npm cannot download it.
 */
export async function findNodePart(root: string, parts: string, target: Target, version: string): Promise<NodePart> {
  const wanted = target.nodeVersion ?? version;
  if (target.name === findHostTarget()?.name && wanted === version) {
    return { path: join(root, 'node_modules/node/bin', target.os === 'win' ? 'node.exe' : 'node'), version };
  }
  return { path: await fetchNode(parts, target, wanted), version: wanted };
}

async function fetchNode(parts: string, target: Target, version: string): Promise<string> {
  const kept = join(parts, `node-${version}-${target.name}${target.os === 'win' ? '.exe' : ''}`);
  if (await isFile(kept)) return kept;
  await mkdir(parts, { recursive: true });
  const scratch = await mkdtemp(join(parts, 'fetch-'));
  try {
    await runNpm(['pack', '--ignore-scripts', '--loglevel=error', `${target.nodePackage}@${version}`], scratch);
    const archive = (await readdir(scratch)).find((name) => name.endsWith('.tgz'));
    if (!archive) throw new Error(`npm has no ${target.nodePackage}@${version}`);
    await runProgram('tar', ['-xzf', archive], { cwd: scratch });
    const executable = join(scratch, 'package/bin', target.os === 'win' ? 'node.exe' : 'node');
    await chmod(executable, 0o755);
    await rename(executable, kept);
    return kept;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** `npm run` sets the path of its npm in a variable. On Windows, `npm` is a script that cannot be executed directly. */
function runNpm(args: readonly string[], cwd: string): Promise<string> {
  const npm = process.env['npm_execpath'];
  return npm ? runProgram(execPath, [npm, ...args], { cwd }) : runProgram('npm', args, { cwd });
}

export interface StrippedNode {
  readonly path: string;
  /** Why the executable still has its symbols; `undefined` when they were removed. */
  readonly notStripped?: string;
}

/**
 * Removes the symbols of a Node executable, a fifth of its size. This must happen before the program is injected:
 * stripping afterwards would move the program from where Node looks for it.
 */
export async function stripNode(parts: string, target: Target, node: NodePart): Promise<StrippedNode> {
  if (target.os === 'win') return { path: node.path, notStripped: 'Node for Windows comes without symbols' };
  const { size } = await stat(node.path);
  const kept = join(parts, `node-${node.version}-${target.name}-stripped-${size}`);
  if (await isFile(kept)) return { path: kept };
  await mkdir(parts, { recursive: true });
  const scratch = await mkdtemp(join(parts, 'strip-'));
  try {
    const stripped = join(scratch, 'node');
    for (const [tool, ...options] of stripTools(target)) {
      await cp(node.path, stripped);
      const worked = await runProgram(tool, [...options, stripped]).then(
        () => true,
        () => false,
      );
      if (!worked) continue;
      await rename(stripped, kept);
      return { path: kept };
    }
    return { path: node.path, notStripped: 'there is no strip for it here' };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** The programs that can strip the target's Node, with their options. */
function stripTools(target: Target): readonly (readonly [string, ...string[]])[] {
  // The symbols that others can link to must stay.
  if (target.os === 'macos') return [['llvm-strip', '-x']];
  const triple = target.cpu === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';
  return [[target === findHostTarget() ? 'strip' : `${triple}-strip`], ['llvm-strip']];
}

function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (entry) => entry.isFile(),
    () => false,
  );
}
