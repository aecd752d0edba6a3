/** Starting a program that may outlive this one. */
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

describe('startDetached', () => {
  test('runs the program in the root folder with the environment and the given variables', async () => {
    const runtime = makeRuntime({ PATH: '/usr/bin:/bin', OF_THE_MACHINE: 'one' });
    const file = folder.path('written');
    const script = `printf '%s ' "$PWD" "$OF_THE_MACHINE" "$GIVEN" >'${file}.part'; mv '${file}.part' '${file}'`;
    expect(startDetached(runtime, '/bin/sh', ['-c', script], { GIVEN: 'two' })).toBe(true);
    expect(await readWhenThere(file)).toBe('/ one two ');
  });

  test('returns false for a program that cannot be started', async () => {
    expect(startDetached(makeRuntime(), '/nonexistent/program', [], {})).toBe(false);
    await new Promise((resolve) => setImmediate(resolve));
  });

  test('throws on Windows when SystemRoot is not set', () => {
    expect(() => startDetached(makeRuntime({}, { platform: 'win32' }), 'C:\\program.exe', [], {})).toThrow(
      'SystemRoot',
    );
  });
});
