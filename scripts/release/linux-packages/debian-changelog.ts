/** The changelog of the package for Debian. */

import { type Changelog, listPlainChanges } from '../changelog.ts';
import { AUTHORS, PROGRAM } from '../project.ts';
import { REVISION } from './package-source.ts';

/** @see https://www.debian.org/doc/debian-policy/ch-source.html#debian-changelog-debian-changelog */
export function formatDebianChangelog({ releases }: Changelog): string {
  return releases
    .map((release, index) => {
      const earlierOfTheDay = releases.slice(index + 1).filter(({ date }) => date === release.date).length;
      const changes = listPlainChanges(release).map((change) => wrapText(change, 76).join('\n    '));
      return [
        `${PROGRAM} (${release.version}-${REVISION}) stable; urgency=medium\n`,
        ...changes.map((change) => `  * ${change}`),
        `\n -- ${AUTHORS}  ${formatDate(release.date, earlierOfTheDay)}\n`,
      ].join('\n');
    })
    .join('\n');
}

/** Breaks a text into lines of at most so many characters, except for longer words. */
export function wrapText(text: string, columns: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + 1 + word.length <= columns) lines.splice(-1, 1, `${line} ${word}`);
    else lines.push(word);
  }
  return lines;
}

/** @returns a date such as `Sat, 28 Nov 2026 00:00:00 +0000`. Each entry must be later than the one before it. */
function formatDate(date: string, hour: number): string {
  return new Date(Date.parse(date) + hour * 3_600_000).toUTCString().replace('GMT', '+0000');
}
