/** A Go that is new enough, fetched as a module by an older one where the machine has only that. */
import { chmodSync, cpSync, existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram, isExecutable, lastLines, runCommand } from './command.ts';
import { PARTS_FOLDER } from './part.ts';

/** What helm asks for in its go.mod, and the release that is fetched where Go is older. */
const NEEDED_MINOR = 26;
const TOOLCHAIN = `go1.${NEEDED_MINOR}.8`;

/** From this release on Go can switch to a newer toolchain by itself. */
const SWITCHING_MINOR = 21;

export type PreparedGo = { readonly go: string; readonly environment: NodeJS.ProcessEnv } | { readonly reason: string };

/** @returns the newest Go at hand: on PATH, in its usual folder, or Debian's versioned ones */
export function findGo(): string | undefined {
  return findProgram('go') ?? ['/usr/local/go/bin/go'].find(isExecutable);
}

/** @returns a Go that builds the clients, or the reason why there is none */
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
 * Fetches the toolchain's own module with a Go that cannot switch yet.
 * Modules carry neither executable files nor foreign go.mod files: both are put right, as a newer Go does itself.
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
