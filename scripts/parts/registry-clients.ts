/**
 * Clients of registries beside the engines: oras, regctl, ko and notation, which Go builds, jib, which Maven builds, and
 * the command line of dev containers, which npm has.
 */
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findProgram, isExecutable, lastLines, readTextFile, runCommand } from './command.ts';
import { type GoProgram, installPrograms } from './go-programs.ts';
import { prepareGo } from './go-toolchain.ts';
import { installNpmPackage, type NpmPackage } from './npm-package.ts';
import { PARTS_FOLDER, type PartReport } from './part.ts';

const GO_PROGRAMS: readonly GoProgram[] = [
  { name: 'oras', source: 'oras.land/oras/cmd/oras', version: 'v1.2.0' },
  { name: 'regctl', source: 'github.com/regclient/regclient/cmd/regctl', version: 'v0.11.7' },
  { name: 'ko', source: 'github.com/google/ko', version: 'v0.19.1' },
];

const NOTATION = join(PARTS_FOLDER, 'bin', 'notation');
const NOTATION_SOURCES = fileURLToPath(new URL('../../test/e2e/notation', import.meta.url));
const JIB_SOURCES = fileURLToPath(new URL('../../test/e2e/jib', import.meta.url));
const JIB = join(PARTS_FOLDER, 'jib');

const DEV_CONTAINERS: NpmPackage = {
  part: 'devcontainers',
  name: '@devcontainers/cli',
  version: '0.89.0',
  folder: join(PARTS_FOLDER, 'devcontainers'),
};

/** The script of the dev containers' command line, which Node runs. */
export const DEV_CONTAINERS_SCRIPT = join(
  DEV_CONTAINERS.folder,
  'node_modules',
  DEV_CONTAINERS.name,
  'devcontainer.js',
);

/** The class path of the program `JibClient`; `undefined` where it is not built or there is no Java. */
export function findJibClassPath(): string | undefined {
  return isJibBuilt() && findProgram('java') !== undefined
    ? [join(JIB, 'classes'), join(JIB, 'dependency', '*')].join(':')
    : undefined;
}

/** Installs the clients that are missing. The builds come one after the other: each keeps every core busy. */
export async function installRegistryClients(): Promise<readonly PartReport[]> {
  const devContainers = installNpmPackage(DEV_CONTAINERS);
  const programs = await installPrograms(GO_PROGRAMS);
  const notation = await buildNotation();
  const jib = await buildJib();
  return [...programs, notation, jib, await devContainers];
}

/** Builds notation as a tool of a module of its own: `go install` wants a list of its releases, which not every proxy has. */
async function buildNotation(): Promise<PartReport> {
  const part = 'notation';
  const stamp = join(PARTS_FOLDER, 'notation.sources');
  const sources = readSources(NOTATION_SOURCES, ['go.mod', 'go.sum']);
  if (isExecutable(NOTATION) && readTextFile(stamp) === sources) return present(part);
  const go = await prepareGo();
  if (!('go' in go)) return missing(part, go.reason);
  mkdirSync(join(PARTS_FOLDER, 'bin'), { recursive: true });
  const unfinished = `${NOTATION}-${process.pid}`;
  const options = ['-C', NOTATION_SOURCES, '-trimpath', '-ldflags=-s -w', '-mod=readonly', '-o', unfinished];
  const build = await runCommand(go.go, ['build', ...options, 'github.com/notaryproject/notation/cmd/notation'], {
    ...go.environment,
    CGO_ENABLED: '0',
  });
  if (build.exitCode !== 0) return missing(part, lastLines(build.output));
  renameSync(unfinished, NOTATION);
  writeFileSync(stamp, sources);
  return { part, state: 'installed', detail: 'built' };
}

/** Builds the program around jib's library, and copies the libraries that it needs beside it. */
async function buildJib(): Promise<PartReport> {
  const part = 'jib';
  if (isJibBuilt()) return present(part);
  const maven = findProgram('mvn');
  if (maven === undefined) return missing(part, 'it needs Maven, which is not installed');
  const unfinished = join(PARTS_FOLDER, `build-jib-${process.pid}`);
  const options = ['--batch-mode', '--quiet', '--file', join(JIB_SOURCES, 'pom.xml'), `-Dfolder=${unfinished}`];
  const build = await runCommand(maven, [...options, 'compile', 'dependency:copy-dependencies']);
  if (build.exitCode !== 0) return missing(part, lastLines(build.output));
  writeFileSync(join(unfinished, 'sources'), readJibSources());
  rmSync(JIB, { recursive: true, force: true });
  renameSync(unfinished, JIB);
  return { part, state: 'installed', detail: 'built' };
}

function isJibBuilt(): boolean {
  return readTextFile(join(JIB, 'sources')) === readJibSources();
}

function readJibSources(): string {
  return readSources(JIB_SOURCES, ['pom.xml', 'src/main/java/JibClient.java']);
}

function readSources(folder: string, names: readonly string[]): string {
  return names.map((name) => readTextFile(join(folder, name))).join('\n');
}

function present(part: string): PartReport {
  return { part, state: 'present', detail: '' };
}

function missing(part: string, detail: string): PartReport {
  return { part, state: 'missing', detail };
}
