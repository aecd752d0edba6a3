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

const VERBS: readonly Verb[] = [
  {
    name: 'get',
    summary: 'read a registry from stdin, write {"ServerURL","Username","Secret"}',
    details: 'Clients call it. To see a token yourself, use the command "token".',
    examples: [],
  },
  {
    name: 'store',
    summary: "store a login in the system's keychain, and an ACR token until it expires",
    details: 'docker login calls it with {"ServerURL","Username","Secret"} on stdin.',
    examples: [],
  },
  {
    name: 'erase',
    summary: 'erase everything stored for the registry on stdin',
    details: 'docker logout calls it. It erases the logins and tokens of the registry, and the tokens of Entra ID.',
    examples: [],
  },
  {
    name: 'list',
    summary: "list the registries that Docker's configuration sends here, and the stored logins",
    details: 'Writes one JSON object: user names by server. "status" tells more.',
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
