/** Writes bills of materials in the format CycloneDX 1.6. @see https://cyclonedx.org/docs/1.6/json/ */

import { createHash } from 'node:crypto';

export interface Component {
  readonly type: 'application' | 'container' | 'library' | 'platform';
  /** By what the rest of the bill refers to it. */
  readonly 'bom-ref': string;
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  /** @see https://nvd.nist.gov/products/cpe */
  readonly cpe?: string;
  readonly licenses?: readonly LicenceChoice[];
  readonly hashes?: readonly Hash[];
  readonly description?: string;
  readonly externalReferences?: readonly ExternalReference[];
}

/** A licence of the SPDX list, or an expression of several. */
export type LicenceChoice = { readonly license: { readonly id: string } } | { readonly expression: string };

export interface Hash {
  readonly alg: 'SHA-256' | 'SHA-512';
  /** In hexadecimal digits. */
  readonly content: string;
}

export interface ExternalReference {
  readonly type: 'distribution' | 'vcs' | 'website';
  readonly url: string;
}

export interface Dependency {
  readonly ref: string;
  readonly dependsOn: readonly string[];
}

/** Whether a bill knows everything that is in a component. */
export interface Composition {
  readonly aggregate: 'complete' | 'incomplete';
  readonly assemblies: readonly string[];
}

export interface Bill {
  /** What the bill is of. */
  readonly subject: Component;
  /** What it was made with. */
  readonly tools: readonly Component[];
  readonly components: readonly Component[];
  readonly dependencies: readonly Dependency[];
  readonly compositions: readonly Composition[];
  /** In seconds since 1970. */
  readonly epochSeconds: number;
}

/** @returns the text of the file, with a line end. The same bill has the same text and the same serial number. */
export function formatBill({ subject, tools, components, dependencies, compositions, epochSeconds }: Bill): string {
  const content = {
    version: 1,
    metadata: {
      timestamp: new Date(epochSeconds * 1000).toISOString().replace('.000', ''),
      lifecycles: [{ phase: 'build' }],
      tools: { components: tools },
      component: subject,
    },
    components,
    dependencies,
    compositions,
  };
  const serialNumber = `urn:uuid:${nameUuid(JSON.stringify(content))}`;
  const bill = { bomFormat: 'CycloneDX', specVersion: '1.6', serialNumber, ...content };
  return `${JSON.stringify(bill, undefined, 2)}\n`;
}

/** A version 8 UUID: its digits are those of the text's SHA-256. @see https://www.rfc-editor.org/rfc/rfc9562#section-5.8 */
function nameUuid(text: string): string {
  const bytes = createHash('sha256').update(text).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** @param licence an identifier of the SPDX list, or an expression such as `MIT OR Apache-2.0`. */
export function licensedAs(licence: string): readonly LicenceChoice[] {
  return [licence.includes(' ') ? { expression: licence } : { license: { id: licence } }];
}

/** The reference of a component. */
export function referenceOf(component: Component): string {
  return component['bom-ref'];
}

/** Puts a value into a purl. @see https://github.com/package-url/purl-spec/blob/main/PURL-SPECIFICATION.rst */
export function escapePurl(value: string): string {
  return encodeURIComponent(value).replaceAll('%3A', ':');
}
