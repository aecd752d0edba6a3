/** The manifests for winget. */
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { HOMEPAGE } from '../../../scripts/release/project.ts';
import { makeWingetManifests } from '../../../scripts/release/winget.ts';
import { asJsonObject } from '../../../src/json.ts';
import { ARCHIVES, runStep, sumOf } from './made-up-release.ts';
import { loadSchema } from './published-schema.ts';

const NAME = 'DockerCredentialAcr.DockerCredentialAcr';
const SCHEMAS = {
  [`${NAME}.yaml`]: loadSchema('winget-version-1.12.0'),
  [`${NAME}.installer.yaml`]: loadSchema('winget-installer-1.12.0'),
  [`${NAME}.locale.en-US.yaml`]: loadSchema('winget-defaultLocale-1.12.0'),
};

const { result, texts } = await runStep(makeWingetManifests, ARCHIVES);
const read = (file: string) => asJsonObject(parse(texts[file] ?? '')) ?? {};

test('three manifests are made', () => {
  expect(result).toEqual({ files: Object.keys(SCHEMAS) });
});

describe.each(Object.entries(SCHEMAS))('%s', (file, findMistakes) => {
  test('has the published form', () => {
    expect(findMistakes(read(file))).toEqual([]);
  });

  test('does not have it without one of its keys', () => {
    const required = ['PackageIdentifier', 'PackageVersion', 'ManifestType', 'ManifestVersion'];
    for (const key of required) {
      const { [key]: _, ...rest } = read(file);
      expect(findMistakes(rest), key).not.toEqual([]);
    }
  });
});

test('each processor gets its own archive, and the executable below its folder', () => {
  const describeInstaller = (cpu: string) => {
    const folder = `docker-credential-acr-1.2.3-windows-${cpu}`;
    return {
      Architecture: cpu,
      InstallerUrl: `${HOMEPAGE}/releases/download/v1.2.3/${folder}.zip`,
      InstallerSha256: sumOf(`${folder}.zip`).toUpperCase(),
      NestedInstallerFiles: [
        { RelativeFilePath: `${folder}\\docker-credential-acr.exe`, PortableCommandAlias: 'docker-credential-acr' },
      ],
    };
  };
  expect(read(`${NAME}.installer.yaml`)).toMatchObject({
    InstallerType: 'zip',
    NestedInstallerType: 'portable',
    ReleaseDate: '2026-11-28',
    Installers: [describeInstaller('x64'), describeInstaller('arm64')],
  });
});

test.each([
  ['InstallerSha256', 'not a sum'],
  ['InstallerUrl', 'ftp://example.com/a.zip'],
  ['Architecture', 'sparc'],
])('an installer with another %s is refused', (key, value) => {
  const manifest = read(`${NAME}.installer.yaml`);
  const installers = Array.isArray(manifest['Installers']) ? manifest['Installers'] : [];
  const broken = { ...manifest, Installers: [{ ...asJsonObject(installers[0]), [key]: value }] };
  expect(SCHEMAS[`${NAME}.installer.yaml`]?.(broken).join()).toMatch(new RegExp(`/Installers/0/${key} must`));
});

test('a release without an archive for Windows says which one', async () => {
  const some = ARCHIVES.filter((file) => !file.endsWith('windows-arm64.zip'));
  expect(await runStep(makeWingetManifests, some)).toEqual({
    result: { files: [], skipped: ['winget manifests: there is no .zip of windows-arm64'] },
    texts: {},
  });
});
