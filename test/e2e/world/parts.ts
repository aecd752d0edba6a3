/** Finds the real programs that the tests run, and skips a test when one is missing. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestContext } from 'vitest';
import { findProgram, isExecutable, listPrograms } from '../../../scripts/parts/command.ts';
import { DOCKER_PY_PYTHON } from '../../../scripts/parts/docker-py.ts';
import { ETCD_FOLDER } from '../../../scripts/parts/etcd.ts';
import { KEYCHAIN_HELPERS_FOLDER } from '../../../scripts/parts/keychain-helpers.ts';
import { NFPM_PROGRAM } from '../../../scripts/parts/nfpm.ts';
import { PARTS_FOLDER } from '../../../scripts/parts/part.ts';
import { DEV_CONTAINERS_SCRIPT } from '../../../scripts/parts/registry-clients.ts';

/** The built program under test. */
export const PROGRAM = fileURLToPath(new URL('../../../dist/docker-credential-acr', import.meta.url));

/** Parts that belong to this checkout rather than to the machine. */
const OWN_PARTS: Readonly<Record<string, string>> = {
  az: join(PARTS_FOLDER, 'azure-cli', 'bin', 'az'),
  'acr-credential-provider': join(PARTS_FOLDER, 'bin', 'acr-credential-provider'),
  crane: join(PARTS_FOLDER, 'bin', 'crane'),
  'docker-py': DOCKER_PY_PYTHON,
  devcontainer: DEV_CONTAINERS_SCRIPT,
  etcd: join(ETCD_FOLDER, 'etcd'),
  helm: join(PARTS_FOLDER, 'bin', 'helm'),
  ko: join(PARTS_FOLDER, 'bin', 'ko'),
  'kube-apiserver': join(PARTS_FOLDER, 'bin', 'kube-apiserver'),
  kubeconform: join(PARTS_FOLDER, 'bin', 'kubeconform'),
  kubelet: join(PARTS_FOLDER, 'bin', 'kubelet'),
  nfpm: NFPM_PROGRAM,
  notation: join(PARTS_FOLDER, 'bin', 'notation'),
  oras: join(PARTS_FOLDER, 'bin', 'oras'),
  pause: join(PARTS_FOLDER, 'bin', 'pause'),
  'reference-client': join(PARTS_FOLDER, 'bin', 'reference-client'),
  'reference-kubelet': join(PARTS_FOLDER, 'bin', 'reference-kubelet'),
  regctl: join(PARTS_FOLDER, 'bin', 'regctl'),
  'docker-credential-acr-env': join(PARTS_FOLDER, 'bin', 'docker-credential-acr-env'),
  'docker-credential-pass': join(KEYCHAIN_HELPERS_FOLDER, 'docker-credential-pass'),
  'docker-credential-secretservice': join(KEYCHAIN_HELPERS_FOLDER, 'docker-credential-secretservice'),
};

/** @returns the path of a program, `undefined` where it is not installed */
export function findPart(name: string): string | undefined {
  return [OWN_PARTS[name] ?? ''].find(isExecutable) ?? findProgram(name);
}

/** Every program of that name, in the order of PATH: a machine may have two Docker clients. */
export function findParts(name: string): readonly string[] {
  return listPrograms(name);
}

/** Skips the test unless all these programs are installed. */
export function needParts(context: TestContext, ...names: readonly string[]): void {
  const absent = names.filter((name) => findPart(name) === undefined);
  if (absent.length > 0) context.skip(`not installed: ${absent.join(', ')}`);
}

/** Skips the test unless it runs as root, which container engines need here. */
export function needRoot(context: TestContext): void {
  if (!isRoot()) context.skip('a container engine of its own needs root');
}

/** Whether a Docker engine can run here, with a registry for its images. */
export function canRunEngine(): boolean {
  return isRoot() && ['dockerd', 'docker-registry'].every((name) => findPart(name) !== undefined);
}

/** The path of a program that {@link needParts} has found. */
export function partOf(name: string): string {
  const path = findPart(name);
  if (path === undefined) throw new Error(`Cannot run ${name}: it is not installed`);
  return path;
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}
