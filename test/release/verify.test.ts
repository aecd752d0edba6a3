/** The commands of docs/verify.md, run with the real programs on a release. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findProgram, runCommand } from '../../scripts/parts/command.ts';
import { signChecksums } from '../../scripts/release/signatures.ts';
import { blocksOf } from '../docs/markdown.ts';
import { findReleased } from './world/trial.ts';

const BLOCKS = blocksOf('sh').filter(({ document }) => document === 'docs/verify.md');

const world = mkdtempSync(join(tmpdir(), 'acr-verify-'));
const release = join(world, 'release');
afterAll(() => rmSync(world, { recursive: true, force: true }));

/** Runs the line of a block that begins with a word. */
async function run(word: string, folder: string) {
  const line = BLOCKS.flatMap(({ text }) => text.split('\n')).find((one) => one.startsWith(`${word} `));
  return runCommand('sh', ['-c', `cd '${folder}' && ${line ?? 'exit 99'}`]);
}

beforeAll(() => symlinkSync(dirname(findReleased(/^SHA256SUMS$/)), release));

describe('sha256sum', () => {
  test('accepts every file of this release, and each has a sum', async () => {
    const { exitCode, output } = await run('sha256sum', release);
    const files = readdirSync(release).filter((file) => !file.startsWith('SHA256SUMS'));
    expect({ exitCode, lines: output.trimEnd().split('\n').sort() }).toEqual({
      exitCode: 0,
      lines: files.map((file) => `${file}: OK`).sort(),
    });
  });

  test('accepts one file alone, and refuses it once a byte is added', async () => {
    const folder = mkdtempSync(join(world, 'one-'));
    const [checksums, archive] = [findReleased(/^SHA256SUMS$/), findReleased(/-linux-\w+\.tar\.xz$/)];
    symlinkSync(checksums, join(folder, 'SHA256SUMS'));
    const file = join(folder, basename(archive));
    symlinkSync(archive, file);
    expect(await run('sha256sum', folder)).toEqual({ exitCode: 0, output: `${basename(archive)}: OK\n` });
    rmSync(file);
    writeFileSync(file, 'something else');
    expect(await run('sha256sum', folder)).toMatchObject({
      exitCode: 1,
      output: expect.stringContaining(`${basename(archive)}: FAILED\n`),
    });
  });
});

test.skipIf(findProgram('minisign') === undefined)(
  'minisign accepts the checksums of this release, and no others',
  async () => {
    const folder = mkdtempSync(join(world, 'signed-'));
    writeFileSync(join(folder, 'SHA256SUMS'), readFileSync(findReleased(/^SHA256SUMS$/)));
    const key = join(world, 'key');
    execFileSync('minisign', ['-G', '-W', '-s', key, '-p', join(folder, 'docker-credential-acr.pub')], {
      stdio: 'pipe',
    });
    await signChecksums({ folder, version: '1.2.3', epochSeconds: 1 }, { RELEASE_MINISIGN_KEY: key });
    expect(await run('minisign', folder)).toMatchObject({
      exitCode: 0,
      output: expect.stringMatching(/\nTrusted comment: .*docker-credential-acr 1\.2\.3\n$/),
    });
    appendFileSync(join(folder, 'SHA256SUMS'), '\n');
    expect(await run('minisign', folder)).toMatchObject({
      exitCode: 1,
      output: expect.stringContaining('Signature verification failed'),
    });
  },
);
