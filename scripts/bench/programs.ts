/** Builds the programs to compare: ours, an empty and a minimal one made in the same way, and the peer. */

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { makeBinary } from '../build/binary.ts';
import { bundleProgram } from '../build/bundle.ts';
import type { Part } from '../build/chunks.ts';
import { readPinnedNodeVersion } from '../build/node-part.ts';
import { makeProgramCode } from '../build/program.ts';
import { runProgram } from '../build/run.ts';
import { executableName, findHostTarget } from '../build/target.ts';

const PEER = 'github.com/chrismellard/docker-credential-acr-env';

export interface Programs {
  readonly ours: string;
  /** A program without a line in it, on the same Node and in the same packaging. */
  readonly empty: string;
  /** The least that a cold `get` has to do, and nothing else. */
  readonly limit: string;
  /** `undefined` when it is not available. */
  readonly peer: string | undefined;
  /** AKS's credential provider for kubelets, which the tests install; `undefined` when they have not. */
  readonly kubeletPeer: string | undefined;
}

/** Builds our programs one after the other, so that the disk and the page cache hold them in the same way. */
export async function preparePrograms(root: string): Promise<Programs> {
  const target = findHostTarget();
  if (!target) throw new Error('There is no build for this platform');
  const nodeVersion = await readPinnedNodeVersion(root);
  const bundle = async (entry: string) => (await bundleProgram({ entry, root, nodeVersion })).code;
  const make = async (stem: string, code: string, parts: readonly Part[] = []) => {
    const output = join(root, '.parts/bench', executableName(stem, target));
    await makeBinary({ root, target, code, output, parts });
    dropFromPageCache(output);
    return output;
  };
  const { start, parts } = await makeProgramCode({ root, nodeVersion });
  return {
    ours: await make('docker-credential-acr', start, parts),
    empty: await make('empty', ''),
    limit: await make('limit', await bundle('scripts/bench/limit-program.ts')),
    peer: await installPeer(join(root, '.parts/bin')),
    kubeletPeer: [join(root, '.parts/bin/acr-credential-provider')].find(existsSync),
  };
}

/**
 * Drops a file from the page cache. Linux caches a newly written file in large pages, and counts a whole page as
 * resident when a process touches a part of it, which nearly doubles the measured memory. Afterwards the file is read
 * from disk.
 */
export function dropFromPageCache(file: string): void {
  if (process.platform !== 'linux') return;
  spawnSync('sync', [file]);
  spawnSync('dd', [`if=${file}`, 'iflag=nocache', 'count=0', 'status=none']);
}

async function installPeer(folder: string): Promise<string | undefined> {
  const path = join(
    folder,
    process.platform === 'win32' ? 'docker-credential-acr-env.exe' : 'docker-credential-acr-env',
  );
  if (existsSync(path)) return path;
  try {
    await runProgram('go', ['install', `${PEER}@latest`], { env: { ...process.env, GOBIN: folder } });
    return path;
  } catch {
    return undefined;
  }
}
