/** What a program says of itself tells whether it is this one. */

import { expect, test } from 'vitest';
import { readVersionLine } from '../../../../src/commands/doctor/version-line.ts';
import { formatBuild, VERSION } from '../../../../src/version.ts';

test.each([
  [`docker-credential-acr (docker-credential-acr) v${formatBuild()}`, VERSION],
  ['acr-credential-provider (docker-credential-acr) v1.2.3, commit 0123456789ab, Node 26.10.0', '1.2.3'],
  ['docker-credential-acr (docker-credential-acr) v1.2.3-rc.1', '1.2.3-rc.1'],
  ['docker-credential-acr (docker-credential-acr) v1.2.3 and more', undefined],
  ['docker-credential-acr (docker-credential-pass) v1.2.3', undefined],
  ['acr-credential-provider version v1.36.5', undefined],
  ['', undefined],
])('reads %j as %s', (line, version) => {
  expect(readVersionLine(line)).toBe(version);
});
