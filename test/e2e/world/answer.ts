/** Checks the answers to `get` as clients and users read them. */
import { expect } from 'vitest';
import { parseJsonRecord, parseString } from '../../emulator/json.ts';
import { decodeToken } from '../../emulator/tokens.ts';
import type { RunResult } from './process.ts';

export interface Answer {
  readonly serverUrl: string | undefined;
  readonly username: string | undefined;
  readonly secret: string;
  /** The subject of the token: the object id of an application, or the name of a user. */
  readonly subject: string | undefined;
  /** The tenant at which the subject signed in. */
  readonly tenant: string | undefined;
}

/** Expects a credential and no message. */
export function expectAnswer({ exitCode, stdout, stderr }: RunResult): Answer {
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  const answer = parseJsonRecord(stdout) ?? {};
  expect(Object.keys(answer)).toEqual(['ServerURL', 'Username', 'Secret']);
  const secret = parseString(answer['Secret']) ?? '';
  const claims = decodeToken(secret)?.claims ?? {};
  return {
    serverUrl: parseString(answer['ServerURL']),
    username: parseString(answer['Username']),
    secret,
    subject: parseString(claims['sub']),
    tenant: parseString(claims['tenant']),
  };
}

/**
 * Expects a failure: one line on stdout for the client, and the error with causes and a hint on stderr.
 * @returns the text on stderr.
 */
export function expectFailure({ exitCode, stdout, stderr }: RunResult): string {
  expect(exitCode).toBe(1);
  expect(stdout).toMatch(/^Cannot [^\n`]+\n$/);
  expect(stderr).toMatch(/^docker-credential-acr: error: Cannot [^\n]+\n(cause: [^\n]+\n)*hint: [^\n]+\n$/);
  return stderr;
}

/**
 * Expects that no identity is set up, so that the client goes on anonymously.
 * @returns the hint, and each identity that was tried with its reason, in order.
 */
export function expectNotFound({ exitCode, stdout, stderr }: RunResult): {
  readonly hint: string;
  readonly sources: readonly (readonly [name: string, reason: string])[];
} {
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: 'credentials not found in native keychain\n' });
  expect(stderr).toMatch(/^docker-credential-acr: hint: [^\n]+\n( {2}[\w-]+: [^\n]+\n)+$/);
  const [hint = '', ...lines] = stderr.trimEnd().split('\n');
  const sources = lines.map((line) => {
    const [, name = '', reason = ''] = /^ {2}([\w-]+): (.+)$/.exec(line) ?? [];
    return [name, reason] as const;
  });
  return { hint: hint.replace('docker-credential-acr: hint: ', ''), sources };
}
