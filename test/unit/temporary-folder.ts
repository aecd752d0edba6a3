/** A temporary folder for each test, removed afterwards. */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';

/** Call it at the top of a test file; the first call of `path` creates the folder of the running test. */
export function useTemporaryFolder(): { readonly path: (...parts: string[]) => string } {
  let folder: string | undefined;
  afterEach(() => {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
    folder = undefined;
  });
  return {
    path: (...parts) => {
      folder ??= mkdtempSync(join(realpathSync(tmpdir()), 'docker-credential-acr-unit-'));
      return join(folder, ...parts);
    },
  };
}
