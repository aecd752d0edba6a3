/** The verbs of the protocol, for `--help`. They run without the parser: see `cli.ts`. */

import type { Command } from '@commander-js/extra-typings';
import { UsageError } from '../terminal/failure.ts';
import { type CommandDefinition, defineCommand, type Example, GROUPS } from './command.ts';

/** A verb of the protocol, in the order of `--help`. */
interface Verb {
  readonly name: string;
  readonly summary: string;
  readonly details: string;
  readonly examples: readonly Example[];
}

const A_HOST = 'echo myregistry.azurecr.io';
const A_LOGIN = `echo '{"ServerURL":"edge.example.com","Username":"me","Secret":"…"}'`;

const VERBS: readonly Verb[] = [
  {
    name: 'get',
    summary: 'print the credential of the registry on stdin, as JSON',
    details: 'Clients call it before they pull or push. To see a token yourself, use the command "token".',
    examples: [['get', 'what docker does before a pull', A_HOST]],
  },
  {
    name: 'store',
    summary: "store the login on stdin in the system's keychain",
    details: 'docker login calls it. An ACR token goes to the cache instead, until it expires.',
    examples: [['store', 'what docker does after a login', A_LOGIN]],
  },
  {
    name: 'erase',
    summary: 'erase what is stored for the registry on stdin',
    details: 'docker logout calls it. It erases the logins and tokens of the registry, and the tokens of Entra ID.',
    examples: [['erase', 'what docker does at a logout', A_HOST]],
  },
  {
    name: 'list',
    summary: 'print the registries and logins, as JSON',
    details:
      'It prints the user names by server, for the registries that Docker\'s configuration sends here and for the stored logins. The command "status" tells more.',
    examples: [['list', 'the servers, as JSON']],
  },
  {
    name: 'version',
    summary: 'print the name and the version',
    details: 'Also: --version, -v.',
    examples: [['version', 'the name and the version']],
  },
];

/** The definitions of the verbs. */
export const PROTOCOL_VERBS: readonly CommandDefinition[] = VERBS.map((verb) =>
  defineCommand({
    ...verb,
    group: GROUPS.protocol,
    define: (command: Command) => command,
    run: async () => {
      throw new UsageError(`"${verb.name}" takes no arguments`);
    },
  }),
);
