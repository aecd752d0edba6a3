/** The manifest for Scoop. */
import { expect, test } from 'vitest';
import { HOMEPAGE } from '../../../scripts/release/project.ts';
import { makeScoopManifest } from '../../../scripts/release/scoop.ts';
import { parseJsonObject } from '../../../src/json.ts';
import { ARCHIVES, runStep, sumOf } from './made-up-release.ts';
import { loadSchema } from './published-schema.ts';

const findMistakes = loadSchema('scoop');
const { result, texts } = await runStep(makeScoopManifest, ARCHIVES);
const manifest = parseJsonObject(texts['docker-credential-acr.json'] ?? '') ?? {};

test('the manifest has the published form', () => {
  expect(result).toEqual({ files: ['docker-credential-acr.json'] });
  expect(findMistakes(manifest)).toEqual([]);
});

test.each(['version', 'homepage', 'license'])('it does not have it without %s', (key) => {
  const { [key]: _, ...rest } = manifest;
  expect(findMistakes(rest)).toEqual([`/ must have required property '${key}'`]);
});

test('a sum with a digit too many is refused', () => {
  const architecture = { '64bit': { url: HOMEPAGE, hash: `${sumOf('')}0` } };
  expect(findMistakes({ ...manifest, architecture }).join()).toContain('/architecture/64bit/hash must match');
});

test('each processor gets its own archive', () => {
  const describeArchive = (cpu: string) => {
    const folder = `docker-credential-acr-1.2.3-windows-${cpu}`;
    const url = `${HOMEPAGE}/releases/download/v1.2.3/${folder}.zip`;
    return { url, hash: sumOf(`${folder}.zip`), extract_dir: folder };
  };
  expect(manifest).toMatchObject({
    version: '1.2.3',
    architecture: { '64bit': describeArchive('x64'), arm64: describeArchive('arm64') },
    bin: 'docker-credential-acr.exe',
  });
});

test('what Scoop makes of it for this version is what it says', () => {
  const [newer] = [JSON.stringify(manifest['autoupdate']).replaceAll('$version', '1.2.3')].map(parseJsonObject);
  expect(manifest['architecture']).toMatchObject(newer?.['architecture'] ?? {});
  expect(newer).toMatchObject({ architecture: { '64bit': {}, arm64: {} }, hash: { url: '$baseurl/SHA256SUMS' } });
});

test('a release without archives for Windows has no manifest', async () => {
  expect((await runStep(makeScoopManifest, ARCHIVES.slice(0, 8))).result).toEqual({
    files: [],
    skipped: ['Scoop manifest: there is no .zip of windows-x64, windows-arm64'],
  });
});
