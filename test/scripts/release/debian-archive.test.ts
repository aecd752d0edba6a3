/** What apt offers, and what a package of Debian says about itself. */
import { describe, expect, it, test } from 'vitest';
import { parseControl, parseUris } from '../../../scripts/release/image/debian-archive.ts';

const SUM = 'ba4f88f73dbc3ae9055f3c20f4523bfdbaf1ad13ff95e258924f77d20b4fbedf';
const ADDRESS = 'http://deb.debian.org/debian/pool/main/g/glibc/libc6_2.36-9%2bdeb12u14_amd64.deb';

describe('an offer of apt', () => {
  it('has the name of the file and its SHA-256', () => {
    const text = `'${ADDRESS}' libc6_2.36-9+deb12u14_amd64.deb 2759320 SHA256:${SUM}\n`;
    expect(parseUris(text)).toEqual([{ name: 'libc6_2.36-9+deb12u14_amd64.deb', sha256: SUM }]);
  });

  it.each([
    ['leads out of the folder', `'${ADDRESS}' ../libc6.deb 1 SHA256:${SUM}`],
    ['has no SHA-256', `'${ADDRESS}' libc6.deb 1 MD5Sum:00`],
    ['is no package', `'${ADDRESS}' libc6.tar 1 SHA256:${SUM}`],
  ])('is none when it %s', (_, text) => {
    expect(parseUris(text)).toEqual([]);
  });
});

describe('a package of Debian', () => {
  it('names itself and its source', () => {
    const control = 'Package: libgcc-s1\nSource: gcc-12 (12.2.0-14)\nVersion: 12.2.0-14+b1\nArchitecture: amd64\n';
    expect(parseControl(control)).toEqual({
      ...{ name: 'libgcc-s1', version: '12.2.0-14+b1', architecture: 'amd64', source: 'gcc-12' },
    });
  });

  it('is its own source when it names none', () => {
    const control = 'Package: ca-certificates\nVersion: 20250419\nArchitecture: all\nDescription: Version: 2\n';
    expect(parseControl(control)).toMatchObject({ version: '20250419', source: 'ca-certificates' });
  });

  test('without a version is refused', () => {
    expect(() => parseControl('Package: one\nArchitecture: all\n')).toThrow(/does not name itself/);
  });
});
