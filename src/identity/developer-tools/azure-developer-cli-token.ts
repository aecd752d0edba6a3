/**
 * Gets a token from the Azure Developer CLI.
 *
 * @see https://learn.microsoft.com/azure/developer/azure-developer-cli/reference#azd-auth-token
 */

import { asJsonObject, asText, parseJsonObject } from '../../json.ts';
import type { NotSetUp } from '../../not-set-up.ts';
import { shellWord } from '../../shell-word.ts';
import { findExecutable } from '../../system/child-process.ts';
import type { TokenContext } from '../identity.ts';
import { explainRefusal, runTool, splitLines } from './developer-tool.ts';
import { type CommandForm, findSuggestion } from './suggested-command.ts';

/** Turns off telemetry, the update check and colours. */
const QUIET = { AZURE_DEV_COLLECT_TELEMETRY: 'no', AZD_SKIP_UPDATE_CHECK: 'true', NO_COLOR: '1' };
/** The command that `azd` suggests; the second one in an old version. */
const SUGGESTION: CommandForm = { starts: ['azd auth login', 'azd login'], options: ['--scope', '--tenant-id'] };

/**
 * Runs `azd auth token`.
 * @param tenant a tenant other than the account's own.
 * @returns `NotSetUp` when `azd` is not on PATH.
 * @throws IDENTITY_FAILED with the error messages of `azd`; AUDIENCE_UNKNOWN when the tenant does not know the
 * audience.
 */
export async function requestDeveloperCliToken(
  context: TokenContext,
  tenant: string | undefined,
): Promise<string | NotSetUp> {
  const { runtime, audience } = context;
  const file = findExecutable(runtime, 'azd');
  if (file === undefined) return { notSetUp: 'the Azure Developer CLI has an account, but azd is not on PATH' };
  const args = ['auth', 'token', '--output', 'json', '--no-prompt', '--scope', `${audience}/.default`];
  if (tenant !== undefined) args.push('--tenant-id', tenant);
  const result = await runTool(context, {
    source: 'azure-developer-cli',
    file,
    args,
    variables: QUIET,
    check: 'azd version',
    readToken: (stdout) => asText(parseJsonObject(stdout)?.['token']),
  });
  if (typeof result === 'string') return result;
  const lines = splitLines(result.text).flatMap(readMessages);
  const text = lines.join('\n');
  const suggestion = findSuggestion(text, SUGGESTION);
  throw explainRefusal(result, {
    name: 'azd',
    who: "the Azure Developer CLI's account",
    tenant,
    lines,
    needsSignIn: suggestion !== undefined || /multi-factor|reauthentication required|login expired/.test(text),
    signIn: suggestion ?? `azd auth login${tenant === undefined ? '' : ` --tenant-id ${shellWord(tenant)}`}`,
    check: 'azd auth login --check-status',
  });
}

/**
 * Reads the messages from a line of stderr. Before version 1.23.7, a line is a console message in JSON. Then it is an
 * empty one, and a line with error, message and suggestion. Since 1.24, it is only the latter. A line that is not JSON
 * is a message itself.
 */
function readMessages(line: string): string[] {
  const object = parseJsonObject(line);
  if (object === undefined) return [line];
  const texts = [object['error'], object['message'], asJsonObject(object['data'])?.['message'], object['suggestion']];
  return [...new Set(texts.map(asText).filter((one) => one !== undefined))];
}
