/** One temporary folder for all runs of a file's properties. */
import { chmodSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** Creates the folder; it is removed after the last test of the file. */
export function openFuzzFolder(): {
  readonly path: string;
  readonly write: (name: string, text: string | Uint8Array) => string;
} {
  const path = mkdtempSync(join(realpathSync(tmpdir()), 'docker-credential-acr-fuzz-'));
  afterAll(() => rmSync(path, { recursive: true, force: true }));
  return {
    path,
    write: (name, text) => {
      const file = join(path, name);
      writeFileSync(file, text, { mode: 0o600 });
      chmodSync(file, 0o600);
      return file;
    },
  };
}
