/** `repositories`: what a registry holds. */

import type { Command } from '@commander-js/extra-typings';
import { EXIT } from '../terminal/failure.ts';
import { withProgress } from '../terminal/progress.ts';
import { defineCommand, GROUPS } from './command.ts';
import { cleanNames, readLimit } from './name-list.ts';
import { readRegistry } from './registry-argument.ts';

/** The command `repositories`. */
export const REPOSITORIES = defineCommand({
  name: 'repositories',
  group: GROUPS.examine,
  summary: 'list the repositories of a registry',
  details: 'Asks with the credential that docker would get: a stored login, or the identity of this machine.',
  examples: [
    ['repositories myregistry.azurecr.io', 'all repositories, one a line'],
    ['repositories myregistry.azurecr.io --limit 20', 'the first twenty'],
  ],
  define: (command: Command) =>
    command
      .argument('<host>', 'the registry, such as myregistry.azurecr.io')
      .option('--limit <number>', 'list so many at most')
      .option('--json', 'print {"registry", "repositories", "isComplete"}'),
  run: async ({ runtime, terminal, log }, options, host) => {
    const limit = readLimit(options.limit);
    const registry = await readRegistry(runtime, host);
    const { findRepositories } = await import('./registries/list-names.ts');
    const finding = findRepositories({ runtime, log, registry, limit });
    const found = await withProgress(terminal, `Listing the repositories of ${registry.host}`, finding);
    const repositories = cleanNames(runtime, found.names);
    const { isComplete } = found;
    if (options.json === true) {
      terminal.writeSecret(`${JSON.stringify({ registry: registry.host, repositories, isComplete }, undefined, 2)}\n`);
      return EXIT.ok;
    }
    terminal.writeSecret(repositories.map((name) => `${name}\n`).join(''));
    if (repositories.length === 0) terminal.writeError(`${registry.host} has no repositories.\n`);
    else if (!isComplete) terminal.writeError(`There are more than these ${repositories.length} repositories.\n`);
    return EXIT.ok;
  },
});
