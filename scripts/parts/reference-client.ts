/** The client of the protocol's own library, built from the sources beside the end-to-end tests. */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isExecutable, lastLines, readTextFile, runCommand } from './command.ts';
import { prepareGo } from './go-toolchain.ts';
import { PARTS_FOLDER, type PartReport } from './part.ts';

const SOURCES = fileURLToPath(new URL('../../test/e2e/reference-client', import.meta.url));
const PROGRAM = join(PARTS_FOLDER, 'bin', 'reference-client');
const STAMP = join(PARTS_FOLDER, 'reference-client.sources');

/** Builds the client if it is missing or its sources have changed. */
export async function buildReferenceClient(): Promise<PartReport> {
  const part = 'reference-client';
  const sources = ['go.mod', 'go.sum', 'main.go'].map((name) => readTextFile(join(SOURCES, name))).join('\n');
  if (isExecutable(PROGRAM) && readTextFile(STAMP) === sources) return { part, state: 'present', detail: '' };
  const go = await prepareGo();
  if (!('go' in go)) return { part, state: 'missing', detail: go.reason };
  mkdirSync(join(PARTS_FOLDER, 'bin'), { recursive: true });
  const unfinished = `${PROGRAM}-${process.pid}`;
  const build = await runCommand(go.go, ['build', '-C', SOURCES, '-trimpath', '-mod=readonly', '-o', unfinished, '.'], {
    ...go.environment,
    CGO_ENABLED: '0',
  });
  if (build.exitCode !== 0) return { part, state: 'missing', detail: lastLines(build.output) };
  renameSync(unfinished, PROGRAM);
  writeFileSync(STAMP, sources);
  return { part, state: 'installed', detail: 'built' };
}
