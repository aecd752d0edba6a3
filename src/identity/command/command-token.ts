/** Runs the user's own program to get an Entra token. */

import { basename, isAbsolute } from 'node:path';
import { asText, type JsonObject, parseJsonObject } from '../../json.ts';
import type { NotSetUp } from '../../not-set-up.ts';
import { createQuote } from '../../redact.ts';
import type { Registry } from '../../registry.ts';
import { shellWord } from '../../shell-word.ts';
import { findExecutable } from '../../system/child-process.ts';
import { explainRefusal, runTool } from '../developer-tools/developer-tool.ts';
import type { TokenContext } from '../identity.ts';

/** The program that prints a token. */
export interface TokenCommand {
  /** An absolute path, or a name to look up on PATH. */
  readonly program: string;
  readonly args: readonly string[];
}

/** The syntax of any bearer token, JWT or not. @see https://www.rfc-editor.org/rfc/rfc6750#section-2.1 */
const BEARER_TOKEN = /^[\w.~+/-]+=*$/;

/**
 * Runs the program, without a shell. `DOCKER_CREDENTIAL_ACR_AUDIENCE` and `DOCKER_CREDENTIAL_ACR_REGISTRY` tell it what
 * the token is for. It prints the token alone, or as `accessToken`, `access_token` or `token` of a JSON object.
 *
 * @returns `NotSetUp` when the program is not on PATH.
 * @throws IDENTITY_FAILED with the program's stderr; AUDIENCE_UNKNOWN when that contains an Entra error code for an
 * unknown audience.
 */
export async function requestCommandToken(
  context: TokenContext,
  registry: Registry,
  { program, args }: TokenCommand,
): Promise<string | NotSetUp> {
  const { runtime, audience } = context;
  const file = isAbsolute(program) ? program : findExecutable(runtime, program);
  if (file === undefined) return { notSetUp: `${program} is not on PATH` };
  const check = `check "command" in the configuration, and run ${shellWord(file)} by hand`;
  const result = await runTool(context, {
    source: 'command',
    file,
    args,
    variables: { DOCKER_CREDENTIAL_ACR_AUDIENCE: audience, DOCKER_CREDENTIAL_ACR_REGISTRY: registry.host },
    check,
    readToken: readCommandToken,
  });
  if (typeof result === 'string') return result;
  const name = createQuote(runtime)(basename(file), 80);
  throw explainRefusal(result, {
    name,
    who: undefined,
    tenant: undefined,
    needsSignIn: false,
    signIn: check,
    check,
  });
}

/**
 * Reads the token from the program's output.
 * @returns `undefined` when the output is neither a token alone nor a JSON object with one.
 */
export function readCommandToken(stdout: string): string | undefined {
  const text = stdout.trim();
  const object = parseJsonObject(text);
  const token = object === undefined ? text : readField(object);
  return token !== undefined && BEARER_TOKEN.test(token) ? token : undefined;
}

function readField(object: JsonObject): string | undefined {
  return asText(object['accessToken']) ?? asText(object['access_token']) ?? asText(object['token']);
}
