/** Goal 11: the size of the executable and of its archives. */

import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import type { Programs } from './programs.ts';

export interface Size {
  readonly what: string;
  /** `undefined` when the program that makes it is missing. */
  readonly bytes: number | undefined;
}

const ARCHIVERS: readonly (readonly [string, ...string[]])[] = [
  ['gzip', '-9', '-c'],
  ['xz', '-6', '-T0', '-c'],
];

export function measureSizes({ ours, empty }: Programs): readonly Size[] {
  const archives = ARCHIVERS.map(([program, ...args]) => ({
    what: [program, ...args.slice(0, -1)].join(' '),
    bytes: compressedBytes(program, args, ours),
  }));
  return [
    { what: 'executable', bytes: statSync(ours).size },
    { what: 'the same without our program', bytes: statSync(empty).size },
    ...archives,
  ];
}

function compressedBytes(program: string, args: readonly string[], file: string): number | undefined {
  const { status, stdout } = spawnSync(program, [...args, file], { maxBuffer: 512 << 20 });
  return status === 0 ? stdout.length : undefined;
}

export function formatSize({ what, bytes }: Size): Record<string, string> {
  return { '#': '11', what, size: bytes === undefined ? 'not measured' : `${(bytes / 1e6).toFixed(1)} MB` };
}
