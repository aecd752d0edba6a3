/** The user's own program that prints an Entra token. Only the configuration can name it. */

import { isAbsolute, win32 } from 'node:path';
import { hashText } from '../../cache/hash.ts';
import { CredentialError } from '../../errors.ts';
import { list, type Values } from '../../field.ts';
import type { NotSetUp } from '../../not-set-up.ts';
import { defineSource, type Identity, type IdentityRequest } from '../identity.ts';

const FIELDS = {
  command: list(
    'A program by absolute path or by a name on PATH, and its arguments; it prints an Entra token, as text or as JSON.',
    'a list: the program, then its arguments',
  ),
};

/** The source for the user's own program. */
export const COMMAND = defineSource({
  name: 'command',
  aliases: [],
  group: undefined,
  summary: 'a program of your own that prints an Entra token; only where the configuration names it',
  fields: FIELDS,
  required: ['command'],
  find: findCommand,
});

function findCommand({ runtime, registry, parameters }: IdentityRequest<Values<typeof FIELDS>>): Identity | NotSetUp {
  const [program, ...args] = parameters.command ?? [];
  if (program === undefined) return { notSetUp: 'the configuration has no "command"' };
  const isName = runtime.platform === 'win32' ? win32.basename(program) === program : !program.includes('/');
  if (!isName && !isAbsolute(program)) {
    throw new CredentialError(
      'IDENTITY_INVALID',
      `the "command" ${program} is neither an absolute path nor a bare name`,
      {
        hint: 'write the absolute path of the program in "command"',
      },
    );
  }
  return {
    source: COMMAND.name,
    // The arguments may hold a secret, so only their hash is used.
    description: `${COMMAND.name} ${program} ${hashText(JSON.stringify(args))}`,
    origins: [],
    getToken: async (context) => {
      const { requestCommandToken } = await import('./command-token.ts');
      return requestCommandToken(context, registry, { program, args });
    },
  };
}
