/** The version: that all places agree, and the command that changes it. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { runCommand } from '../../../scripts/parts/command.ts';
import { bumpVersion, findVersions, listVersionPlaces } from '../../../scripts/release/version.ts';
import { VERSION } from '../../../src/version.ts';

const ROOT = join(import.meta.dirname, '../../..');
const PLACES = await listVersionPlaces(ROOT);

test.each(PLACES)('$file has this version', (place) => {
  const found = findVersions(readFileSync(join(ROOT, place.file), 'utf8'), place);
  expect(new Set(found)).toEqual(new Set([VERSION]));
});

test('the lock file and the chart have it twice', () => {
  const count = (file: string) =>
    PLACES.filter((place) => place.file === file).flatMap((place) =>
      findVersions(readFileSync(join(ROOT, file), 'utf8'), place),
    ).length;
  expect([count('package-lock.json'), count('scripts/kubernetes/chart/Chart.yaml')]).toEqual([2, 2]);
});

test('a place without a version is an error', () => {
  for (const place of PLACES) expect(() => findVersions('', place)).toThrow(`${place.file} has no version`);
});

/** A checkout with the places of this one, as a commit. Each test gets a copy. */
const original = mkdtempSync(join(tmpdir(), 'acr-version-'));
let checkout: string;
const git = (...args: string[]) => execFileSync('git', ['-C', checkout, ...args], { encoding: 'utf8' });
const commit = () => {
  git('add', '--all');
  git('-c', 'user.name=A', '-c', 'user.email=a@example.com', 'commit', '--quiet', '--message=one');
};
const read = (file: string) => readFileSync(join(checkout, file), 'utf8');

beforeAll(() => {
  checkout = original;
  for (const { file } of PLACES) cpSync(join(ROOT, file), join(original, file));
  writeFileSync(join(original, 'CHANGELOG.md'), '# Changelog\n\n## [Unreleased]\n\n### Fixed\n\n- A mistake.\n');
  git('init', '--quiet', '--template=');
  commit();
});
afterAll(() => rmSync(original, { recursive: true, force: true }));

beforeEach(() => {
  checkout = mkdtempSync(join(tmpdir(), 'acr-version-'));
  onTestFinished(() => rmSync(checkout, { recursive: true, force: true }));
  cpSync(original, checkout, { recursive: true });
});

test('one command changes every place, and nothing else in them', async () => {
  const before = new Map(PLACES.map(({ file }) => [file, read(file)]));
  const files = await bumpVersion(checkout, '10.20.30', '2027-01-31');
  expect(git('diff', '--name-only').trimEnd().split('\n').sort()).toEqual(files.toSorted());
  for (const place of PLACES) {
    const versions = findVersions(read(place.file), place);
    expect(new Set(versions), place.file).toEqual(new Set(['10.20.30']));
    const back = read(place.file).replaceAll('10.20.30', VERSION);
    expect(back, place.file).toBe(before.get(place.file));
  }
  expect(read('CHANGELOG.md')).toContain('## [Unreleased]\n\n## [10.20.30] - 2027-01-31\n\n### Fixed\n');
});

const [major = 0, minor = 0] = VERSION.split('.').map(Number);
const NEXT = `${major}.${minor + 1}.0`;
const doNothing = () => {};

test.each([
  ['the same version', VERSION, doNothing, `${VERSION} is not a version above ${VERSION}, such as ${NEXT}`],
  ['a lower version', '0.0.9', doNothing, '0.0.9 is not a version above'],
  ['no version', 'v1.0.0', doNothing, 'v1.0.0 is not a version above'],
  ['a version with a zero in front', '1.02.3', doNothing, '1.02.3 is not a version above'],
  ['a version before a release', '1.0.0-rc.1', doNothing, '1.0.0-rc.1 is not a version above'],
  ['changes', NEXT, () => appendFileSync(join(checkout, 'src/version.ts'), '\n'), 'There are changes: commit them'],
  ['a tag of its name', NEXT, () => git('tag', `v${NEXT}`), `There is a tag v${NEXT} already`],
])('refuses %s, and changes nothing', async (_, version, prepare, message) => {
  prepare();
  const before = git('diff');
  await expect(bumpVersion(checkout, version, '2027-01-31')).rejects.toThrow(message);
  expect(git('diff')).toBe(before);
});

test('refuses a version that changes nothing, and places that disagree', async () => {
  const change = (file: string, from: string, to: string) => {
    writeFileSync(join(checkout, file), read(file).replace(from, to));
    commit();
  };
  change('CHANGELOG.md', '- A mistake.\n', '');
  await expect(bumpVersion(checkout, NEXT, '2027-01-31')).rejects.toThrow('nothing below "## [Unreleased]"');
  change('src/version.ts', VERSION, '7.7.7');
  await expect(bumpVersion(checkout, NEXT, '2027-01-31')).rejects.toThrow(
    `The places have different versions: ${VERSION}, 7.7.7`,
  );
  expect(git('status', '--porcelain')).toBe('');
});

test.each([
  [[], 'error: give the new version: npm run bump -- 0.2.0\n'],
  [['0.0.0'], `error: 0.0.0 is not a version above ${VERSION}, such as ${NEXT}\n`],
])('npm run bump -- %j says what is wrong', async (args, output) => {
  const script = join(ROOT, 'scripts/bump.ts');
  expect(await runCommand(process.execPath, [script, ...args])).toEqual({ exitCode: 1, output });
});
