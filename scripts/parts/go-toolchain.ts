/**
 * Finds a Go toolchain that is new enough. If the machine has only an older one, that fetches a newer one as a module.
 */
import { chmodSync, cpSync, existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram, isExecutable, lastLines, runCommand } from './command.ts';
import { PARTS_FOLDER } from './part.ts';

/** The version that helm requires in its go.mod, and the release to fetch if the machine's Go is older. */
const NEEDED_MINOR = 26;
const TOOLCHAIN = `go1.${NEEDED_MINOR}.8`;

/** Since this release Go switches to a newer toolchain by itself. */
const SWITCHING_MINOR = 21;

export type PreparedGo = { readonly go: string; readonly environment: NodeJS.ProcessEnv } | { readonly reason: string };

/** @returns the newest Go on this machine: on PATH, in its usual folder, or in Debian's versioned folders. */
export function findGo(): string | undefined {
  return findProgram('go') ?? ['/usr/local/go/bin/go'].find(isExecutable);
}

/** @returns a Go that can build the clients, or the reason why there is none. */
export async function prepareGo(): Promise<PreparedGo> {
  const go = findGo();
  if (go === undefined) return { reason: 'it needs Go, which is not installed' };
  const version = await runCommand(go, ['env', 'GOVERSION']);
  const minor = Number(/go1\.(\d+)/.exec(version.output)?.[1] ?? 0);
  if (minor >= NEEDED_MINOR) return { go, environment: { ...process.env, GOTOOLCHAIN: 'local' } };
  if (minor >= SWITCHING_MINOR) return { go, environment: { ...process.env, GOTOOLCHAIN: 'auto' } };
  return fetchToolchain(go);
}

/**
 * Fetches the module of the toolchain with a Go that cannot switch by itself.
 * A module contains neither executable files nor other go.mod files. This restores both, as a newer Go does.
 */
async function fetchToolchain(oldGo: string): Promise<PreparedGo> {
  const folder = join(PARTS_FOLDER, TOOLCHAIN);
  const go = join(folder, 'bin', 'go');
  const environment = { ...process.env, GOROOT: folder, GOTOOLCHAIN: 'local' };
  if (existsSync(go)) return { go, environment };

  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const module = `golang.org/toolchain@v0.0.1-${TOOLCHAIN}.${process.platform}-${architecture}`;
  const download = await runCommand(oldGo, ['mod', 'download', '-json', module]);
  const source = /"Dir": "([^"]+)"/.exec(download.output)?.[1];
  if (download.exitCode !== 0 || source === undefined) {
    return { reason: `Go is too old and a newer one could not be fetched: ${lastLines(download.output)}` };
  }
  const unfinished = `${folder}-${process.pid}`;
  cpSync(source, unfinished, { recursive: true });
  makeUsable(unfinished);
  rmSync(folder, { recursive: true, force: true });
  renameSync(unfinished, folder);
  return { go, environment };
}

function makeUsable(folder: string): void {
  const programs = /\/(bin|pkg\/tool\/[^/]+)$/;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isDirectory()) chmodSync(path, 0o755);
    else if (programs.test(entry.parentPath)) chmodSync(path, 0o755);
  }
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.name === '_go.mod') renameSync(join(entry.parentPath, '_go.mod'), join(entry.parentPath, 'go.mod'));
  }
}
