/** The copyright file of the package for Debian. */

import { AUTHORS, HOMEPAGE, PROGRAM } from '../project.ts';

/**
 * @param licence the text of LICENSE.
 * @throws when it is not the MIT licence with one copyright line.
 * @see https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
 */
export function formatDebianCopyright(licence: string): string {
  const [, owner, terms] = /^MIT License\n\nCopyright \(c\) ([^\n]+)\n\n(.+)$/s.exec(licence) ?? [];
  if (owner === undefined || terms === undefined) throw new Error('LICENSE is not the MIT licence that is expected');
  const lines = terms
    .trimEnd()
    .split('\n')
    .map((line) => (line === '' ? ' .' : ` ${line}`));
  return `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: ${PROGRAM}
Upstream-Contact: ${AUTHORS}
Source: ${HOMEPAGE}

Files: *
Copyright: ${owner}
License: Expat
Comment: The executable contains Node.js and libraries of others. Their licences
 are in THIRD-PARTY-LICENSES.txt.gz beside this file.

License: Expat
${lines.join('\n')}
`;
}
