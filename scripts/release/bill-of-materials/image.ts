/** Says what is in the container image: the executable with all that is in it, and packages of Debian. */

import type { DebianPackage } from '../debian-package.ts';
import { PROGRAM } from '../project.ts';
import { type Bill, type Component, referenceOf } from './cyclonedx.ts';
import { describeDebianPackage } from './debian-packages.ts';

/** @param executable the bill of the executable. */
export function describeImage(executable: Bill, architecture: string, packages: readonly DebianPackage[]): Bill {
  const { version, description, licenses, externalReferences } = executable.subject;
  const purl = `pkg:oci/${PROGRAM}?arch=${architecture}&tag=${version}`;
  const subject: Component = {
    ...{ type: 'container', 'bom-ref': purl, name: PROGRAM, version, purl },
    ...(description === undefined ? {} : { description }),
    ...(licenses === undefined ? {} : { licenses }),
    ...(externalReferences === undefined ? {} : { externalReferences }),
  };
  const libraries = packages.map(describeDebianPackage);
  const own = referenceOf(subject);
  return {
    ...executable,
    subject,
    components: [executable.subject, ...executable.components, ...libraries],
    dependencies: [
      { ref: own, dependsOn: [executable.subject, ...libraries].map(referenceOf) },
      ...executable.dependencies,
    ],
    compositions: [{ aggregate: 'complete', assemblies: [own] }, ...executable.compositions],
  };
}
