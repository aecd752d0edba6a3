/**
 * The program at work in a minute: an emulated Azure, a throw-away home, a credential with what it took to get it,
 * and a pull, with a real client where there is one. Nothing leaves the machine and nothing stays on it.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Cloud, LOGIN_SERVER, startCloud } from '../test/e2e/world/cloud.ts';
import { createMachine, type Machine } from '../test/e2e/world/machine.ts';
import { PROGRAM } from '../test/e2e/world/parts.ts';
import { CLIENT_ID, TENANT_ID } from '../test/emulator/state.ts';
import { describeClaims } from './demo/claims.ts';
import type { PullStep } from './demo/node-pull.ts';
import { preparePull } from './demo/pull.ts';
import { lastLines, runCommand } from './parts/command.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

async function main(): Promise<void> {
  removeTracesAtExit();
  await buildIfNeeded();
  const cloud = await startCloud();
  const machine = createMachine(cloud);
  try {
    await warmUp(cloud);
    await showCredential(cloud, machine);
    await showPull(cloud, machine);
    print('', 'All of it is gone again. With your own registry: see README.md.');
  } finally {
    await machine.close();
    await cloud.close();
  }
}

/** Azure is up before anybody asks: its emulator makes keys and certificates at the first request, which is not ours to measure. */
async function warmUp(cloud: Cloud): Promise<void> {
  const another = createMachine(cloud);
  await another.helper('get', LOGIN_SERVER);
  await another.close();
  cloud.forget();
}

async function showCredential(cloud: Cloud, machine: Machine): Promise<void> {
  print(
    `An emulated Azure answers as login.microsoftonline.com and ${LOGIN_SERVER}; the program does not know.`,
    '',
    '1. What you would write',
    `   in Docker's config.json   { "credHelpers": { "${LOGIN_SERVER}": "acr" } }`,
    `   in the environment        AZURE_TENANT_ID AZURE_CLIENT_ID AZURE_CLIENT_SECRET, or once: az login`,
    '',
    `2. What a client asks:  echo ${LOGIN_SERVER} | docker-credential-acr get`,
  );
  const cold = await measure(() => machine.helper('get', LOGIN_SERVER));
  if (cold.result.exitCode !== 0) throw new Error(`${cold.result.stdout}${cold.result.stderr}`);
  const exchanges = cloud.emulator.requests.map(
    ({ method, host, path, status, durationMs }) =>
      `      ${status}  ${formatMs(durationMs)}  ${method} ${host}${path.replace(TENANT_ID, '{tenant}')}`,
  );
  print(`   cold  ${formatMs(cold.durationMs)}  signed in as ${CLIENT_ID}:`, ...exchanges);
  cloud.forget();
  const hot = await measure(() => machine.helper('get', LOGIN_SERVER));
  print(`   hot   ${formatMs(hot.durationMs)}  from the cache, ${cloud.emulator.connects.length} connections`);

  const answer = parseAnswer(hot.result.stdout);
  print(
    '',
    '3. What comes back',
    `   Username  ${answer.username}`,
    `   Secret    a refresh token of the registry, ${answer.secret.length} characters that you do not want in a terminal:`,
    ...describeClaims(answer.secret).map((line) => `             ${line}`),
  );
}

async function showPull(cloud: Cloud, machine: Machine): Promise<void> {
  const pull = await preparePull(cloud, machine);
  cloud.forget();
  print('', `4. What it is for:  ${pull.command}`);
  const { durationMs } = await measure(() => pull.run((step) => print(`      ${formatStep(step)}`)));
  const blobs = cloud.transfers('GET').filter(({ path }) => path.includes('/blobs/'));
  const registry = cloud.hasRealRegistry ? 'a real registry' : 'a registry in memory';
  print(
    `   ${formatMs(durationMs)}  ${blobs.length} blobs from ${registry}, ${cloud.signIns().length} sign-ins: the token was still good`,
  );
}

function formatStep({ status, durationMs, what, note }: PullStep): string {
  return `${String(status ?? '').padEnd(3)}  ${formatMs(durationMs)}  ${what.padEnd(60)}  ${note}`;
}

/** Builds the program when there is none, or an older one than its source. */
async function buildIfNeeded(): Promise<void> {
  const built = readModifiedTime(PROGRAM);
  let newest = 0;
  for await (const file of glob('src/**/*.ts', { cwd: ROOT })) {
    newest = Math.max(newest, readModifiedTime(join(ROOT, file)));
  }
  if (built > newest) return;
  print('Building the program …');
  const build = await runCommand(process.execPath, [join(ROOT, 'scripts', 'build.ts')]);
  if (build.exitCode !== 0) throw new Error(`Cannot build the program:\n${lastLines(build.output, 30)}`);
}

function readModifiedTime(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Keeps every temporary file in one folder, which goes when the demo ends, also by Ctrl-C: see `world/process.ts`. */
function removeTracesAtExit(): void {
  const folder = mkdtempSync(join(tmpdir(), 'acr-demo-'));
  process.env['TMPDIR'] = folder;
  process.on('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }));
}

async function measure<Result>(action: () => Promise<Result>): Promise<{ result: Result; durationMs: number }> {
  const startedMs = performance.now();
  const result = await action();
  return { result, durationMs: performance.now() - startedMs };
}

function parseAnswer(text: string): { readonly username: string; readonly secret: string } {
  const answer: unknown = JSON.parse(text);
  const read = (name: string) => String(Reflect.get(Object(answer), name));
  return { username: read('Username'), secret: read('Secret') };
}

function formatMs(durationMs: number): string {
  return `${durationMs.toFixed(0).padStart(4)} ms`;
}

function print(...lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`The demo failed: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
