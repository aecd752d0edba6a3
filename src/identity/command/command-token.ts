/** Asks a program of the person's own for an Entra token. */

import { basename, isAbsolute } from 'node:path';
import { asText, parseJsonObject } from '../../json.ts';
import type { NotSetUp } from '../../not-set-up.ts';
import { quoteForeignText } from '../../redact.ts';
import type { Registry } from '../../registry.ts';
import { findExecutable } from '../../system/child-process.ts';
import { explainRefusal, runTool } from '../developer-tools/developer-tool.ts';
import type { TokenContext } from '../identity.ts';

export interface TokenCommand {
  /** An absolute path, or a name to be found on PATH. */
  readonly program: string;
  readonly args: readonly string[];
}

/** What a bearer token is made of, JWT or not. @see https://www.rfc-editor.org/rfc/rfc6750#section-2.1 */
const BEARER_TOKEN = /^[\w.~+/-]+=*$/;

/**
 * Runs the program, without a shell. It is told what the token is for in `DOCKER_CREDENTIAL_ACR_AUDIENCE` and
 * `DOCKER_CREDENTIAL_ACR_REGISTRY`, and prints it alone or as `accessToken`, `access_token` or `token` of a JSON object.
 *
 * @returns `NotSetUp` when the name leads to no program.
 * @throws IDENTITY_FAILED with what the program says on stderr, AUDIENCE_UNKNOWN
 */
export async function requestCommandToken(
  context: TokenContext,
  registry: Registry,
  { program, args }: TokenCommand,
): Promise<string | NotSetUp> {
  const { runtime, audience } = context;
  const file = isAbsolute(program) ? program : findExecutable(runtime, program);
  if (file === undefined) return { notSetUp: `${program} is not on PATH` };
  const check = `check "command" in the configuration, and run ${file} by hand`;
  const answer = await runTool(context, {
    source: 'command',
    file,
    args,
    variables: { DOCKER_CREDENTIAL_ACR_AUDIENCE: audience, DOCKER_CREDENTIAL_ACR_REGISTRY: registry.host },
    check,
    readToken: readCommandToken,
  });
  if (typeof answer === 'string') return answer;
  const name = quoteForeignText(basename(file), 80);
  throw explainRefusal(answer, {
    name,
    who: undefined,
    tenant: undefined,
    needsSignIn: false,
    signIn: check,
    check,
  });
}

/** @returns `undefined` when there is no token, or more than one text. */
export function readCommandToken(stdout: string): string | undefined {
  const text = stdout.trim();
  const answer = parseJsonObject(text);
  const token = answer === undefined ? text : readField(answer);
  return token !== undefined && BEARER_TOKEN.test(token) ? token : undefined;
}

function readField(answer: Readonly<Record<string, unknown>>): string | undefined {
  return asText(answer['accessToken']) ?? asText(answer['access_token']) ?? asText(answer['token']);
}
