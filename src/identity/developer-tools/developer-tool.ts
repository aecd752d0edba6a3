/** Runs a program that is signed in to Azure to get a token, and reports its own error messages if it fails. */

import { stripVTControlCharacters } from 'node:util';
import { findEntraAdvice, UNKNOWN_AUDIENCE_CODES } from '../../entra/error-codes.ts';
import { CredentialError, describeCause } from '../../errors.ts';
import { createQuote, createRedactor, cutBeginning, type Quote } from '../../redact.ts';
import { type ChildResult, runChild } from '../../system/child-process.ts';
import { readClockMs } from '../../system/clock.ts';
import type { TokenContext } from '../identity.ts';

/** How to run a program and read its output. */
export interface ToolRun {
  /** The name of the identity's source, for the log. */
  readonly source: string;
  /** The absolute path of the program. */
  readonly file: string;
  readonly args: readonly string[];
  readonly variables?: Readonly<Record<string, string>>;
  /** A command that shows what is wrong with the program. */
  readonly check: string;
  /** Reads the token from the output of a successful run. @returns `undefined` when there is none. */
  readonly readToken: (stdout: string) => string | undefined;
}

/** How a program failed. Its stdout is left out, since it may contain a token. */
export interface ToolRefusal {
  /** `undefined` when a signal killed the program. */
  readonly exitCode: number | undefined;
  readonly timedOut: boolean;
  readonly timeoutMs: number;
  /** The end of its stderr, without secrets. */
  readonly text: string;
  /** Quotes a part of the text. */
  readonly quote: Quote;
}

/** What the error message about a failed program needs. */
export interface RefusalReport {
  /** The name of the program, such as `az`. */
  readonly name: string;
  /** The account: "the Azure CLI's account …"; `undefined` when it is not known. */
  readonly who: string | undefined;
  readonly tenant: string | undefined;
  /** The lines to report; by default, those of its stderr. */
  readonly lines?: readonly string[];
  /** Whether it asks the user to sign in again. */
  readonly needsSignIn: boolean;
  /** The command that signs in. */
  readonly signIn: string;
  /** The command that shows more. */
  readonly check: string;
}

/** A tool usually takes half a second, but several seconds after a cold start on Windows. */
const MAX_RUN_MS = 18_000;
/** How much time to leave for the registry's response. */
const EXCHANGE_MS = 3_000;
const LAST_LINES = 6;
/** How much of the end of stderr is looked at. */
const MAX_ERROR_CHARACTERS = 8 * 1024;

/**
 * Runs the program, and stops it in time for the deadline.
 * @returns the token, or how the program failed.
 * @throws IDENTITY_FAILED when it cannot be started.
 */
export async function runTool(context: TokenContext, run: ToolRun): Promise<string | ToolRefusal> {
  const { runtime, deadlineMs, log } = context;
  const { source, file, args, variables, check, readToken } = run;
  const startedMs = readClockMs();
  const timeoutMs = Math.max(1, Math.min(MAX_RUN_MS, deadlineMs - startedMs - EXCHANGE_MS));
  let result: ChildResult;
  try {
    result = await runChild(runtime, { file, args, timeoutMs, ...(variables === undefined ? {} : { variables }) });
  } catch (cause) {
    throw new CredentialError('IDENTITY_FAILED', `${file} cannot be run`, {
      causes: [describeCause(cause)],
      hint: check,
      cause,
    });
  }
  const durationMs = Math.round(readClockMs() - startedMs);
  const token = result.exitCode === 0 ? readToken(result.stdout) : undefined;
  log?.({ step: 'program', outcome: token === undefined ? 'failed' : 'answered', source, durationMs });
  if (token !== undefined) {
    runtime.secrets.add(token);
    return token;
  }
  const { exitCode, timedOut, stderr } = result;
  // Escape codes for colours go first, since they may stand within a secret. What fails stands at the end.
  const text = createRedactor(runtime)(stripVTControlCharacters(cutBeginning(stderr, MAX_ERROR_CHARACTERS)));
  return { exitCode, timedOut, timeoutMs, text, quote: createQuote(runtime) };
}

/**
 * Makes an error from a failed run, with the program's own lines as causes.
 * @returns AUDIENCE_UNKNOWN when stderr contains an Entra error code for an unknown audience, else IDENTITY_FAILED.
 */
export function explainRefusal(refusal: ToolRefusal, report: RefusalReport): CredentialError {
  const { exitCode, timedOut, timeoutMs, text, quote } = refusal;
  const { name, who, tenant, needsSignIn, signIn, check } = report;
  const lines = report.lines ?? splitLines(text);
  const causes = lines.slice(-LAST_LINES).map((line) => `${name}: ${quote(line)}`);
  const fail = (what: string, hint: string) => new CredentialError('IDENTITY_FAILED', what, { causes, hint });
  if (timedOut) return fail(`${name} did not finish within ${Math.ceil(timeoutMs / 1000)} s`, check);
  const forWhom = who === undefined ? '' : ` for ${who}`;
  const code = /AADSTS(\d+)/.exec(text)?.[1];
  if (code !== undefined) {
    const { meaning, fix } = findEntraAdvice(code, { clientId: who ?? 'ID', tenant: tenant ?? 'TENANT' });
    const what = `${meaning ?? 'Entra ID refused the sign-in'}${forWhom} (AADSTS${code})`;
    if (!UNKNOWN_AUDIENCE_CODES.includes(Number(code))) return fail(what, signIn);
    return new CredentialError('AUDIENCE_UNKNOWN', what, { causes, hint: fix });
  }
  if (needsSignIn) return fail(`${who ?? name} has to sign in again`, signIn);
  const ending =
    exitCode === 0
      ? 'returned no token'
      : `failed ${exitCode === undefined ? 'without an exit code' : `with exit code ${exitCode}`}`;
  return fail(`${name} ${ending}${forWhom}`, check);
}

/** Splits a text into trimmed lines, without the empty ones. */
export function splitLines(text: string): string[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
}
