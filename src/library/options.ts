/** Checks the options of callers whose compiler has not done it. */

import { isAbsolute } from 'node:path';

/** The options of a provider, of whatever types they are. */
export interface UncheckedOptions {
  readonly env?: unknown;
  readonly config?: unknown;
  readonly cacheDir?: unknown;
  readonly log?: unknown;
}

/**
 * Checks the options of a provider. What an object of the configuration contains is checked when it is used.
 * @throws TypeError
 */
export function assertProviderOptions({ env, config, cacheDir, log }: UncheckedOptions): void {
  if (env !== undefined) assertVariables(env);
  if (typeof config === 'string') assertAbsolute('config', config);
  else if (config !== undefined && !isPlainObject(config)) {
    throw new TypeError('The option "config" is neither an absolute path nor a plain object');
  }
  if (cacheDir !== undefined) assertAbsolute('cacheDir', cacheDir);
  if (log !== undefined && typeof log !== 'function') throw new TypeError('The option "log" is not a function');
}

/**
 * Checks a signal. One of another realm, as in a test runner, is good enough.
 * @throws TypeError
 */
export function assertSignal(signal: unknown): void {
  if (signal === undefined) return;
  if (typeof signal === 'object' && signal !== null && 'aborted' in signal && 'throwIfAborted' in signal) return;
  throw new TypeError('The option "signal" is not an AbortSignal');
}

function assertAbsolute(option: string, path: unknown): void {
  if (typeof path !== 'string') throw new TypeError(`The option "${option}" is not an absolute path`);
  if (!isAbsolute(path)) throw new TypeError(`The option "${option}" is not an absolute path: ${path}`);
}

/** Names a variable that is wrong, and not its value: it may be a secret. */
function assertVariables(env: unknown): void {
  if (typeof env !== 'object' || env === null) throw new TypeError('The option "env" is not an object');
  for (const [name, value] of Object.entries(env)) {
    const isText = value === undefined || typeof value === 'string';
    if (!isText) throw new TypeError(`The variable ${name} of the option "env" is not a string`);
  }
}

/** Whether it is an object of no class, such as `JSON.parse` returns, also one of another realm. */
function isPlainObject(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
