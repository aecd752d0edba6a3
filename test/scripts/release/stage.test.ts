/** Files laid out for an archive: their modes and times do not come from the machine. */
import { chmodSync, lstatSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { stageFiles } from '../../../scripts/release/stage.ts';
import { createTemporaryFolder } from '../../e2e/world/temporary-folder.ts';

it.skipIf(process.platform === 'win32')(
  'gives every file a fixed mode and one time, whatever its source and the umask',
  async (context) => {
    const { path: folder, remove } = createTemporaryFolder('acr-stage-');
    context.onTestFinished(remove);
    const source = join(folder, 'source');
    writeFileSync(source, 'program');
    chmodSync(source, 0o600);
    const staged = join(folder, 'staged');
    mkdirSync(staged, { mode: 0o700 });
    const mask = process.umask(0o077);
    try {
      const files = [
        { name: 'usr/bin/program', source, isExecutable: true },
        { name: 'usr/share/doc/text', text: 'text' },
      ];
      await stageFiles(staged, files, 1_600_000_001);
    } finally {
      process.umask(mask);
    }
    const names = ['', 'usr', 'usr/bin', 'usr/bin/program', 'usr/share', 'usr/share/doc', 'usr/share/doc/text'];
    const found = names.map((name) => {
      const { mode, mtimeMs } = lstatSync(join(staged, name));
      return `${name} ${(mode & 0o7777).toString(8)} ${mtimeMs / 1000}`;
    });
    expect(found).toEqual(names.map((name) => `${name} ${name === 'usr/share/doc/text' ? 644 : 755} 1600000001`));
    expect(readFileSync(join(staged, 'usr/bin/program'), 'utf8')).toBe('program');
  },
);
