/**
 * Gets a token from the Azure CLI.
 *
 * @see https://learn.microsoft.com/cli/azure/account#az-account-get-access-token
 */

import { asText, parseJsonObject } from '../../json.ts';
import type { NotSetUp } from '../../not-set-up.ts';
import { createQuote } from '../../redact.ts';
import { shellWord } from '../../shell-word.ts';
import { findExecutable } from '../../system/child-process.ts';
import type { TokenContext } from '../identity.ts';
import { explainRefusal, runTool, splitLines } from './developer-tool.ts';
import { type CommandForm, parseSuggestion } from './suggested-command.ts';

/** The account to get a token for. */
export interface CliTokenRequest {
  /** The account's name, for error messages. */
  readonly account: string;
  /** The tenant of the account, if that is a service principal with a secret or a certificate. */
  readonly servicePrincipalTenant?: string | undefined;
  /** A tenant other than the account's own; never together with a subscription, since `az` rejects the two together. */
  readonly tenant: string | undefined;
  /** The id of a subscription other than the default one. */
  readonly subscription?: string | undefined;
  /** A configuration folder other than the default one. */
  readonly configFolder?: string | undefined;
}

/** Turns off telemetry, colours and warnings. */
const QUIET = { AZURE_CORE_COLLECT_TELEMETRY: 'no', AZURE_CORE_NO_COLOR: 'yes', AZURE_CORE_ONLY_SHOW_ERRORS: 'yes' };
/** The command that `az` suggests. One with a claims challenge is left out, since it must not be shown. */
const SUGGESTION: CommandForm = { starts: ['az login'], options: ['--tenant', '--scope'] };

/**
 * Runs `az account get-access-token`.
 * @returns `NotSetUp` when `az` is not on PATH.
 * @throws IDENTITY_FAILED with the error messages of `az`; AUDIENCE_UNKNOWN when the tenant does not know the audience.
 */
export async function requestCliToken(context: TokenContext, request: CliTokenRequest): Promise<string | NotSetUp> {
  const { runtime, audience } = context;
  const { account, tenant, subscription, configFolder } = request;
  const file = findExecutable(runtime, 'az');
  if (file === undefined) return { notSetUp: 'the Azure CLI has an account, but az is not on PATH' };
  // An old `az` does not support --scope.
  const args = ['account', 'get-access-token', '--output', 'json', '--resource', audience];
  if (subscription !== undefined) args.push('--subscription', subscription);
  else if (tenant !== undefined) args.push('--tenant', tenant);
  const result = await runTool(context, {
    source: 'azure-cli',
    file,
    args,
    variables: configFolder === undefined ? QUIET : { ...QUIET, AZURE_CONFIG_DIR: configFolder },
    check: 'az version',
    readToken: (stdout) => asText(parseJsonObject(stdout)?.['accessToken']),
  });
  if (typeof result === 'string') return result;
  throw explainRefusal(result, {
    name: 'az',
    who: `the Azure CLI's account ${createQuote(runtime)(account, 80)}`,
    tenant,
    needsSignIn: /az login/.test(result.text),
    signIn: suggestSignIn(request, result.text),
    // The query leaves out the token, so that users do not paste it into a bug report.
    check: `az account get-access-token --resource ${shellWord(audience)} --query expiresOn --debug`,
  });
}

/** @returns the command that signs the account in again. */
function suggestSignIn({ account, servicePrincipalTenant, tenant }: CliTokenRequest, text: string): string {
  if (servicePrincipalTenant !== undefined) {
    // az suggests a command for a user account. This one prompts for the secret, to keep it out of the shell's history.
    const where = tenant ?? servicePrincipalTenant;
    const command = `az login --service-principal --username ${shellWord(account)} --tenant ${shellWord(where)}`;
    return `${command} (for a certificate, add --certificate FILE)`;
  }
  // A recent az prints the complete command; an old one only says "Please run 'az login'".
  const suggestion = splitLines(text).find((line) => parseSuggestion(line, SUGGESTION) !== undefined);
  return suggestion ?? (tenant === undefined ? 'az login' : `az login --tenant ${shellWord(tenant)}`);
}
