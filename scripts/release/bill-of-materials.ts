/** The CycloneDX bill of materials of each executable: what is really in it. */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sumFile } from '../build/checksums.ts';
import { findNodePart, readPinnedNodeVersion } from '../build/node-part.ts';
import { environmentWithoutNodeSettings } from '../build/run.ts';
import { findHostTarget } from '../build/target.ts';
import { type Bill, type Component, formatBill, licensedAs, referenceOf } from './bill-of-materials/cyclonedx.ts';
import { askNode, checkSettings, describeNode, listNodeParts, type NodeFacts } from './bill-of-materials/node-parts.ts';
import { describePackage, listPackages, type LockedPackages, readLockedPackages } from './bill-of-materials/npm-packages.ts';
import { AUTHORS, HOMEPAGE, PROGRAM, SUMMARY } from './project.ts';
import type { Release, ReleasedExecutable, StepResult } from './release.ts';

/** The development dependencies that make an executable. */
const TOOLS = ['esbuild', '@yao-pkg/pkg', 'node'];

/** @throws when the contents of an executable cannot be told. */
export async function makeBillsOfMaterials(release: Release): Promise<StepResult> {
  const locked = await readLockedPackages(release.root);
  const files: string[] = [];
  const facts = new Map<string, NodeFacts>();
  for (const executable of release.executables) {
    const { nodeVersion, path } = executable;
    const node = facts.get(nodeVersion) ?? (await askSameNode(release.root, nodeVersion));
    facts.set(nodeVersion, node);
    await checkSettings(path, node);
    const file = billName(release.version, executable.target.name);
    const { sum } = await sumFile(path);
    await writeFile(join(release.output, file), formatBill(describeExecutable(release, executable, { locked, node, sum })));
    files.push(file);
  }
  return { files };
}

/** The name of the bill of one target, such as `linux-x64`. */
export function billName(version: string, target: string): string {
  return `${PROGRAM}-${version}-${target}.cdx.json`;
}

/** What a bill is made from, besides the executable's own description. */
export interface Contents {
  readonly locked: LockedPackages;
  readonly node: NodeFacts;
  /** The executable's SHA-256. */
  readonly sum: string;
}

export function describeExecutable(
  { version, epochSeconds }: Pick<Release, 'version' | 'epochSeconds'>,
  { target, nodeVersion, sourceFiles, library }: ReleasedExecutable,
  { locked, node: facts, sum }: Contents,
): Bill {
  const packages = listPackages(locked, sourceFiles);
  const node = describeNode(nodeVersion, tarballOf(target.nodePackage, nodeVersion));
  const parts = listNodeParts(facts);
  const libraries = library === undefined ? [] : [describeDebianPackage(library)];
  const purl = `pkg:generic/${PROGRAM}@${version}?platform=${target.name}`;
  const subject: Component = {
    ...{ type: 'application', 'bom-ref': purl, name: PROGRAM, version, purl, description: SUMMARY },
    licenses: licensedAs('MIT'),
    hashes: [{ alg: 'SHA-256', content: sum }],
    externalReferences: [{ type: 'website', url: HOMEPAGE }],
  };
  const [own, nodes] = [referenceOf(subject), referenceOf(node)];
  return {
    subject,
    tools: TOOLS.map((name) => describeTool(locked, name)),
    components: [...packages.components, node, ...parts, ...libraries],
    dependencies: [
      { ref: own, dependsOn: [...packages.direct, nodes] },
      ...packages.dependencies,
      { ref: nodes, dependsOn: [...parts, ...libraries].map(referenceOf) },
    ],
    compositions: [
      { aggregate: 'complete', assemblies: [own] },
      // Node does not list the smaller parts among its sources, such as a hash table.
      { aggregate: 'incomplete', assemblies: [nodes] },
    ],
    epochSeconds,
  };
}
