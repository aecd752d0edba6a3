/** Asks a program that is signed in to Azure for a token, and tells in its own words why there is none. */

import { stripVTControlCharacters } from 'node:util';
import { findEntraAdvice, UNKNOWN_AUDIENCE_CODES } from '../../entra/error-codes.ts';
import { CredentialError, describeCause } from '../../errors.ts';
import { createRedactor, quoteForeignText } from '../../redact.ts';
import { type ChildResult, runChild } from '../../system/child-process.ts';
import { readClockMs } from '../../system/clock.ts';
import type { TokenContext } from '../identity.ts';

export interface ToolRun {
  readonly source: string;
  readonly file: string;
  readonly args: readonly string[];
  readonly variables?: Readonly<Record<string, string>>;
  /** A command that tells what is wrong with the program. */
  readonly check: string;
  /** @returns the token of a successful run, `undefined` when there is none. */
  readonly readToken: (stdout: string) => string | undefined;
}

/** What a program did instead of giving a token; its stdout is never told, since it may hold one. */
export interface ToolRefusal {
  readonly exitCode: number | undefined;
  readonly timedOut: boolean;
  readonly timeoutMs: number;
  /** Its stderr, without secrets. */
  readonly text: string;
}

/** How a refusal is told. */
export interface RefusalReport {
  /** What the program is called: `az`. */
  readonly name: string;
  /** Whose token was asked for: "the Azure CLI's account …"; `undefined` when nobody knows. */
  readonly who: string | undefined;
  readonly tenant: string | undefined;
  /** The lines that it said, where that takes more than splitting its stderr. */
  readonly lines?: readonly string[];
  /** Whether it asks the person to sign in again. */
  readonly needsSignIn: boolean;
  /** The command that signs in. */
  readonly signIn: string;
  /** The command that tells more. */
  readonly check: string;
}

/** A tool takes half a second when all is well, and some seconds on a cold Windows. */
const MAX_RUN_MS = 18_000;
/** What has to be left of the budget for the registry's answer. */
const EXCHANGE_MS = 3_000;
const LAST_LINES = 6;

/**
 * Runs the program within what is left of the time.
 * @returns the token, or what the program said instead.
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
  // Before anything is cut off: half a secret is not recognised any more.
  const text = createRedactor(runtime)(stripVTControlCharacters(stderr));
  return { exitCode, timedOut, timeoutMs, text };
}

/** Tells what the program said, and what helps. */
export function explainRefusal(refusal: ToolRefusal, story: RefusalReport): CredentialError {
  const { exitCode, timedOut, timeoutMs, text } = refusal;
  const { name, who, tenant, needsSignIn, signIn, check } = story;
  const lines = story.lines ?? splitLines(text);
  const causes = lines.slice(-LAST_LINES).map((line) => `${name}: ${quoteForeignText(line)}`);
  const fail = (what: string, hint: string) => new CredentialError('IDENTITY_FAILED', `${what}`, { causes, hint });
  if (timedOut) return fail(`${name} did not answer within ${Math.ceil(timeoutMs / 1000)} s`, check);
  const forWhom = who === undefined ? '' : ` for ${who}`;
  const code = /AADSTS(\d+)/.exec(text)?.[1];
  if (code !== undefined) {
    const { meaning, fix } = findEntraAdvice(code, { clientId: who ?? 'ID', tenant: tenant ?? 'TENANT' });
    const what = `${meaning ?? 'Entra ID refused'}${forWhom} (AADSTS${code})`;
    if (!UNKNOWN_AUDIENCE_CODES.includes(Number(code))) return fail(what, signIn);
    return new CredentialError('AUDIENCE_UNKNOWN', `${what}`, { causes, hint: fix });
  }
  if (needsSignIn) return fail(`${who ?? name} has to sign in again`, signIn);
  const ending = exitCode === 0 ? 'answered without a token' : `failed with exit code ${exitCode ?? 'none'}`;
  return fail(`${name} ${ending}${forWhom}`, check);
}

/** The lines of a text that are not empty. */
export function splitLines(text: string): string[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
}
