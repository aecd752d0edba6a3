/** Names packages of Debian as scanners know them. */

import { DEBIAN_RELEASE, type DebianPackage } from '../debian-package.ts';
import { type Component, escapePurl, licensedAs } from './cyclonedx.ts';

const GCC_RUNTIME = 'GPL-3.0-or-later WITH GCC-exception-3.1';

/** By source package. The whole text is in the package's own file. */
const LICENCES: Readonly<Record<string, string>> = {
  'base-files': 'GPL-2.0-or-later',
  'ca-certificates': 'GPL-2.0-or-later AND MPL-2.0',
  'gcc-12': GCC_RUNTIME,
  glibc: 'LGPL-2.1-or-later',
};

/** @see https://github.com/package-url/purl-spec/blob/main/types/deb-definition.json */
export function describeDebianPackage(given: DebianPackage): Component {
  const { name, version, architecture, source, sha256 } = given;
  const licence = LICENCES[source];
  const qualifiers = [
    `arch=${architecture}`,
    `distro=debian-${DEBIAN_RELEASE.number}`,
    ...(source === name ? [] : [`upstream=${escapePurl(source)}`]),
  ];
  const purl = `pkg:deb/debian/${escapePurl(name)}@${escapePurl(version)}?${qualifiers.join('&')}`;
  return {
    ...{ type: 'library', 'bom-ref': purl, name, version, purl },
    ...(licence === undefined ? {} : { licenses: licensedAs(licence) }),
    hashes: [{ alg: 'SHA-256', content: sha256 }],
  };
}
