/** Reads CHANGELOG.md. @see https://keepachangelog.com/en/1.1.0/ */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Changes of one kind. */
export interface ChangelogSection {
  /** Such as `Added`. */
  readonly title: string;
  /** One line each, in Markdown. */
  readonly changes: readonly string[];
}

/** What a version has changed. */
export interface ChangelogRelease {
  readonly version: string;
  /** Such as `2026-11-28`. */
  readonly date: string;
  readonly sections: readonly ChangelogSection[];
}

export interface Changelog {
  /** What the next version will change. */
  readonly unreleased: readonly ChangelogSection[];
  /** The newest comes first. */
  readonly releases: readonly ChangelogRelease[];
}

const SECTIONS = ['Added', 'Changed', 'Deprecated', 'Removed', 'Fixed', 'Security'];
const UNRELEASED = '## [Unreleased]';
const RELEASE = /^## \[(\d+\.\d+\.\d+)\] - (\d{4}-\d\d-\d\d)$/;

/** The path of the changelog of a checkout. */
export function changelogPath(root: string): string {
  return join(root, 'CHANGELOG.md');
}

/** @throws when there is no changelog, or it does not have the form of one. */
export async function readChangelog(root: string): Promise<Changelog> {
  return parseChangelog(await readFile(changelogPath(root), 'utf8'));
}

/** @throws when a line is not what stands there in a changelog; the message has its number. */
export function parseChangelog(text: string): Changelog {
  const unreleased: MutableSection[] = [];
  const releases: { version: string; date: string; sections: MutableSection[] }[] = [];
  let sections: MutableSection[] | undefined;
  for (const [index, line] of text.split('\n').entries()) {
    const fail = (what: string) => new Error(`CHANGELOG.md, line ${index + 1}: ${what}`);
    const section = sections?.at(-1);
    if (line.startsWith('## ')) {
      sections = line === UNRELEASED ? unreleased : addRelease(releases, line);
      if (sections === undefined) throw fail('expected "## [Unreleased]" or "## [1.2.3] - 2026-01-31"');
    } else if (sections === undefined || line === '') {
    } else if (line.startsWith('### ')) {
      const title = line.slice(4);
      if (!SECTIONS.includes(title)) throw fail(`expected one of ${SECTIONS.join(', ')}`);
      sections.push({ title, changes: [] });
    } else if (section !== undefined && line.startsWith('- ')) {
      section.changes.push(line.slice(2));
    } else if (section !== undefined && section.changes.length > 0 && line.startsWith('  ')) {
      section.changes.push(`${section.changes.pop()} ${line.trim()}`);
    } else {
      throw fail('expected "- " and a change below a "### " heading');
    }
  }
  return { unreleased, releases };
}

interface MutableSection {
  readonly title: string;
  readonly changes: string[];
}

function addRelease(
  releases: { version: string; date: string; sections: MutableSection[] }[],
  heading: string,
): MutableSection[] | undefined {
  const [, version, date] = RELEASE.exec(heading) ?? [];
  if (version === undefined || date === undefined) return undefined;
  const sections: MutableSection[] = [];
  releases.push({ version, date, sections });
  return sections;
}

/** The changes of a version as plain lines, for packages whose changelogs are not Markdown. */
export function listPlainChanges({ sections }: ChangelogRelease): readonly string[] {
  return sections.flatMap(({ changes }) =>
    changes.map((change) => change.replaceAll(/\[([^\]]+)\]\([^)]+\)/g, '$1').replaceAll(/[`*]/g, '')),
  );
}

/**
 * Makes what is unreleased a version, and leaves an empty heading for the next one.
 *
 * @param date such as `2026-11-28`.
 * @throws when nothing is unreleased, or the version is there already.
 */
export function releaseChanges(text: string, version: string, date: string): string {
  const { unreleased, releases } = parseChangelog(text);
  if (releases.some((release) => release.version === version)) throw new Error(`CHANGELOG.md has ${version} already`);
  if (unreleased.every(({ changes }) => changes.length === 0)) {
    throw new Error('CHANGELOG.md has nothing below "## [Unreleased]"');
  }
  return text.replace(UNRELEASED, `${UNRELEASED}\n\n## [${version}] - ${date}`);
}

/** A version as Markdown, without its heading: the text of its release. @returns `undefined` when it is not there. */
export function formatReleaseNotes({ releases }: Changelog, version: string): string | undefined {
  const found = releases.find((release) => release.version === version);
  return found?.sections
    .map(({ title, changes }) => `### ${title}\n\n${changes.map((change) => `- ${change}\n`).join('')}`)
    .join('\n');
}
