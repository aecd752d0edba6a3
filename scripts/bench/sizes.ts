/** Goal 11: how large the executable is, and the archives of it. */

import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import type { Programs } from './programs.ts';

export interface Size {
  readonly what: string;
  readonly bytes: number | undefined;
  /** What is not our program: the packaged Node, with nothing in it. */
  readonly emptyBytes: number | undefined;
}

const ARCHIVERS: readonly (readonly [string, ...string[]])[] = [
  ['gzip', '-9', '-c'],
  ['xz', '-6', '-T0', '-c'],
];

export function measureSizes({ ours, empty }: Programs): readonly Size[] {
  const plain = { what: 'executable', bytes: statSync(ours).size, emptyBytes: statSync(empty).size };
  const archives = ARCHIVERS.map(([program, ...args]) => ({
    what: [program, ...args.slice(0, -1)].join(' '),
    bytes: compressedBytes(program, args, ours),
    emptyBytes: compressedBytes(program, args, empty),
  }));
  return [plain, ...archives];
}

/** @returns `undefined` where there is no such program. */
function compressedBytes(program: string, args: readonly string[], file: string): number | undefined {
  const { status, stdout } = spawnSync(program, [...args, file], { maxBuffer: 512 << 20 });
  return status === 0 ? stdout.length : undefined;
}

export function formatSize({ what, bytes, emptyBytes }: Size): Record<string, string> {
  return { '#': '11', what, 'our program': formatBytes(bytes), 'an empty one': formatBytes(emptyBytes) };
}

function formatBytes(bytes: number | undefined): string {
  return bytes === undefined ? 'not measured' : `${(bytes / 1e6).toFixed(1)} MB`;
}
