/** What Homebrew, Scoop and winget make of their manifests: with archives of all platforms, and with the real one. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { sumFile } from '../../scripts/build/checksums.ts';
import { findHostTarget } from '../../scripts/build/target.ts';
import { findProgram, runCommand } from '../../scripts/parts/command.ts';
import { makeArchives } from '../../scripts/release/archives.ts';
import { makeHomebrewFormula } from '../../scripts/release/homebrew.ts';
import type { Release } from '../../scripts/release/release.ts';
import { makeScoopManifest } from '../../scripts/release/scoop.ts';
import { makeWingetManifests } from '../../scripts/release/winget.ts';
import { asJsonObject, asText, parseJsonObject } from '../../src/json.ts';
import { VERSION } from '../../src/version.ts';
import { makeTinyRelease } from './world/tiny-release.ts';
import { findReleased } from './world/trial.ts';

const world = mkdtempSync(join(tmpdir(), 'acr-manifests-'));
afterAll(() => rmSync(world, { recursive: true, force: true }));

let release: Release;
beforeAll(async () => {
  const tiny = makeTinyRelease(world, { version: VERSION, isFast: true });
  const { files } = await makeArchives(tiny);
  const sums = new Map<string, string>();
  for (const file of files) sums.set(file, (await sumFile(join(tiny.output, file))).sum);
  release = { ...tiny, sums };
  for (const step of [makeHomebrewFormula, makeScoopManifest, makeWingetManifests]) {
    expect((await step(release)).skipped).toBeUndefined();
  }
});

describe.skipIf(findProgram('ruby') === undefined)('Homebrew', () => {
  const install = (formula: string, archives: string, prefix: string, ...system: string[]) => {
    const [os = '', processor = '', ...more] = system;
    return runCommand('ruby', [
      ...['-w', join(import.meta.dirname, 'formula.rb'), formula, os, processor],
      ...[archives, join(world, prefix), ...more],
    ]);
  };
  const list = (prefix: string) =>
    readdirSync(join(world, prefix), { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => join(entry.parentPath, entry.name).slice(join(world, prefix).length + 1))
      .sort();
  const formulaOf = (folder: string) => join(folder, 'docker-credential-acr.rb');

  test('Ruby accepts the formula', async () => {
    expect(await runCommand('ruby', ['-wc', formulaOf(release.output)])).toEqual({
      exitCode: 0,
      output: 'Syntax OK\n',
    });
  });

  test.each([
    ['linux', 'intel', 'linux-x64'],
    ['linux', 'arm', 'linux-arm64'],
    ['macos', 'intel', 'macos-x64'],
    ['macos', 'arm', 'macos-arm64'],
  ])('installs everything on %s with %s', async (os, processor, target) => {
    const { exitCode, output } = await install(formulaOf(release.output), release.output, target, os, processor);
    expect({ exitCode, output }).toEqual({
      exitCode: 0,
      output: 'To use it for a registry:\n  docker-credential-acr configure myregistry.azurecr.io\n',
    });
    expect(list(target)).toEqual([
      'bin/docker-credential-acr',
      'etc/bash_completion.d/docker-credential-acr',
      ...(os === 'linux' ? ['libexec/docker-credential-acr', 'libexec/libatomic.so.1'] : []),
      'share/doc/docker-credential-acr/THIRD-PARTY-LICENSES.txt',
      'share/fish/vendor_completions.d/docker-credential-acr.fish',
      'share/man/man1/docker-credential-acr.1',
      'share/zsh/site-functions/_docker-credential-acr',
    ]);
    expect((await runCommand(join(world, target, 'bin/docker-credential-acr'), [])).output).toBe(
      `docker-credential-acr ${VERSION} of ${target}\n`,
    );
  });

  test('refuses an archive that was changed', async () => {
    const changed = join(world, 'changed');
    cpSync(release.output, changed, { recursive: true });
    writeFileSync(join(changed, `docker-credential-acr-${VERSION}-macos-arm64.tar.xz`), 'changed');
    const { exitCode, output } = await install(formulaOf(changed), changed, 'never', 'macos', 'arm');
    expect({ exitCode, output }).toEqual({ exitCode: 1, output: expect.stringContaining('has another sum') });
  });

  test.skipIf(findHostTarget()?.os !== 'linux')('installs the real archive, and its test passes', async () => {
    const target = findHostTarget();
    const archive = findReleased(/-linux-\w+\.tar\.xz$/);
    const real = join(world, 'real');
    mkdirSync(real);
    const sums = new Map([...release.sums, [basename(archive), (await sumFile(archive)).sum]]);
    await makeHomebrewFormula({ ...release, sums, output: real });
    const processor = target?.cpu === 'x64' ? 'intel' : 'arm';
    const { exitCode, output } = await install(
      formulaOf(real),
      join(archive, '..'),
      'installed',
      'linux',
      processor,
      'test',
    );
    expect({ exitCode, output }).toEqual({ exitCode: 0, output: expect.stringContaining('To use it for a registry') });
    expect(list('installed')).toContain('libexec/libatomic.so.1');
  });

  test('its test fails when the program says another version', async () => {
    const { exitCode, output } = await install(
      formulaOf(release.output),
      release.output,
      'tiny',
      'linux',
      'intel',
      'test',
    );
    expect({ exitCode, output }).toEqual({
      exitCode: 1,
      output: expect.stringContaining(`does not contain v${VERSION}`),
    });
  });
});

describe.skipIf(findProgram('unzip') === undefined)('on Windows', () => {
  const listZip = async (url: unknown) => {
    const { output } = await runCommand('unzip', ['-Z1', join(release.output, basename(asText(url) ?? ''))]);
    return output.split('\n');
  };

  test.each(['64bit', 'arm64'])('Scoop finds the executable of %s', async (cpu) => {
    const manifest = parseJsonObject(readFileSync(join(release.output, 'docker-credential-acr.json'), 'utf8'));
    const archive = asJsonObject(asJsonObject(manifest?.['architecture'])?.[cpu]);
    expect(await listZip(archive?.['url'])).toContain(`${archive?.['extract_dir']}/${manifest?.['bin']}`);
  });

  test('winget finds the executables', async () => {
    const file = join(release.output, 'DockerCredentialAcr.DockerCredentialAcr.installer.yaml');
    const installers: unknown = asJsonObject(parse(readFileSync(file, 'utf8')))?.['Installers'];
    expect(installers).toHaveLength(2);
    for (const installer of Array.isArray(installers) ? installers.map(asJsonObject) : []) {
      const nested: unknown = installer?.['NestedInstallerFiles'];
      const [path] = Array.isArray(nested) ? nested.map((one) => asText(asJsonObject(one)?.['RelativeFilePath'])) : [];
      expect(await listZip(installer?.['InstallerUrl'])).toContain(path?.replaceAll('\\', '/'));
    }
  });
});
