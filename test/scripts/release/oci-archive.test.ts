/** The image is made with buildah, which here only writes down how it was called, and fails. */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { makeOciArchive } from '../../../scripts/release/image/oci-archive.ts';
import { useTemporaryFolder } from '../../unit/temporary-folder.ts';

const folders = useTemporaryFolder();

/** Its storage has what only buildah can remove. */
const BUILDAH = `#!/bin/sh
echo "$*" >> calls
case "$*" in
  *unshare*) ;;
  *) echo "no such owner" >&2; exit 125 ;;
esac
`;

beforeEach(() => {
  mkdirSync(folders.path('bin'), { recursive: true });
  writeFileSync(folders.path('bin/buildah'), BUILDAH.replace('calls', `'${folders.path('calls')}'`), { mode: 0o755 });
  vi.stubEnv('PATH', `${folders.path('bin')}:${process.env['PATH']}`);
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

test.skipIf(process.platform === 'win32').each([
  ['root', 0, false],
  ['somebody else', 1000, true],
])('%s gets the reason why it failed, and nothing is left', async (_who, userId, isUnshared) => {
  vi.spyOn(process, 'geteuid').mockReturnValue(userId);
  const options = {
    ...{ images: [], tag: '1.2.3', labels: {}, epochSeconds: 0, isFast: true },
    ...{ scratch: folders.path('scratch'), output: folders.path('image.oci.tar') },
  };
  await expect(makeOciArchive(options)).rejects.toThrow('no such owner');
  const calls = readFileSync(folders.path('calls'), 'utf8');
  expect(calls.includes(`unshare rm -rf ${folders.path('scratch/storage')}\n`)).toBe(isUnshared);
  expect(existsSync(folders.path('scratch'))).toBe(false);
});
