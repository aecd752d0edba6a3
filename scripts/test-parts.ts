/**
 * Installs what the end-to-end tests and the cluster need besides the project's own packages: engines, clients, a
 * registry, the Azure CLI, Kubernetes.
 */
import { mkdirSync } from 'node:fs';
import { AZURE_CLI } from './parts/azure-cli.ts';
import { BUILD_PACKAGES, CLIENT_PACKAGES, canInstallPackages, installPackages } from './parts/debian.ts';
import { DOCKER_PY } from './parts/docker-py.ts';
import { unpackEtcd } from './parts/etcd.ts';
import { hasGo, installGoPrograms, needsGo } from './parts/go-programs.ts';
import { unpackKeychainHelpers } from './parts/keychain-helpers.ts';
import { buildKubernetes, CLUSTER_PROGRAMS, PLUGIN_PROGRAMS } from './parts/kubernetes.ts';
import { formatPartReports, PARTS_FOLDER, type PartReport } from './parts/part.ts';
import { canMakeVirtualEnvironments, installPythonPackage, isPythonPackageInstalled } from './parts/python-package.ts';
import { buildReferenceClient } from './parts/reference-client.ts';
import { installRegistryClients } from './parts/registry-clients.ts';
import { installTestcontainers } from './parts/testcontainers.ts';
import { installTrialParts } from './parts/trial.ts';
import { BUILT_SUITES } from './test/selection.ts';

const PYTHON_PACKAGES = [AZURE_CLI, DOCKER_PY];

/** The parts by suite, in the order in which the suites need them. Each promise ends with its own parts. */
export interface TestParts {
  /** What the end-to-end tests need. */
  readonly e2e: Promise<readonly PartReport[]>;
  /** What the tests of a release need besides: mostly downloads, beside the builds of the clients. */
  readonly release: Promise<readonly PartReport[]>;
  /** What a cluster needs besides. It takes the longest, and is built while the other tests run. */
  readonly cluster: Promise<readonly PartReport[]>;
}

/**
 * Installs the missing parts, and leaves the others as they are.
 * Packages, Go programs, Python's and npm's packages are installed side by side, except where one needs a package of
 * another.
 * @param suites which of the suites `e2e`, `release` and `cluster` will run.
 */
export async function installTestParts(suites: readonly string[]): Promise<TestParts> {
  mkdirSync(PARTS_FOLDER, { recursive: true });
  const build = await installPackages(BUILD_PACKAGES);
  const goIsReady = !needsGo() || hasGo();
  const pythonIsReady = PYTHON_PACKAGES.every(isPythonPackageInstalled) || (await canMakeVirtualEnvironments());
  const extraPackages = canInstallPackages()
    ? [...(goIsReady ? [] : ['golang-go']), ...(pythonIsReady ? [] : ['python3-venv'])]
    : [];
  const packages = installPackages(CLIENT_PACKAGES, extraPackages);
  const programs = goIsReady ? installGoPrograms() : packages.then(() => installGoPrograms());
  const plugins = programs.then(() => buildKubernetes(PLUGIN_PROGRAMS));
  const common = [Promise.resolve(build), packages, programs, plugins];
  const clients = suites.includes('e2e') ? installClients(packages, plugins, pythonIsReady) : [];
  const e2e = Promise.all([...common, ...clients]).then((reports) => reports.flat());
  const release = suites.includes('release') ? packages.then(() => installTrialParts(e2e)) : Promise.resolve([]);
  const cluster = suites.includes('cluster')
    ? Promise.all([e2e, release]).then(() => installCluster())
    : Promise.resolve([]);
  return { e2e, release, cluster };
}

/** Each waits for the step that would interfere: one uses the package lists, the other a build that fills every core. */
function installClients(packages: Promise<unknown>, builds: Promise<unknown>, pythonIsReady: boolean) {
  const keychainHelpers = packages.then(unpackKeychainHelpers);
  const referenceClient = builds.then(buildReferenceClient);
  return [
    pythonIsReady ? installPythonPackages() : packages.then(installPythonPackages),
    installTestcontainers(),
    keychainHelpers.then((report) => [report]),
    referenceClient.then((report) => [report]),
    Promise.all([packages, referenceClient]).then(installRegistryClients),
  ];
}

async function installCluster(): Promise<readonly PartReport[]> {
  return [await unpackEtcd(), ...(await buildKubernetes(CLUSTER_PROGRAMS))];
}

/** Installs one package after the other: both are downloads, and the machine is busy with other work. */
async function installPythonPackages(): Promise<readonly PartReport[]> {
  const reports: PartReport[] = [];
  for (const wanted of PYTHON_PACKAGES) reports.push(await installPythonPackage(wanted));
  return reports;
}

if (import.meta.main) {
  const { e2e, release, cluster } = await installTestParts(BUILT_SUITES);
  process.stdout.write(formatPartReports('test parts', [...(await e2e), ...(await release), ...(await cluster)]));
}
