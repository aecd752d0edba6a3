/** Says what is in an executable: npm packages, Node with its parts, and on Linux a library beside it. */

import type { Target } from '../../build/target.ts';
import { HOMEPAGE, PROGRAM, SUMMARY } from '../project.ts';
import type { Release, ReleasedExecutable } from '../release.ts';
import { type Bill, type Component, licensedAs, referenceOf } from './cyclonedx.ts';
import { describeDebianPackage } from './debian-packages.ts';
import { describeNode, listNodeParts, type NodeFacts } from './node-parts.ts';
import { describePackage, type LockedPackages, listPackages } from './npm-packages.ts';

/** What the bill needs to know besides the executable's description. */
export interface ExecutableFacts {
  readonly locked: LockedPackages;
  readonly node: NodeFacts;
  /** Its SHA-256 in hexadecimal digits. */
  readonly sum: string;
}

/** What makes an executable, from the development dependencies; macOS needs no packer but Node. */
const TOOLS: Readonly<Record<Target['os'], readonly string[]>> = {
  linux: ['esbuild', '@yao-pkg/pkg', 'node'],
  macos: ['esbuild', 'node'],
  win: ['esbuild', '@yao-pkg/pkg', 'resedit', 'node'],
};

/** @throws when the lock file or the table of Node's parts lacks something that is in the executable. */
export function describeExecutable(
  { version, epochSeconds }: Pick<Release, 'version' | 'epochSeconds'>,
  { target, nodeVersion, codeFiles, libraryPackage }: ReleasedExecutable,
  { locked, node: nodeFacts, sum }: ExecutableFacts,
): Bill {
  const packages = listPackages(locked, codeFiles);
  const node = describeNode(nodeVersion, target.nodePackage);
  const parts = listNodeParts(nodeFacts);
  const libraries = libraryPackage === undefined ? [] : [describeDebianPackage(libraryPackage)];
  const purl = `pkg:generic/${PROGRAM}@${version}?platform=${target.name}`;
  const subject: Component = {
    ...{ type: 'application', 'bom-ref': purl, name: PROGRAM, version, description: SUMMARY, purl },
    licenses: licensedAs('MIT'),
    hashes: [{ alg: 'SHA-256', content: sum }],
    externalReferences: [{ type: 'website', url: HOMEPAGE }],
  };
  const [ownReference, nodeReference] = [referenceOf(subject), referenceOf(node)];
  return {
    subject,
    tools: TOOLS[target.os].map((name) => describePackage(locked, `node_modules/${name}`)),
    components: [...packages.components, node, ...parts, ...libraries],
    dependencies: [
      { ref: ownReference, dependsOn: [...packages.direct, nodeReference] },
      ...packages.dependencies,
      { ref: nodeReference, dependsOn: [...parts, ...libraries].map(referenceOf) },
    ],
    compositions: [
      { aggregate: 'complete', assemblies: [ownReference] },
      // Node's list leaves out small parts, such as a histogram.
      { aggregate: 'incomplete', assemblies: [nodeReference] },
    ],
    epochSeconds,
  };
}
