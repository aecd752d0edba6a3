/** Says what is in the npm package: other npm packages, and no Node. */

import { HOMEPAGE, PROGRAM, SUMMARY } from '../project.ts';
import type { Release } from '../release.ts';
import { type Bill, type Component, licensedAs, referenceOf } from './cyclonedx.ts';
import { describePackage, type LockedPackages, listPackages } from './npm-packages.ts';

export interface NpmPackageFacts {
  readonly locked: LockedPackages;
  /** The SHA-256 of the package's file in hexadecimal digits. */
  readonly sum: string;
}

/**
 * @param codeFiles the files whose code is in the package, relative to the checkout.
 * @throws when the lock file lacks one of their packages.
 */
export function describeNpmPackage(
  { version, epochSeconds }: Pick<Release, 'version' | 'epochSeconds'>,
  codeFiles: readonly string[],
  { locked, sum }: NpmPackageFacts,
): Bill {
  const packages = listPackages(locked, codeFiles);
  const purl = `pkg:npm/${PROGRAM}@${version}`;
  const subject: Component = {
    ...{ type: 'library', 'bom-ref': purl, name: PROGRAM, version, description: SUMMARY, purl },
    licenses: licensedAs('MIT'),
    hashes: [{ alg: 'SHA-256', content: sum }],
    externalReferences: [{ type: 'website', url: HOMEPAGE }],
  };
  const own = referenceOf(subject);
  return {
    subject,
    tools: [describePackage(locked, 'node_modules/esbuild')],
    components: packages.components,
    dependencies: [{ ref: own, dependsOn: packages.direct }, ...packages.dependencies],
    compositions: [{ aggregate: 'complete', assemblies: [own] }],
    epochSeconds,
  };
}
