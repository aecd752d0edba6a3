/** Programs that are built from source with Go: clients, and the credential helper that people used before this one. */
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isExecutable, lastLines, readTextFile, runCommand } from './command.ts';
import { findGo, prepareGo } from './go-toolchain.ts';
import { PARTS_FOLDER, type PartReport } from './part.ts';

export interface GoProgram {
  readonly name: string;
  readonly source: string;
  readonly version: string;
}

const PROGRAMS: readonly GoProgram[] = [
  { name: 'crane', source: 'github.com/google/go-containerregistry/cmd/crane', version: 'v0.22.1' },
  {
    name: 'docker-credential-acr-env',
    source: 'github.com/chrismellard/docker-credential-acr-env',
    version: 'v0.0.0-20230304212654-82a0ddb27589',
  },
  { name: 'helm', source: 'helm.sh/helm/v3/cmd/helm', version: 'v3.22.0' },
  { name: 'kubeconform', source: 'github.com/yannh/kubeconform/cmd/kubeconform', version: 'v0.8.0' },
];

const BIN_FOLDER = join(PARTS_FOLDER, 'bin');

export function needsGo(): boolean {
  return !PROGRAMS.every(isInstalled);
}

/** @returns whether any version of Go is installed; an older one can fetch a newer one. */
export function hasGo(): boolean {
  return findGo() !== undefined;
}

/** Installs the clients and the peer that are missing. */
export function installGoPrograms(): Promise<readonly PartReport[]> {
  return installPrograms(PROGRAMS);
}

/** Installs the programs that are missing, one after the other: each build keeps every core busy. */
export async function installPrograms(programs: readonly GoProgram[]): Promise<readonly PartReport[]> {
  const reports: PartReport[] = programs.filter(isInstalled).map(({ name }) => {
    return { part: name, state: 'present', detail: '' };
  });
  const missing = programs.filter((program) => !isInstalled(program));
  if (missing.length === 0) return reports;
  const go = await prepareGo();
  for (const program of missing) {
    reports.push('go' in go ? await install(program, go.go, go.environment) : absent(program, go.reason));
  }
  return reports;
}

async function install(program: GoProgram, go: string, environment: NodeJS.ProcessEnv): Promise<PartReport> {
  const { name, source, version } = program;
  // Builds in a separate folder, and moves the result when it is complete.
  const buildFolder = join(PARTS_FOLDER, `build-${name}-${process.pid}`);
  mkdirSync(BIN_FOLDER, { recursive: true });
  const result = await runCommand(go, ['install', '-trimpath', '-ldflags=-s -w', `${source}@${version}`], {
    ...environment,
    CGO_ENABLED: '0',
    GOBIN: buildFolder,
  });
  if (result.exitCode !== 0) return absent(program, lastLines(result.output));
  renameSync(join(buildFolder, name), join(BIN_FOLDER, name));
  rmSync(buildFolder, { recursive: true, force: true });
  writeFileSync(stampOf(program), version);
  return { part: name, state: 'installed', detail: version };
}

function isInstalled(program: GoProgram): boolean {
  return isExecutable(join(BIN_FOLDER, program.name)) && readTextFile(stampOf(program)) === program.version;
}

function stampOf(program: GoProgram): string {
  return join(PARTS_FOLDER, `${program.name}.version`);
}

function absent(program: GoProgram, reason: string): PartReport {
  return { part: program.name, state: 'missing', detail: reason };
}
