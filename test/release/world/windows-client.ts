/**
 * Runs in Windows' Node and starts programs there, as a client on Windows does: with an environment, a folder and
 * arguments of Windows, which a program that was started from Linux could not have. The test sends it one request a line.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { asText, type JsonObject, parseJsonObject } from '../../../src/json.ts';

/** `UV_FS_O_EXLOCK`: nobody else can open, replace or remove the file. @see https://docs.libuv.org/en/v1.x/fs.html */
const EXCLUSIVE = 0x1000_0000;

const children = new Map<number, ChildProcess>();
const held = new Map<string, number>();

/** Starts a program. The answer comes when it has ended and nobody holds its output any more. */
function runProgram(request: JsonObject, answer: (result: object) => void): void {
  const { file, args, input, environment, folder, isVerbatim, id } = request;
  const child = spawn(asText(file) ?? '', listTexts(args), {
    env: Object.fromEntries(
      Object.entries(isObject(environment) ? environment : {}).map(([name, value]) => [name, String(value)]),
    ),
    cwd: asText(folder),
    windowsHide: true,
    windowsVerbatimArguments: isVerbatim === true,
  });
  if (typeof id === 'number') children.set(id, child);
  const streams = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      streams[name] += text;
    });
  }
  child.on('error', ({ message }) => answer({ exitCode: 127, stdout: '', stderr: message }));
  child.on('close', (exitCode) => answer({ exitCode: exitCode ?? -1, ...streams }));
  child.stdin.on('error', () => undefined).end(asText(input) ?? '');
}

/** Ends a program at once, as the Task Manager does. */
function killProgram({ target }: JsonObject): object {
  const child = typeof target === 'number' ? children.get(target) : undefined;
  return { isKilled: child?.kill('SIGKILL') === true };
}

/** Keeps a file open until it is released. */
function holdFile({ file, isShared }: JsonObject): object {
  const path = asText(file) ?? '';
  held.set(path, openSync(path, constants.O_RDWR | (isShared === true ? 0 : EXCLUSIVE)));
  return {};
}

function releaseFile({ file }: JsonObject): object {
  const path = asText(file) ?? '';
  const descriptor = held.get(path);
  if (descriptor !== undefined) closeSync(descriptor);
  held.delete(path);
  return {};
}

function listTexts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

const socket = connect(Number(process.argv[2]), '127.0.0.1');
// The test has ended, or was killed.
socket.on('close', () => process.exit());
createInterface({ input: socket }).on('line', (line) => {
  const request = parseJsonObject(line) ?? {};
  const answer = (result: object) => socket.write(`${JSON.stringify({ id: request['id'], ...result })}\n`);
  try {
    switch (request['action']) {
      case 'run':
        return runProgram(request, answer);
      case 'kill':
        return answer(killProgram(request));
      case 'hold':
        return answer(holdFile(request));
      default:
        return answer(releaseFile(request));
    }
  } catch (error) {
    answer({ error: String(error) });
  }
});
