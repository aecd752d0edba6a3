/** The licence of a package that names one but ships no text. */
import { expect, test } from 'vitest';
import { formatDeclaredLicence } from '../../../scripts/build/licences.ts';

test('a package that declares MIT and its author gets the text of that licence', () => {
  const text = formatDeclaredLicence({ license: 'MIT', author: 'Somebody' });
  expect(text).toMatch(/^MIT License\n\nCopyright \(c\) Somebody\n\nPermission is hereby granted/);
});

test.each([
  {},
  { license: 'MIT' },
  { license: 'UNLICENSED', author: 'Somebody' },
  { author: 'Somebody' },
  'MIT',
  undefined,
])('there is no licence in %j', (manifest) => {
  expect(formatDeclaredLicence(manifest)).toBeUndefined();
});
