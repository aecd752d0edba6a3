/** The changelog: what is read from it, and how a version is made of what is unreleased. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  formatReleaseNotes,
  listPlainChanges,
  parseChangelog,
  readChangelog,
  releaseChanges,
} from '../../../scripts/release/changelog.ts';
import { VERSION } from '../../../src/version.ts';

const TEXT = `# Changelog

Words about it.

## [Unreleased]

### Fixed

- \`get\` does *this*,
  and [that](docs/x.md).
- Another.

## [0.1.0] - 2026-11-28

### Added

- Everything.
`;

describe('parseChangelog', () => {
  test('reads sections, and joins the lines of a change', () => {
    expect(parseChangelog(TEXT)).toEqual({
      unreleased: [{ title: 'Fixed', changes: ['`get` does *this*, and [that](docs/x.md).', 'Another.'] }],
      releases: [{ version: '0.1.0', date: '2026-11-28', sections: [{ title: 'Added', changes: ['Everything.'] }] }],
    });
  });

  test.each([
    ['a heading without a date', TEXT.replace(' - 2026-11-28', ''), 'line 13: expected "## [Unreleased]" or'],
    ['a date of another form', TEXT.replace('2026-11-28', '28.11.2026'), 'line 13: expected "## [Unreleased]" or'],
    ['an unknown section', TEXT.replace('Fixed', 'Misc'), 'line 7: expected one of Added, Changed'],
    ['a paragraph in a version', TEXT.replace('- Another.', 'Another.'), 'line 11: expected "- " and a change'],
    ['a change without a section', TEXT.replace('### Added\n', ''), 'line 16: expected "- " and a change'],
    ['a continued line without a change', TEXT.replace('- Everything', '  Everything'), 'line 17: expected "- " and'],
  ])('refuses %s', (_, text, message) => {
    expect(() => parseChangelog(text)).toThrow(message);
  });
});

test('packages get plain lines', () => {
  const [release] = parseChangelog(releaseChanges(TEXT, '0.2.0', '2027-01-31')).releases;
  expect(release && listPlainChanges(release)).toEqual(['get does this, and that.', 'Another.']);
});

describe('releaseChanges', () => {
  const text = releaseChanges(TEXT, '0.2.0', '2027-01-31');

  test('makes a version of what is unreleased, and keeps the rest', () => {
    expect(text).toBe(TEXT.replace('## [Unreleased]\n', '## [Unreleased]\n\n## [0.2.0] - 2027-01-31\n'));
    const { unreleased, releases } = parseChangelog(text);
    expect({ unreleased, versions: releases.map(({ version, date }) => `${version} ${date}`) }).toEqual({
      unreleased: [],
      versions: ['0.2.0 2027-01-31', '0.1.0 2026-11-28'],
    });
  });

  test('refuses a version that is there, and one without changes', () => {
    expect(() => releaseChanges(TEXT, '0.1.0', '2027-01-31')).toThrow('CHANGELOG.md has 0.1.0 already');
    const message = 'CHANGELOG.md has nothing below "## [Unreleased]"';
    expect(() => releaseChanges(text, '0.3.0', '2027-01-31')).toThrow(message);
    const empty = text.replace('## [Unreleased]\n', '## [Unreleased]\n\n### Added\n');
    expect(() => releaseChanges(empty, '0.3.0', '2027-01-31')).toThrow(message);
  });
});

test('the notes of a release are its part of the changelog', () => {
  const changelog = parseChangelog(TEXT);
  expect(formatReleaseNotes(changelog, '0.1.0')).toBe('### Added\n\n- Everything.\n');
  expect(formatReleaseNotes(changelog, '0.2.0')).toBeUndefined();
});

test('CHANGELOG.md tells what this version changed', async () => {
  const { releases } = await readChangelog(join(import.meta.dirname, '../../..'));
  const [newest] = releases;
  expect(newest?.version).toBe(VERSION);
  expect(newest && listPlainChanges(newest).length).toBeGreaterThan(0);
});
