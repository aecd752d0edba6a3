/** Installs what the end-to-end tests need besides npm's packages: engines, clients, a registry and the Azure CLI. */
import { mkdirSync } from 'node:fs';
import { canMakeVirtualEnvironments, installAzureCli, isAzureCliInstalled } from './test-parts/azure-cli.ts';
import { canInstallPackages, installPackages } from './test-parts/debian.ts';
import { hasGo, installGoPrograms, needsGo } from './test-parts/go-programs.ts';
import { unpackKeychainHelpers } from './test-parts/keychain-helpers.ts';
import { PARTS_FOLDER, type PartReport } from './test-parts/part.ts';
import { buildReferenceClient } from './test-parts/reference-client.ts';

/**
 * Installs what is missing; what is there stays as it is.
 * Packages, Go programs and the Azure CLI are installed side by side, except where one needs a package of another.
 */
export async function installTestParts(): Promise<readonly PartReport[]> {
  mkdirSync(PARTS_FOLDER, { recursive: true });
  const goIsReady = !needsGo() || hasGo();
  const pythonIsReady = isAzureCliInstalled() || (await canMakeVirtualEnvironments());
  const extraPackages = canInstallPackages()
    ? [...(goIsReady ? [] : ['golang-go']), ...(pythonIsReady ? [] : ['python3-venv'])]
    : [];
  const packages = installPackages(extraPackages);
  const programs = goIsReady ? installGoPrograms() : packages.then(installGoPrograms);
  const azureCli = pythonIsReady ? installAzureCli() : packages.then(installAzureCli);
  // Each after what would get in its way: the package lists, and a build that keeps every core busy.
  const keychainHelpers = packages.then(unpackKeychainHelpers);
  const referenceClient = programs.then(buildReferenceClient);
  return [...(await packages), ...(await programs), await azureCli, await keychainHelpers, await referenceClient];
}

/** One line a part that was installed or is missing; nothing about what was there already. */
export function formatPartReports(reports: readonly PartReport[]): string {
  const news = reports.filter(({ state }) => state !== 'present');
  const lines = news.map(({ part, state, detail }) => `test parts: ${part} ${state}: ${detail}\n`);
  return `${lines.join('')}test parts: ${reports.filter(({ state }) => state !== 'missing').length} of ${reports.length} are there\n`;
}

if (import.meta.main) process.stdout.write(formatPartReports(await installTestParts()));
