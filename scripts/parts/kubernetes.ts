/**
 * The programs of Kubernetes, built from the modules in `test/kubernetes`: the kubelet, the API server, the kubelet's
 * own code for plug-ins as a program, and the plug-in that AKS ships.
 *
 * The first three share one go.mod, so that Go compiles what they have in common once. AKS's plug-in asks for newer
 * versions of the same packages; in one module, it would change the kubelet.
 */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findProgram, isExecutable, lastLines, readTextFile, runCommand } from './command.ts';
import { type PreparedGo, prepareGo } from './go-toolchain.ts';
import { PARTS_FOLDER, type PartReport } from './part.ts';

/** A program, and what it is built from. */
export interface KubernetesProgram {
  readonly name: string;
  /** The folder of the module that builds it. */
  readonly module: string;
  readonly source: string;
  /** Go files of the module, whose change builds the program anew. */
  readonly files: readonly string[];
}

const KUBERNETES_MODULE = fileURLToPath(new URL('../../test/kubernetes', import.meta.url));
const PEER_MODULE = join(KUBERNETES_MODULE, 'peer');
const BIN_FOLDER = join(PARTS_FOLDER, 'bin');

/** What the end-to-end tests run too. */
export const PLUGIN_PROGRAMS: readonly KubernetesProgram[] = [
  { name: 'pause', module: KUBERNETES_MODULE, source: './pause', files: [join('pause', 'main.go')] },
  {
    name: 'reference-kubelet',
    module: KUBERNETES_MODULE,
    source: './reference-kubelet',
    files: ['main.go', 'lookup.go', 'account.go'].map((name) => join('reference-kubelet', name)),
  },
  {
    name: 'acr-credential-provider',
    module: PEER_MODULE,
    source: 'sigs.k8s.io/cloud-provider-azure/cmd/acr-credential-provider',
    files: [],
  },
];

/** What only a cluster needs. */
export const CLUSTER_PROGRAMS: readonly KubernetesProgram[] = [
  { name: 'kube-apiserver', module: KUBERNETES_MODULE, source: 'k8s.io/kubernetes/cmd/kube-apiserver', files: [] },
  { name: 'kubelet', module: KUBERNETES_MODULE, source: 'k8s.io/kubernetes/cmd/kubelet', files: [] },
];

/**
 * Builds the missing programs one after the other: each build fills every core, and leaves it to the tests that run at
 * the same time.
 */
export async function buildKubernetes(programs: readonly KubernetesProgram[]): Promise<readonly PartReport[]> {
  const reports: PartReport[] = [];
  let go: PreparedGo | undefined;
  for (const program of programs) {
    if (isBuilt(program)) {
      reports.push({ part: program.name, state: 'present', detail: '' });
      continue;
    }
    go ??= process.platform === 'linux' ? await prepareGo() : { reason: 'a kubelet runs on Linux only' };
    reports.push('go' in go ? await build(program, go.go, go.environment) : missing(program, go.reason));
  }
  return reports;
}

async function build(program: KubernetesProgram, go: string, environment: NodeJS.ProcessEnv): Promise<PartReport> {
  const { name, module, source } = program;
  const version = readVersion(module);
  mkdirSync(BIN_FOLDER, { recursive: true });
  const unfinished = join(BIN_FOLDER, `${name}-${process.pid}`);
  const options = ['-C', module, '-trimpath', '-mod=readonly', `-ldflags=${linkerFlags(version)}`];
  const nice = findProgram('nice');
  const [command = go, ...args] = [...(nice === undefined ? [] : [nice]), go, 'build', ...options];
  const result = await runCommand(command, [...args, '-o', unfinished, source], { ...environment, CGO_ENABLED: '0' });
  if (result.exitCode !== 0) return missing(program, lastLines(result.output));
  renameSync(unfinished, pathOf(program));
  writeFileSync(stampOf(program), describeSources(program));
  return { part: name, state: 'installed', detail: version };
}

/** Without its version, the kubelet calls itself `v0.0.0-master`. */
function linkerFlags(version: string): string {
  const [major, minor] = version.replace('v', '').split('.');
  const variables = { gitVersion: version, gitMajor: major, gitMinor: minor };
  const settings = Object.entries(variables).map(
    ([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`,
  );
  return ['-s', '-w', ...settings].join(' ');
}

function readVersion(module: string): string {
  const text = readTextFile(join(module, 'go.mod')) ?? '';
  return /\b(?:k8s\.io\/kubernetes|sigs\.k8s\.io\/cloud-provider-azure) (v[\d.]+)/.exec(text)?.[1] ?? 'unknown';
}

function isBuilt(program: KubernetesProgram): boolean {
  return isExecutable(pathOf(program)) && readTextFile(stampOf(program)) === describeSources(program);
}

/** go.sum stays out: it follows from go.mod. */
function describeSources({ module, files }: KubernetesProgram): string {
  return ['go.mod', ...files].map((name) => readTextFile(join(module, name)) ?? '').join('\n');
}

function pathOf({ name }: KubernetesProgram): string {
  return join(BIN_FOLDER, name);
}

function stampOf({ name }: KubernetesProgram): string {
  return join(PARTS_FOLDER, `${name}.sources`);
}

function missing({ name }: KubernetesProgram, detail: string): PartReport {
  return { part: name, state: 'missing', detail };
}
