/** Reads and writes the standard streams without Node's own stream modules, which take milliseconds to load. */

import { fstatSync, readSync, writeSync } from 'node:fs';
import { readErrorCode } from '../errors.ts';

const STANDARD_INPUT = 0;
const STANDARD_ERROR = 2;
/** More than any client sends. The rest is read and discarded. */
const MAX_INPUT_BYTES = 1024 * 1024;
/** How long a verb without input waits for a pipe that stays open. */
const DRAIN_IDLE_MS = 50;

let isDrained = false;

/**
 * Reads standard input to its end; input beyond about 1 MiB is discarded. At a terminal it reads one line, after it has
 * said what it waits for. Never fails.
 * @param wanted what a person should type, such as "a registry".
 */
export async function readInput(wanted: string): Promise<string> {
  const isTyped = isCharacterDevice() && process.getBuiltinModule('node:tty').isatty(STANDARD_INPUT);
  if (isTyped) writeOutput(STANDARD_ERROR, `Waiting for ${wanted}, and Enter. Clients call this; see also: --help\n`);
  const chunks: Buffer[] = [];
  let bytes = 0;
  const keep = (chunk: Buffer) => {
    if (bytes < MAX_INPUT_BYTES) chunks.push(chunk);
    bytes += chunk.length;
  };
  try {
    for (;;) {
      const chunk = Buffer.allocUnsafe(64 * 1024);
      const length = readSync(STANDARD_INPUT, chunk, 0, chunk.length, null);
      if (length === 0) break;
      keep(chunk.subarray(0, length));
      if (isTyped) break;
    }
  } catch (cause) {
    // The other end may have made the pipe non-blocking: then wait for it. On Windows the end of a pipe is an error.
    if (readErrorCode(cause) === 'EAGAIN') await readStream(keep, undefined);
  }
  isDrained = true;
  return Buffer.concat(chunks).toString('utf8');
}

/** Reads and discards the input that no verb has read. Gives up on a pipe that stays open and silent. */
export async function drainInput(): Promise<void> {
  if (isDrained || !isPipe()) return;
  await readStream(() => undefined, DRAIN_IDLE_MS);
}

/**
 * Writes a text completely.
 * @returns the system's code for why it could not, such as `ENOSPC`; `undefined` also when the reader has closed its end.
 */
export function writeOutput(descriptor: number, text: string): string | undefined {
  let rest = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(descriptor, rest));
    } catch (cause) {
      const code = readErrorCode(cause);
      if (code === 'EPIPE' || code === 'EOF') return undefined; // the second is what Windows says
      if (code !== 'EAGAIN') return code ?? 'unknown';
      // The non-blocking pipe is full: give the reader 5 ms.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
  return undefined;
}

function readStream(keep: (chunk: Buffer) => void, idleMs: number | undefined): Promise<void> {
  return new Promise((resolve) => {
    const { stdin } = process;
    const startTimer = () => (idleMs === undefined ? undefined : setTimeout(resolve, idleMs));
    let timer = startTimer();
    stdin.on('data', (chunk: Buffer) => {
      clearTimeout(timer);
      timer = startTimer();
      keep(chunk);
    });
    stdin.once('end', resolve).once('error', () => resolve());
  });
}

/** A terminal is one, and so is `/dev/null`. A client gives neither, so that it need not be asked more. */
function isCharacterDevice(): boolean {
  try {
    return fstatSync(STANDARD_INPUT).isCharacterDevice();
  } catch {
    return false; // closed
  }
}

function isPipe(): boolean {
  try {
    const stats = fstatSync(STANDARD_INPUT);
    return stats.isFIFO() || stats.isSocket();
  } catch {
    return false; // closed
  }
}
