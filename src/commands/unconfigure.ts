/** `unconfigure`: takes this program out of the configuration of docker, podman and helm. */

import type { Command } from '@commander-js/extra-typings';
import { defineCommand, GROUPS } from './command.ts';

const DETAILS = `Removes the entries of "credHelpers" that name this program, and nothing else: after "configure", the file is byte for byte what it was before. A helper that was replaced with --force comes back.

Stored logins and cached tokens stay.`;

/** The command `unconfigure`. */
export const UNCONFIGURE = defineCommand({
  name: 'unconfigure',
  group: GROUPS.setUp,
  summary: 'undo "configure"',
  details: DETAILS,
  examples: [
    ['unconfigure myregistry.azurecr.io', 'show what changes, and ask'],
    ['unconfigure --all --yes', 'every registry, without a question'],
  ],
  define: (command: Command) =>
    command
      .argument('[hosts...]', 'login servers, such as myregistry.azurecr.io')
      .option('--all', 'all registries that are configured')
      .option('--docker', "only Docker's config.json")
      .option('--podman', "only podman's auth.json")
      .option('--helm', "only helm's registry/config.json")
      .option('--dry-run', 'show the difference, and write nothing')
      .option('-y, --yes', 'do not ask')
      .option('--json', 'print what was changed as JSON'),
  run: async (context, options, hosts) => {
    const { unconfigureClients } = await import('./clients/configure.ts');
    return await unconfigureClients(context, options, hosts);
  },
});
