/** Starting a program that may outlive this one. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { startDetached } from '../../../src/system/detached-process.ts';
import { makeRuntime } from '../runtime.ts';
import { useTemporaryFolder } from '../temporary-folder.ts';

// Processes are slow on a machine that is busy with other suites.
vi.setConfig({ testTimeout: 20_000 });

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
    expect(await startDetached(runtime, '/bin/sh', ['-c', script], { variables: { GIVEN: 'two' } })).toBe(true);
    expect(await readWhenThere(file)).toBe('/ one two ');
  });

  test('gives it an input of any length, and the name that this program was called by', async () => {
    const runtime = makeRuntime({ PATH: '/usr/bin:/bin' }, { programName: 'docker-credential-own' });
    const file = folder.path('written');
    const script = `tr '\\0' ' ' </proc/$$/cmdline >'${file}.part'; wc -c >>'${file}.part'; mv '${file}.part' '${file}'`;
    await startDetached(runtime, '/bin/sh', ['-c', script], { input: 'x'.repeat(1_000_000) });
    expect(await readWhenThere(file)).toMatch(/^docker-credential-own -c .*1000000\n$/s);
  });

  test('does not wait for a program that does not read its input', async () => {
    const runtime = makeRuntime({ PATH: '/usr/bin:/bin' });
    const isEnded = startDetached(runtime, '/bin/sh', ['-c', 'exit 0'], { input: 'x'.repeat(1_000_000) });
    expect(await isEnded).toBe(true);
    const startedMs = performance.now();
    expect(await startDetached(runtime, '/bin/sh', ['-c', 'sleep 3'], { input: 'x'.repeat(1_000_000) })).toBe(true);
    expect(performance.now() - startedMs).toBeLessThan(2_500);
  });

  describe('starts a program that goes on', () => {
    /** Starts a parent whose program says that it runs, and then moves `go` to `written` as soon as it is there. */
    function startParent(then = '') {
      const loop = `n=0; while [ ! -e go ] && [ $n -lt 500 ]; do sleep 0.02; n=$((n + 1)); done`;
      const script = `cd '${folder.path()}' && echo >started; ${loop}; mv go written`;
      const runtime = { env: { PATH: '/usr/bin:/bin' }, platform: process.platform };
      const module = join(import.meta.dirname, '..', '..', '..', 'src', 'system', 'detached-process.ts');
      const args = [runtime, '/bin/sh', ['-c', script], {}].map((arg) => JSON.stringify(arg)).join(', ');
      const code = `import { startDetached } from ${JSON.stringify(module)}; await startDetached(${args}); ${then}`;
      // Its output is read to the end, as clients do; it leads a group of its own, as a client's processes do.
      const parent = spawn(process.execPath, ['--input-type=module', '--eval', code], {
        env: {},
        stdio: ['ignore', 'pipe', 'inherit'],
        detached: true,
      });
      parent.stdout.resume();
      return { parent, closed: once(parent, 'close') };
    }

    async function expectProgramGoesOn(): Promise<void> {
      writeFileSync(folder.path('go.part'), 'the word');
      renameSync(folder.path('go.part'), folder.path('go'));
      expect(await readWhenThere(folder.path('written'))).toBe('the word');
    }

    test('after its parent has ended, which does not wait for it', async () => {
      expect(await startParent().closed).toEqual([0, null]);
      await expectProgramGoesOn();
    });

    test('after the whole group of its parent was killed', async () => {
      const { parent, closed } = startParent('setInterval(() => {}, 1000);');
      await readWhenThere(folder.path('started'));
      process.kill(-(parent.pid ?? Number.NaN), 'SIGKILL');
      expect(await closed).toEqual([null, 'SIGKILL']);
      await expectProgramGoesOn();
    });
  });

  test('returns false for a program that cannot be started', async () => {
    expect(await startDetached(makeRuntime(), '/nonexistent/program', [], {})).toBe(false);
    await new Promise((resolve) => setImmediate(resolve));
  });

  test('throws on Windows when SystemRoot is not set', async () => {
    await expect(startDetached(makeRuntime({}, { platform: 'win32' }), 'C:\\program.exe', [], {})).rejects.toThrow(
      'SystemRoot',
    );
  });
});
