/**
 * `node scripts/kubernetes/render.ts` renders the chart with each file of `examples` into `manifests`, for clusters without
 * Helm. The namespace is `docker-credential-acr`.
 */

import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram, isExecutable, runCommand } from '../parts/command.ts';
import { PARTS_FOLDER } from '../parts/part.ts';

/** The folder of the chart. */
export const CHART = join(import.meta.dirname, 'chart');
/** The folder of the manifests. */
export const MANIFESTS = join(import.meta.dirname, 'manifests');
const EXAMPLES = join(import.meta.dirname, 'examples');

/** The name of the release and of its namespace. */
export const RELEASE = 'docker-credential-acr';
/** Helm takes the version of its own libraries otherwise. */
export const KUBE_VERSION = '1.36.0';

/** @returns the path of helm: that of the tests, or the machine's; `undefined` when there is none. */
export function findHelm(): string | undefined {
  return [join(PARTS_FOLDER, 'bin', 'helm')].find(isExecutable) ?? findProgram('helm');
}

/** The names of the examples, such as `node`. */
export function listExamples(): readonly string[] {
  return readdirSync(EXAMPLES).map((name) => name.replace(/\.yaml$/, ''));
}

/** The values of an example. */
export function exampleFile(name: string): string {
  return join(EXAMPLES, `${name}.yaml`);
}

/** Renders the chart with an example, with its namespace. Throws when helm fails. */
export async function renderManifest(helm: string, example: string): Promise<string> {
  const { exitCode, output } = await runCommand(helm, [
    ...['template', RELEASE, CHART, '--namespace', RELEASE],
    ...['--kube-version', KUBE_VERSION, '--values', exampleFile(example)],
  ]);
  if (exitCode !== 0) throw new Error(`Cannot render ${example}: ${output}`);
  const isForNodes = output.includes('kind: DaemonSet');
  // Helm's own labels would be wrong: no release is installed.
  const objects = output.replaceAll(/^ *(?:helm\.sh\/chart|app\.kubernetes\.io\/managed-by): .*\n/gm, '').trimEnd();
  return `# Made by scripts/kubernetes/render.ts from the chart and examples/${example}.yaml. Change the image.
${formatNamespace(isForNodes)}${objects}
`;
}

/** Only the pods on nodes need more than the standard for restricted pods. */
function formatNamespace(isForNodes: boolean): string {
  return `---
apiVersion: v1
kind: Namespace
metadata:
  name: ${RELEASE}
  labels:
    pod-security.kubernetes.io/enforce: ${isForNodes ? 'privileged' : 'restricted'}
`;
}

if (import.meta.main) {
  const helm = findHelm();
  if (helm === undefined) throw new Error('Cannot render: helm is not installed');
  for (const name of listExamples()) {
    writeFileSync(join(MANIFESTS, `${name}.yaml`), await renderManifest(helm, name));
  }
}
