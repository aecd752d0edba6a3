/**
 * Connects the program to the process: arguments, streams, environment and exit code. The rest takes and returns
 * values.
 */

import { basename } from 'node:path';
import { RENEWAL_VARIABLE, run } from './cli.ts';
import { PROVIDER_PREFIX } from './helper-name.ts';
import type { BackgroundInput } from './system/detached-process.ts';
import type { Runtime } from './system/runtime.ts';
import { drainInput, readInput, writeOutput } from './system/streams.ts';
import { FORM } from './version.ts';

const STANDARD_OUTPUT = 1;
const STANDARD_ERROR = 2;

async function main(): Promise<void> {
  const runtime: Runtime = {
    env: process.env,
    platform: process.platform,
    programName: findProgramName(),
    now: Date.now,
    secrets: new Set(),
    secretVariables: new Set(),
    startRenewal: (host) => startSelf(runtime, ['renew'], { variables: { [RENEWAL_VARIABLE]: host } }),
    startSelf: (args, input) => startSelf(runtime, args, { input }),
  };
  const openTerminal = async () => (await import('./terminal/terminal.ts')).openTerminal(runtime);
  const { exitCode, stdout, stderr } = await run(readArguments(), { readInput, openTerminal }, runtime);
  writeOutput(STANDARD_ERROR, stderr);
  const problem = writeOutput(STANDARD_OUTPUT, stdout);
  if (problem !== undefined) {
    writeOutput(STANDARD_ERROR, `docker-credential-acr: error: Cannot write to standard output: ${problem}\n`);
  }
  // If we exit before reading all input, a client that is still writing gets SIGPIPE. So read the rest now.
  await drainInput();
  process.exit(problem === undefined ? exitCode : 1);
}

/**
 * Finds the name under which the client called the program. It may be a link's, and is the name in the client's
 * configuration.
 */
function findProgramName(): string {
  const name = basename(findCalledPath()).replace(/\.(?:[Ee][Xx][Ee]|js)$/, '');
  return name.startsWith('docker-credential-') ? name : 'docker-credential-acr';
}

/** Node runs the npm package's program as a script. */
function findCalledPath(): string {
  return FORM === 'npm package' ? (process.argv[1] ?? '') : process.argv0;
}

/** As the plug-in of a kubelet, the program is called by another name, and its first word is missing. */
function readArguments(): readonly string[] {
  const args = process.argv.slice(2);
  return basename(findCalledPath()).startsWith(PROVIDER_PREFIX) ? ['kubelet', ...args] : args;
}

/** Starts this program once more. From its sources it does not: it would start Node. */
async function startSelf(runtime: Runtime, args: readonly string[], input: BackgroundInput): Promise<boolean> {
  const [{ findOwnProgram }, { startDetached }] = await Promise.all([
    import('./system/own-program.ts'),
    import('./system/detached-process.ts'),
  ]);
  const own = findOwnProgram();
  return own !== undefined && (await startDetached(runtime, process.execPath, [...own.nodeArguments, ...args], input));
}

// With NODE_DEBUG, Node's modules print what they do and send to stderr, secrets included. Discard that.
if (process.env['NODE_DEBUG'] !== undefined) Object.defineProperty(process, 'stderr', { value: { write: () => true } });

// The last resort, for errors that a library throws in a callback: print one line for the client, and fail.
process.on('uncaughtException', ({ name }) => {
  const line = `Cannot answer: internal error: ${name}\n`;
  // The log of a kubelet has stderr only.
  if (readArguments()[0] === 'kubelet') writeOutput(STANDARD_ERROR, `docker-credential-acr: error: ${line}`);
  else writeOutput(STANDARD_OUTPUT, line);
  process.exit(1);
});

void main();
