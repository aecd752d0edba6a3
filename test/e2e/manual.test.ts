/** The manual page of the built program, as man and others read it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { findPart, needParts, PROGRAM, partOf } from './world/parts.ts';
import { runProcess } from './world/process.ts';
import { createTemporaryFolder } from './world/temporary-folder.ts';

const ENVIRONMENT = { PATH: '/usr/bin:/bin', HOME: '/nonexistent', LANG: 'C.UTF-8', MANWIDTH: '80' };

it('man, groff and mandoc read the page without a warning, and show what is in it', async (context) => {
  needParts(context, 'man');
  const { path: folder, remove } = createTemporaryFolder('acr-manual-');
  context.onTestFinished(remove);
  const file = join(folder, 'docker-credential-acr.1');
  const page = await runProcess(PROGRAM, ['man'], { environment: ENVIRONMENT });
  expect({ ...page, stdout: '' }).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  writeFileSync(file, page.stdout);

  const man = (...args: readonly string[]) => runProcess(partOf('man'), [...args, file], { environment: ENVIRONMENT });
  const checked = await man('--warnings', '-E', 'UTF-8', '-l', '-Tutf8', '-Z');
  expect({ ...checked, stdout: '' }).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  if (findPart('groff') !== undefined) {
    const groff = await runProcess(partOf('groff'), ['-man', '-ww', '-Tutf8', file], { environment: ENVIRONMENT });
    expect({ ...groff, stdout: '' }).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  }
  if (findPart('mandoc') !== undefined) {
    const { stdout } = await runProcess(partOf('mandoc'), ['-Tlint', file], { environment: ENVIRONMENT });
    // The page has no date, so that the same version prints the same page.
    expect(stdout.replace(/^.*: missing date, using "": TH\n/, '')).toBe('');
  }

  const shown = await man('-l');
  expect(shown.stderr).toBe('');
  expect(shown.stdout).toContain('docker-credential-acr - sign docker, podman, helm and others in to\n');
  expect(shown.stdout).toContain('eval "$(docker-credential-acr completion bash)"');
  expect(shown.stdout).toContain('echo \'{"ServerURL":"edge.example.com"');
});
