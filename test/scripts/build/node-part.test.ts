/** Node's symbols are removed by the same tool on every machine. */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterEach, expect, test, vi } from 'vitest';
import { stripNode } from '../../../scripts/build/node-part.ts';
import { findHostTarget, TARGETS } from '../../../scripts/build/target.ts';
import { useTemporaryFolder } from '../../unit/temporary-folder.ts';

const folders = useTemporaryFolder();
afterEach(() => void vi.unstubAllEnvs());

/** Tools that only say their names. */
function makeTools(...names: readonly string[]): void {
  mkdirSync(folders.path('bin'), { recursive: true });
  const script = '#!/bin/sh\nfor file; do :; done\necho "$0" > "$file"\n';
  for (const name of names) writeFileSync(folders.path('bin', name), script, { mode: 0o755 });
  vi.stubEnv('PATH', folders.path('bin'));
}

test.skipIf(process.platform === 'win32')(
  'Node for another processor is stripped by LLVM, whatever else is there',
  async () => {
    makeTools('strip', 'aarch64-linux-gnu-strip', 'x86_64-linux-gnu-strip', 'llvm-strip');
    const target = TARGETS.find(({ os, name }) => os === 'linux' && name !== findHostTarget()?.name);
    if (target === undefined) throw new Error('There is no such target');
    const path = folders.path('node');
    writeFileSync(path, 'node with symbols');
    const { path: stripped } = await stripNode(folders.path('parts'), target, {
      path,
      version: '1.2.3',
      licencePath: '',
    });
    expect(readFileSync(stripped, 'utf8')).toBe(`${folders.path('bin/llvm-strip')}\n`);
    expect(readFileSync(path, 'utf8')).toBe('node with symbols');
  },
);
