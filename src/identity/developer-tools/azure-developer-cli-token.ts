/**
 * Asks the Azure Developer CLI for a token.
 *
 * @see https://learn.microsoft.com/azure/developer/azure-developer-cli/reference#azd-auth-token
 */

import { asJsonObject, asText, parseJsonObject } from '../../json.ts';
import type { NotSetUp } from '../../not-set-up.ts';
import { findExecutable } from '../../system/child-process.ts';
import type { TokenContext } from '../identity.ts';
import { explainRefusal, runTool, splitLines } from './developer-tool.ts';

/** Keeps `azd` from asking home, from looking for a newer one, and from colours. */
const QUIET = { AZURE_DEV_COLLECT_TELEMETRY: 'no', AZD_SKIP_UPDATE_CHECK: 'true', NO_COLOR: '1' };
/** The command that `azd` suggests: `azd auth login …`, or `azd login` of an old one. */
const SUGGESTION = /\bazd (?:auth )?login(?: --[a-z-]+(?:[ =](?!-)(?:https?:\/\/)?[\w.:/-]*[\w/])?)*/;

/**
 * Runs `azd auth token`.
 * @returns `NotSetUp` when there is no `azd`.
 * @throws IDENTITY_FAILED with what `azd` itself says, AUDIENCE_UNKNOWN
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
  const answer = await runTool(context, {
    source: 'azure-developer-cli',
    file,
    args,
    variables: QUIET,
    check: 'azd version',
    readToken: (stdout) => asText(parseJsonObject(stdout)?.['token']),
  });
  if (typeof answer === 'string') return answer;
  const lines = splitLines(answer.text).flatMap(readMessages);
  const said = lines.join('\n');
  const suggestion = SUGGESTION.exec(said)?.[0];
  throw explainRefusal(answer, {
    name: 'azd',
    who: "the Azure Developer CLI's account",
    tenant,
    lines,
    needsSignIn: suggestion !== undefined || /multi-factor|reauthentication required|login expired/.test(said),
    signIn: suggestion ?? `azd auth login${tenant === undefined ? '' : ` --tenant-id ${tenant}`}`,
    check: 'azd auth login --check-status',
  });
}

/**
 * What a line of stderr says. Before 1.23.7 it is a console message; then an empty one, and error, message and
 * suggestion; from 1.24 on these alone. Whatever else there is says itself.
 */
function readMessages(line: string): string[] {
  const object = parseJsonObject(line);
  if (object === undefined) return [line];
  const texts = [object['error'], object['message'], asJsonObject(object['data'])?.['message'], object['suggestion']];
  return [...new Set(texts.map(asText).filter((text) => text !== undefined))];
}
