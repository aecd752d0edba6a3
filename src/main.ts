/** The edge of the process: arguments, streams, environment and exit code. Everything else takes and returns values. */

import { basename } from 'node:path';
import { RENEWAL_VARIABLE, run } from './cli.ts';
import type { Runtime } from './system/runtime.ts';
import { drainInput, readInput, writeOutput } from './system/streams.ts';

const STANDARD_OUTPUT = 1;
const STANDARD_ERROR = 2;

async function main(): Promise<void> {
  const runtime: Runtime = {
    env: process.env,
    platform: process.platform,
    programName: findProgramName(),
    now: Date.now,
    secrets: new Set(),
    startRenewal: (host) => startRenewal(runtime, host),
  };
  const { exitCode, stdout, stderr } = await run(process.argv.slice(2), readInput, runtime);
  writeOutput(STANDARD_ERROR, stderr);
  writeOutput(STANDARD_OUTPUT, stdout);
  // A writer whose reader goes away first dies of it, so whatever was not read is read now.
  await drainInput();
  process.exit(exitCode);
}

/** The name that the client called, which tells how its configuration names us: a link may give the program another. */
function findProgramName(): string {
  const name = basename(process.argv0).replace(/\.[Ee][Xx][Ee]$/, '');
  return name.startsWith('docker-credential-') ? name : 'docker-credential-acr';
}

/** Only the single executable is started by its own path alone; run from its sources, the program is Node. */
async function startRenewal(runtime: Runtime, host: string): Promise<boolean> {
  const [{ isSea }, { startDetached }] = await Promise.all([
    import('node:sea'),
    import('./system/detached-process.ts'),
  ]);
  return isSea() && startDetached(runtime, process.execPath, ['renew'], { [RENEWAL_VARIABLE]: host });
}

// Where this variable asks them to, Node's modules tell on stderr what they do and send: that is nobody's to read here.
if (process.env['NODE_DEBUG'] !== undefined) Object.defineProperty(process, 'stderr', { value: { write: () => true } });

// The last resort for what a library throws from a callback: one line where clients look, and their exit code.
process.on('uncaughtException', ({ name }) => {
  writeOutput(STANDARD_OUTPUT, `Cannot answer: internal error: ${name}\n`);
  process.exit(1);
});

void main();
