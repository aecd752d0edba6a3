/**
 * Asks the Azure CLI for a token.
 *
 * @see https://learn.microsoft.com/cli/azure/account#az-account-get-access-token
 */

import { findEntraAdvice } from './entra-codes.ts';
import { CredentialError, describeCause } from './errors.ts';
import type { NotSetUp } from './identity/identity.ts';
import { asText, parseJsonObject } from './json.ts';
import { findProgram, type ProgramResult, runProgram } from './program.ts';
import { quoteForeignText } from './redact.ts';
import type { SignInTools } from './sign-in.ts';

export interface CliTokenRequest {
  /** The account's name, for people. */
  readonly account: string;
  /** Another tenant than the account's own. */
  readonly tenant: string | undefined;
}

/** `az` takes half a second when all is well, and some seconds on a cold Windows. */
const LONGEST_RUN_MS = 18_000;
/** What has to be left of the budget for the registry's answer. */
const EXCHANGE_MS = 3_000;

/** Keeps `az` from asking home, from colours and from warnings in between. */
const QUIET = { AZURE_CORE_COLLECT_TELEMETRY: 'no', AZURE_CORE_NO_COLOR: 'yes', AZURE_CORE_ONLY_SHOW_ERRORS: 'yes' };

/**
 * Runs `az account get-access-token`.
 * @returns `NotSetUp` when there is no `az`.
 * @throws IDENTITY_FAILED with what `az` itself says.
 */
export async function requestCliToken(
  tools: SignInTools,
  { account, tenant }: CliTokenRequest,
): Promise<string | NotSetUp> {
  const { machine, audience, purpose, deadlineMs, log } = tools;
  const file = findProgram(machine, 'az');
  if (file === undefined) return { notSetUp: 'the Azure CLI has an account, but az is not on PATH' };
  const args = ['account', 'get-access-token', '--output', 'json', '--resource', audience];
  if (tenant !== undefined) args.push('--tenant', tenant);
  const startedMs = performance.now();
  const timeoutMs = Math.max(1, Math.min(LONGEST_RUN_MS, deadlineMs - startedMs - EXCHANGE_MS));
  let result: ProgramResult;
  try {
    result = await runProgram(machine, file, args, timeoutMs, QUIET);
  } catch (cause) {
    throw new CredentialError('IDENTITY_FAILED', `${purpose}: ${file} ${describeCause(cause)}`, {
      hint: 'az version',
      cause,
    });
  }
  const durationMs = Math.round(performance.now() - startedMs);
  const token = result.exitCode === 0 ? asText(parseJsonObject(result.stdout)?.['accessToken']) : undefined;
  log?.({ step: 'program', outcome: token === undefined ? 'failed' : 'answered', source: 'azure-cli', durationMs });
  if (token !== undefined) return token;
  throw explain(purpose, account, tenant, result, timeoutMs);
}

function explain(
  purpose: string,
  account: string,
  tenant: string | undefined,
  { exitCode, stderr, timedOut }: ProgramResult,
  timeoutMs: number,
): CredentialError {
  const fail = (what: string, causes: readonly string[], hint: string) =>
    new CredentialError('IDENTITY_FAILED', `${purpose}: ${what}`, { causes, hint });
  if (timedOut) {
    return fail(
      `az did not answer within ${Math.round(timeoutMs / 1000)} s`,
      [],
      'az account get-access-token --debug',
    );
  }
  const lines = stderr
    .split(/\r?\n/)
    .map((line) => quoteForeignText(line))
    .filter((line) => line !== '');
  const said = lines.slice(-6).map((line) => `az: ${line}`);
  const who = `the Azure CLI's account ${quoteForeignText(account, 80)}`;
  const login = tenant === undefined ? 'az login' : `az login --tenant ${tenant}`;
  // az names the very command that helps; an older one only says "Please run 'az login'".
  const suggested = lines.find((line) => /^az login( --[\w-]+( "?[\w.:/-]+"?)?)*$/.test(line)) ?? login;
  const code = /AADSTS(\d+)/.exec(stderr)?.[1];
  if (code !== undefined) {
    const { meaning } = findEntraAdvice(code, { clientId: account, tenant: tenant ?? 'TENANT' });
    return fail(`${meaning ?? 'Entra ID refused'} for ${who} (AADSTS${code})`, said, suggested);
  }
  if (/az login/.test(stderr)) return fail(`${who} has to sign in again`, said, suggested);
  const ending = exitCode === 0 ? 'answered without a token' : `failed with exit code ${exitCode ?? 'none'}`;
  return fail(
    `az ${ending} for ${who}`,
    said,
    'az account get-access-token --resource https://containerregistry.azure.net',
  );
}
