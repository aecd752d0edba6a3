/** What is left when everybody has gone home: processes and files. */
import { readdirSync, readFileSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { parseJsonRecord, parseNumber } from '../../emulator/json.ts';

const ESTABLISHED = '01';

/** Lists the processes that have a text in their environment, with their arguments. */
export function listProcesses(text: string): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((id) => {
      try {
        if (!readFileSync(`/proc/${id}/environ`, 'utf8').includes(text)) return [];
        return [`${id} ${readFileSync(`/proc/${id}/cmdline`, 'utf8').replaceAll('\0', ' ')}`];
      } catch {
        return []; // it has ended
      }
    });
}

/** Waits until no such process is left. @returns those that are left after the limit. */
export async function waitForProcesses(text: string, limitMs: number): Promise<readonly string[]> {
  const endMs = Date.now() + limitMs;
  for (;;) {
    const processes = listProcesses(text);
    if (processes.length === 0 || Date.now() > endMs) return processes;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** Counts the connections to a local server that are open on both sides. */
export function countConnections(url: string): number {
  const port = Number(new URL(url).port).toString(16).toUpperCase().padStart(4, '0');
  const rows = readFileSync('/proc/net/tcp', 'utf8').split('\n').slice(1);
  return rows.filter((row) => {
    const [, local = '', , state] = row.trim().split(/\s+/);
    return local.endsWith(`:${port}`) && state === ESTABLISHED;
  }).length;
}

/** Lists the files below a folder, by their paths in it. */
export function listFiles(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
  } catch {
    return [];
  }
}

/** Makes all files of a folder as old as they would be after some hours in which nobody came. */
export function ageFiles(folder: string, ageSeconds: number): void {
  const seconds = Date.now() / 1000 - ageSeconds;
  for (const name of listFiles(folder)) utimesSync(join(folder, name), seconds, seconds);
}

/** Lists the files that nobody needs any more: locks, shared failures, temporary files, and what has expired. */
export function listDeadFiles(cache: string): readonly string[] {
  const nowSeconds = Date.now() / 1000;
  return listFiles(cache).filter((name) => {
    if (!/^(?:tokens|notes)\/[^/]+\.json$/.test(name)) return name !== 'notes/erased';
    const entry = parseJsonRecord(readFileSync(join(cache, name), 'utf8')) ?? {};
    return (parseNumber(entry['expiresAtSeconds']) ?? parseNumber(entry['untilSeconds']) ?? 0) <= nowSeconds;
  });
}
