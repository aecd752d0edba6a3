/** Every place that has the version of the program, and a way to change all of them. */

import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runGit } from '../build/git.ts';
import { changelogPath, releaseChanges } from './changelog.ts';

/** A file with the version. */
export interface VersionPlace {
  /** From the root of the checkout on. */
  readonly file: string;
  /** Each matches the version alone, at least once. */
  readonly patterns: readonly RegExp[];
}

const VERSION_FORM = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$/;

const PLACES: readonly VersionPlace[] = [
  { file: 'package.json', patterns: [/(?<=^ {2}"version": ")[^"]+(?=",$)/gm] },
  {
    file: 'package-lock.json',
    // The second is that of the project among the packages.
    patterns: [
      /(?<=^ {2}"version": ")[^"]+(?=",$)/gm,
      /(?<=^ {4}"": \{\n {6}"name": "docker-credential-acr",\n {6}"version": ")[^"]+(?=",$)/gm,
    ],
  },
  { file: 'src/version.ts', patterns: [/(?<=^export const VERSION = ')[^']+(?=';$)/gm] },
  { file: 'scripts/kubernetes/chart/Chart.yaml', patterns: [/(?<=^version: ).+$/gm, /(?<=^appVersion: ).+$/gm] },
  { file: 'scripts/ci/azure-pipelines/install.yml', patterns: [/(?<=^ {4}default: )\d.+$/gm] },
  {
    file: 'scripts/kubernetes/README.md',
    patterns: [/(?<=oci-archive:docker-credential-acr-)[^-]+/g, /(?<=\/docker-credential-acr:)\d[^\s"]*/g],
  },
  { file: 'docs/recipes.md', patterns: [/(?<=\/scripts\/ci\/github@v).+$/gm, /(?<=^ {6}ref: refs\/tags\/v).+$/gm] },
  { file: 'docs/install.md', patterns: [/(?<=\/docker-credential-acr:)\d\S*/g] },
];

const MANIFESTS = 'scripts/kubernetes/manifests';
const MANIFEST_PATTERNS = [
  /(?<=app\.kubernetes\.io\/version: ")[^"]+(?=")/g,
  /(?<=\/docker-credential-acr:)[^"]+(?=")/g,
];

/** Lists the places of a checkout. */
export async function listVersionPlaces(root: string): Promise<readonly VersionPlace[]> {
  const manifests = (await readdir(join(root, MANIFESTS))).sort();
  return [...PLACES, ...manifests.map((name) => ({ file: `${MANIFESTS}/${name}`, patterns: MANIFEST_PATTERNS }))];
}

/** @returns each version in the text of a place. @throws when one of its patterns matches nothing. */
export function findVersions(text: string, { file, patterns }: VersionPlace): readonly string[] {
  return patterns.flatMap((pattern) => {
    const found = text.match(pattern);
    if (found === null) throw new Error(`${file} has no version where it should be`);
    return found;
  });
}

/**
 * Puts a new version into every place, and makes it of what is unreleased in the changelog. Nothing is committed.
 *
 * @param date the day of the version, such as `2026-11-28`.
 * @returns the files that have changed.
 * @throws when the version is not higher than the present one, the changelog has nothing for it, or files are changed
 *   that are not committed. Then no file has changed.
 */
export async function bumpVersion(root: string, version: string, date: string): Promise<readonly string[]> {
  const places = await Promise.all(
    (await listVersionPlaces(root)).map(async (place) => ({
      ...place,
      text: await readFile(join(root, place.file), 'utf8'),
    })),
  );
  const present = new Set(places.flatMap((place) => findVersions(place.text, place)));
  const [old, ...others] = present;
  if (old === undefined || others.length > 0)
    throw new Error(`The places have different versions: ${[...present].join(', ')}`);
  if (!isHigher(version, old)) throw new Error(`${version} is not a version above ${old}, such as ${nextMinor(old)}`);
  if ((await runGit(root, 'status', '--porcelain', '--untracked-files=no')) !== '')
    throw new Error('There are changes: commit them first');
  if ((await runGit(root, 'tag', '--list', `v${version}`)) !== '')
    throw new Error(`There is a tag v${version} already`);
  const changelog = releaseChanges(await readFile(changelogPath(root), 'utf8'), version, date);

  for (const { file, text, patterns } of places) {
    const changed = patterns.reduce((result, pattern) => result.replaceAll(pattern, version), text);
    await writeFile(join(root, file), changed);
  }
  await writeFile(changelogPath(root), changelog);
  return [...places.map(({ file }) => file), 'CHANGELOG.md'];
}

function isHigher(version: string, old: string): boolean {
  const [parts, oldParts] = [parseVersion(version), parseVersion(old)];
  if (parts === undefined || oldParts === undefined) return false;
  const index = parts.findIndex((part, at) => part !== oldParts[at]);
  return (parts[index] ?? 0) > (oldParts[index] ?? 0);
}

/** @returns its three numbers; `undefined` when it is no version. */
function parseVersion(text: string): readonly number[] | undefined {
  return VERSION_FORM.exec(text)?.slice(1).map(Number);
}

function nextMinor(version: string): string {
  const [major = 0, minor = 0] = parseVersion(version) ?? [];
  return `${major}.${minor + 1}.0`;
}
