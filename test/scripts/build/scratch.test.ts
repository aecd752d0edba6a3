/** A folder for what is made on the way is gone after the work, however it ends. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { useScratchFolder } from '../../../scripts/build/scratch.ts';
import { useTemporaryFolder } from '../../unit/temporary-folder.ts';

const folders = useTemporaryFolder();

test('after the work, and after it has failed', async () => {
  const prefix = folders.path('scratch-');
  const made = await useScratchFolder(prefix, async (folder) => {
    writeFileSync(join(folder, 'file'), '');
    return folder;
  });
  expect(made.startsWith(prefix)).toBe(true);
  const failed = useScratchFolder(prefix, () => Promise.reject(new Error('no room')));
  await expect(failed).rejects.toThrow('no room');
  expect(readdirSync(folders.path())).toEqual([]);
});

/** Opens a folder in another, and waits. */
const PROGRAM = `
import { writeFileSync } from 'node:fs';
import { useScratchFolder } from ${JSON.stringify(join(import.meta.dirname, '../../../scripts/build/scratch.ts'))};
const prefix = process.argv[1];
await useScratchFolder(prefix, (folder) => useScratchFolder(folder + '/inner-', async (inner) => {
  writeFileSync(inner + '/file', '');
  await useScratchFolder(prefix, async () => {});
  console.log('ready');
  await new Promise((resolve) => setTimeout(resolve, 60_000));
}));
`;

test.skipIf(process.platform === 'win32').each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
  'after %s, of which the process still ends',
  async (signal) => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM, folders.path('scratch-')]);
    await once(child.stdout, 'data');
    expect(readdirSync(folders.path())).toHaveLength(1);
    child.kill(signal);
    expect(await once(child, 'exit')).toEqual([null, signal]);
    expect(readdirSync(folders.path())).toEqual([]);
  },
);
