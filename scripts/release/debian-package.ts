/** A binary package of the Debian release from which a release takes libraries. */

/** The oldest Debian that is still maintained: its libraries run programs for it and for anything newer. */
export const DEBIAN_RELEASE = { codename: 'bookworm', number: '12' };

export interface DebianPackage {
  readonly name: string;
  readonly version: string;
  /** Such as `amd64`, or `all`. */
  readonly architecture: string;
  /** The source package, by whose name Debian tracks vulnerabilities. */
  readonly source: string;
  /** Of the package's file, in hexadecimal digits. */
  readonly sha256: string;
}
