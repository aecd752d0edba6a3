/** The files that only a package for Debian has: its changelog and its copyright. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { formatDebianChangelog, wrapText } from '../../../scripts/release/linux-packages/debian-changelog.ts';
import { formatDebianCopyright } from '../../../scripts/release/linux-packages/debian-copyright.ts';
import { AUTHORS } from '../../../scripts/release/project.ts';

const LICENCE = readFileSync(join(import.meta.dirname, '../../../LICENSE'), 'utf8');

it('the changelog has an entry for each version, with its date and plain lines', () => {
  const release = (version: string, date: string, ...changes: readonly string[]) => ({
    ...{ version, date },
    sections: [{ title: 'Added', changes }],
  });
  const releases = [
    release('0.2.0', '2027-01-02', 'A [link](https://example.com) and `code`.', 'Another change.'),
    release('0.1.0', '2026-11-28', `A line of ${'many words '.repeat(10)}at least.`),
  ];
  expect(
    formatDebianChangelog({ unreleased: [], releases }),
  ).toBe(`docker-credential-acr (0.2.0-1) stable; urgency=medium

  * A link and code.
  * Another change.

 -- ${AUTHORS}  Sat, 02 Jan 2027 00:00:00 +0000

docker-credential-acr (0.1.0-1) stable; urgency=medium

  * A line of many words many words many words many words many words many words
    many words many words many words many words at least.

 -- ${AUTHORS}  Sat, 28 Nov 2026 00:00:00 +0000
`);
});

it('a second version of a day is later than the first', () => {
  const releases = ['0.1.1', '0.1.0'].map((version) => ({ version, date: '2026-11-28', sections: [] }));
  const times = formatDebianChangelog({ unreleased: [], releases }).match(/\d\d:\d\d:\d\d/g);
  expect(times).toEqual(['01:00:00', '00:00:00']);
});

it.each([
  ['', 10, ['']],
  ['one two', 7, ['one two']],
  ['one two', 6, ['one', 'two']],
  ['a-word-that-is-too-long b', 5, ['a-word-that-is-too-long', 'b']],
])('%j in lines of %i characters is %j', (text, columns, lines) => {
  expect(wrapText(text, columns)).toEqual(lines);
});

it('the copyright has the owner and every line of the licence', () => {
  const copyright = formatDebianCopyright(LICENCE);
  expect(copyright).toMatch(/^Copyright: 2026 The docker-credential-acr authors$/m);
  const terms = LICENCE.trimEnd().split('\n').slice(4);
  expect(copyright.split('\nLicense: Expat\n')[2]).toBe(
    `${terms.map((line) => (line === '' ? ' .' : ` ${line}`)).join('\n')}\n`,
  );
});

it('the copyright is not made from another licence', () => {
  expect(() => formatDebianCopyright('Apache License\n')).toThrow('LICENSE is not the MIT licence that is expected');
});
