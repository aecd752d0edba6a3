/** A program of the person's own that prints an Entra token; only ever from the configuration. */

import { isAbsolute, win32 } from 'node:path';
import { hashText } from '../../cache/hash.ts';
import { CredentialError } from '../../errors.ts';
import type { Identity, IdentityRequest, NotSetUp } from '../identity.ts';

/**
 * Takes `"command"`: the program, by its absolute path or by a name that PATH leads to, and its arguments.
 * @throws IDENTITY_INVALID when the program's place depends on the working directory.
 */
export function findCommand({ runtime, registry, parameters }: IdentityRequest): Identity | NotSetUp {
  const [program, ...args] = parameters.command ?? [];
  if (program === undefined) return { notSetUp: 'there is no "command" in the configuration' };
  const isName = runtime.platform === 'win32' ? win32.basename(program) === program : !program.includes('/');
  if (!isName && !isAbsolute(program)) {
    throw new CredentialError(
      'IDENTITY_INVALID',
      `Cannot sign in for ${registry.host}: the "command" ${program} is neither an absolute path nor a bare name`,
      { hint: 'name the program in "command" from the root on' },
    );
  }
  return {
    source: 'command',
    // Nobody has to know what a person writes into the arguments.
    description: `command ${program} ${hashText(JSON.stringify(args))}`,
    origins: [],
    getToken: async (context) => {
      const { requestCommandToken } = await import('./command-token.ts');
      return requestCommandToken(context, registry, { program, args });
    },
  };
}
