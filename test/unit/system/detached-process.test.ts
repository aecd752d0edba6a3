/** A program that goes on when the one that started it has ended. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { startDetached } from '../../../src/system/detached-process.ts';
import { makeRuntime } from '../runtime.ts';
import { useTemporaryFolder } from '../temporary-folder.ts';

const folder = useTemporaryFolder();

async function readWhenThere(file: string): Promise<string> {
  while (!existsSync(file)) await new Promise((resolve) => setTimeout(resolve, 5));
  return readFileSync(file, 'utf8');
}

describe('a program that is started', () => {
  test('runs in the root folder, with the variables of the machine and those it was given', async () => {
    const runtime = makeRuntime({ PATH: '/usr/bin:/bin', OF_THE_MACHINE: 'one' });
    const file = folder.path('written');
    const script = `printf '%s ' "$PWD" "$OF_THE_MACHINE" "$GIVEN" >'${file}.part'; mv '${file}.part' '${file}'`;
    expect(startDetached(runtime, '/bin/sh', ['-c', script], { GIVEN: 'two' })).toBe(true);
    expect(await readWhenThere(file)).toBe('/ one two ');
  });

  test('is told from one that cannot be, and that harms nobody', async () => {
    expect(startDetached(makeRuntime(), '/nonexistent/program', [], {})).toBe(false);
    await new Promise((resolve) => setImmediate(resolve));
  });

  test('needs a folder that is of Windows itself there', () => {
    expect(() => startDetached(makeRuntime({}, { platform: 'win32' }), 'C:\\program.exe', [], {})).toThrow(
      'SystemRoot',
    );
  });
});
