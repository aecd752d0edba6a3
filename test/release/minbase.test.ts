/** The throw-away copy of a minimal Debian, on which the other tests rely. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { MINBASE_ROOT } from '../../scripts/parts/minbase.ts';
import { openMinbase, PACKAGES_FOLDER, SHARED_FOLDER } from './world/minbase.ts';

it('lacks libatomic.so.1, keeps changes from one run to the next, and changes nothing elsewhere', async (context) => {
  const [one, other] = [openMinbase(context), openMinbase(context)];
  writeFileSync(join(one.sharedFolder, 'given'), 'text\n');
  const setUp = await one.run('sh', ['-c', `cp ${SHARED_FOLDER}/given /usr/bin/kept && touch ${SHARED_FOLDER}/back`]);
  expect(setUp).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  expect(existsSync(join(one.sharedFolder, 'back'))).toBe(true);
  const script = `cat /usr/bin/kept; env; id -u; ls ${PACKAGES_FOLDER} | grep libatomic1; find / -xdev -name 'libatomic*'; cat`;
  const { exitCode, stdout } = await one.run('sh', ['-c', script], { environment: { GIVEN: 'yes' }, input: 'input' });
  expect({ exitCode, lines: stdout.split('\n') }).toEqual({
    exitCode: 0,
    lines: expect.arrayContaining(['text', 'GIVEN=yes', 'HOME=/root', '0', 'input']),
  });
  expect(stdout).toMatch(/^libatomic1_[^/]*\.deb$/m);
  expect(stdout).not.toContain('libatomic.so');
  expect((await other.run('cat', ['/usr/bin/kept'])).exitCode).toBe(1);
  expect(existsSync(join(MINBASE_ROOT, 'usr/bin/kept'))).toBe(false);
});

it('ends what a program leaves in the background, and mounts nothing on this machine', async (context) => {
  const minbase = openMinbase(context);
  const left = await minbase.run('sh', ['-c', 'sleep 1000 >/dev/null 2>&1 & cat /proc/1/comm']);
  expect(left).toEqual({ exitCode: 0, stdout: 'sh\n', stderr: '' });
  expect((await minbase.run('sh', ['-c', 'ls -d /proc/[0-9]*'])).stdout).toMatch(/^\/proc\/1(\n\/proc\/\d+)?\n$/);
});
