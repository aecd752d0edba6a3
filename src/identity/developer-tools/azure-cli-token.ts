/**
 * Asks the Azure CLI for a token.
 *
 * @see https://learn.microsoft.com/cli/azure/account#az-account-get-access-token
 */

import { asText, parseJsonObject } from '../../json.ts';
import type { NotSetUp } from '../../not-set-up.ts';
import { quoteForeignText } from '../../redact.ts';
import { findExecutable } from '../../system/child-process.ts';
import type { TokenContext } from '../identity.ts';
import { explainRefusal, runTool, splitLines } from './developer-tool.ts';

export interface CliTokenRequest {
  /** The account's name, for people. */
  readonly account: string;
  /** The tenant of a service principal, which signs in with a secret or a certificate. */
  readonly servicePrincipalTenant?: string | undefined;
  /** Another tenant than the account's own; never together with a subscription, which `az` refuses. */
  readonly tenant: string | undefined;
  /** The id of another subscription than the default one. */
  readonly subscription?: string | undefined;
  /** Another folder than the person's own. */
  readonly configFolder?: string | undefined;
}

/** Keeps `az` from asking home, from colours and from warnings in between. */
const QUIET = { AZURE_CORE_COLLECT_TELEMETRY: 'no', AZURE_CORE_NO_COLOR: 'yes', AZURE_CORE_ONLY_SHOW_ERRORS: 'yes' };
/** A command that `az` suggests; one with a claims challenge holds what must not be shown. */
const SUGGESTION = /^az login(?: --(?!claims)[\w-]+(?: "?[\w.:/-]+"?)?)*$/;
/** What may be pasted into a shell as it is. */
const PLAIN_NAME = /^[\w.-]+$/;

/**
 * Runs `az account get-access-token`.
 * @returns `NotSetUp` when there is no `az`.
 * @throws IDENTITY_FAILED with what `az` itself says, AUDIENCE_UNKNOWN
 */
export async function requestCliToken(context: TokenContext, request: CliTokenRequest): Promise<string | NotSetUp> {
  const { runtime, audience } = context;
  const { account, tenant, subscription, configFolder } = request;
  const file = findExecutable(runtime, 'az');
  if (file === undefined) return { notSetUp: 'the Azure CLI has an account, but az is not on PATH' };
  // Not --scope, which an old `az` does not know.
  const args = ['account', 'get-access-token', '--output', 'json', '--resource', audience];
  if (subscription !== undefined) args.push('--subscription', subscription);
  else if (tenant !== undefined) args.push('--tenant', tenant);
  const answer = await runTool(context, {
    source: 'azure-cli',
    file,
    args,
    variables: configFolder === undefined ? QUIET : { ...QUIET, AZURE_CONFIG_DIR: configFolder },
    check: 'az version',
    readToken: (stdout) => asText(parseJsonObject(stdout)?.['accessToken']),
  });
  if (typeof answer === 'string') return answer;
  throw explainRefusal(answer, {
    name: 'az',
    who: `the Azure CLI's account ${quoteForeignText(account, 80)}`,
    tenant,
    needsSignIn: /az login/.test(answer.text),
    signIn: suggestSignIn(request, answer.text),
    // Without the token, which people would paste into a bug report.
    check: `az account get-access-token --resource ${audience} --query expiresOn --debug`,
  });
}

/** The command that signs the account in again. */
function suggestSignIn({ account, servicePrincipalTenant, tenant }: CliTokenRequest, text: string): string {
  if (servicePrincipalTenant !== undefined && PLAIN_NAME.test(account)) {
    // az suggests what a person would run. This one asks for the secret, so that none is in the shell's history.
    const command = `az login --service-principal --username ${account} --tenant ${tenant ?? servicePrincipalTenant}`;
    return `${command} (for a certificate, add --certificate FILE)`;
  }
  // az names the very command that helps; an older one only says "Please run 'az login'".
  const suggestion = splitLines(text).find((line) => SUGGESTION.test(line));
  return suggestion ?? (tenant === undefined ? 'az login' : `az login --tenant ${tenant}`);
}
