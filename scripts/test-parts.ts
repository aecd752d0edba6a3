/**
 * Installs what the end-to-end tests need besides the project's own packages: engines, clients, a registry, the Azure
 * CLI.
 */
import { mkdirSync } from 'node:fs';
import { AZURE_CLI } from './test-parts/azure-cli.ts';
import { canInstallPackages, installPackages } from './test-parts/debian.ts';
import { DOCKER_PY } from './test-parts/docker-py.ts';
import { hasGo, installGoPrograms, needsGo } from './test-parts/go-programs.ts';
import { unpackKeychainHelpers } from './test-parts/keychain-helpers.ts';
import { PARTS_FOLDER, type PartReport } from './test-parts/part.ts';
import {
  canMakeVirtualEnvironments,
  installPythonPackage,
  isPythonPackageInstalled,
} from './test-parts/python-package.ts';
import { buildReferenceClient } from './test-parts/reference-client.ts';
import { installRegistryClients } from './test-parts/registry-clients.ts';
import { installTestcontainers } from './test-parts/testcontainers.ts';

const PYTHON_PACKAGES = [AZURE_CLI, DOCKER_PY];

/**
 * Installs the missing parts, and leaves the others as they are.
 * Packages, Go programs, Python's and npm's packages are installed side by side, except where one needs a package of
 * another.
 */
export async function installTestParts(): Promise<readonly PartReport[]> {
  mkdirSync(PARTS_FOLDER, { recursive: true });
  const goIsReady = !needsGo() || hasGo();
  const pythonIsReady = PYTHON_PACKAGES.every(isPythonPackageInstalled) || (await canMakeVirtualEnvironments());
  const extraPackages = canInstallPackages()
    ? [...(goIsReady ? [] : ['golang-go']), ...(pythonIsReady ? [] : ['python3-venv'])]
    : [];
  const packages = installPackages(extraPackages);
  const programs = goIsReady ? installGoPrograms() : packages.then(installGoPrograms);
  const pythonPackages = pythonIsReady ? installPythonPackages() : packages.then(installPythonPackages);
  const testcontainers = installTestcontainers();
  // Each waits for the step that would interfere: one uses the package lists, the other a build that fills every core.
  const keychainHelpers = packages.then(unpackKeychainHelpers);
  const referenceClient = programs.then(buildReferenceClient);
  const registryClients = referenceClient.then(installRegistryClients);
  return [
    ...[...(await packages), ...(await programs), ...(await pythonPackages), ...(await testcontainers)],
    ...[await keychainHelpers, await referenceClient, ...(await registryClients)],
  ];
}

/** Installs one package after the other: both are downloads, and the machine is busy with other work. */
async function installPythonPackages(): Promise<readonly PartReport[]> {
  const reports: PartReport[] = [];
  for (const wanted of PYTHON_PACKAGES) reports.push(await installPythonPackage(wanted));
  return reports;
}

/** Formats one line for each part that was installed or is missing, and none for a part that was already present. */
export function formatPartReports(reports: readonly PartReport[]): string {
  const news = reports.filter(({ state }) => state !== 'present');
  const lines = news.map(({ part, state, detail }) => `test parts: ${part} ${state}: ${detail}\n`);
  return `${lines.join('')}test parts: ${reports.filter(({ state }) => state !== 'missing').length} of ${reports.length} are there\n`;
}

if (import.meta.main) process.stdout.write(formatPartReports(await installTestParts()));
