/** `tags`: the tags of a repository. */

import type { Command } from '@commander-js/extra-typings';
import { createQuote } from '../redact.ts';
import type { Registry } from '../registry.ts';
import { shellWord } from '../shell-word.ts';
import type { Runtime } from '../system/runtime.ts';
import { EXIT, UsageError } from '../terminal/failure.ts';
import { withProgress } from '../terminal/progress.ts';
import { defineCommand, GROUPS } from './command.ts';
import { cleanNames, readLimit } from './name-list.ts';
import { readRegistry } from './registry-argument.ts';

/** The command `tags`. */
export const TAGS = defineCommand({
  name: 'tags',
  group: GROUPS.examine,
  summary: 'list the tags of a repository',
  details:
    'Asks with the credential that docker would get: a stored login, or the identity of this machine. With the name of an image, it also says whether the registry has that tag.',
  examples: [
    ['tags myregistry.azurecr.io/team/app', 'all tags, one a line'],
    ['tags myregistry.azurecr.io/team/app:1.2', 'whether there is a tag 1.2, and which others there are'],
  ],
  define: (command: Command) =>
    command
      .argument('<repository>', 'the repository, such as myregistry.azurecr.io/team/app')
      .option('--limit <number>', 'list so many at most')
      .option('--json', 'print {"registry", "repository", "tags", "isComplete"}'),
  run: async ({ runtime, terminal, log }, options, argument) => {
    const limit = readLimit(options.limit);
    const { registry, repository, tag } = await readImage(runtime, argument);
    const { findTags, suggestNames } = await import('./registries/list-names.ts');
    const name = `${registry.host}/${repository}`;
    const finding = findTags({ runtime, log, registry, limit }, repository);
    const { names, isComplete } = await withProgress(terminal, `Listing the tags of ${name}`, finding);
    const tags = cleanNames(runtime, names);
    if (options.json === true) {
      const facts = { registry: registry.host, repository, tags, isComplete };
      terminal.writeSecret(`${JSON.stringify(facts, undefined, 2)}\n`);
      return EXIT.ok;
    }
    terminal.writeSecret(tags.map((one) => `${one}\n`).join(''));
    if (tags.length === 0) terminal.writeError(`${name} has no tags.\n`);
    else if (!isComplete) terminal.writeError(`There are more than these ${tags.length} tags.\n`);
    if (tag !== undefined && isComplete && !tags.includes(tag)) {
      const [nearest] = suggestNames(tag, tags);
      const meant = nearest === undefined ? '' : ` Did you mean "${nearest}"?`;
      terminal.writeError(`There is no tag "${tag}".${meant}\n`);
    }
    return EXIT.ok;
  },
});

/** What an argument names. */
interface Image {
  readonly registry: Registry;
  readonly repository: string;
  readonly tag: string | undefined;
}

/** @throws UsageError when it is not the name of a repository or of an image in one; CONFIG_INVALID */
async function readImage(runtime: Runtime, argument: string): Promise<Image> {
  const quote = createQuote(runtime);
  const text = argument.trim();
  const start = /^https?:\/\//i.exec(text)?.[0].length ?? 0;
  const slash = text.indexOf('/', start);
  const registry = await readRegistry(runtime, slash < 0 ? text : text.slice(0, slash));
  const rest = slash < 0 ? '' : text.slice(slash + 1);
  const [path = ''] = rest.split('@');
  const colon = path.lastIndexOf(':');
  const name = colon < 0 ? path : path.slice(0, colon);
  const tag = colon < 0 ? undefined : path.slice(colon + 1);
  const { parseRepositoryName } = await import('../acr/catalog.ts');
  const repository = parseRepositoryName(name);
  if (repository !== undefined && (tag === undefined || /^\w[\w.-]{0,127}$/.test(tag))) {
    return { registry, repository, tag };
  }
  if (name === '') {
    throw new UsageError('There is no repository in the argument', {
      hint: `${shellWord(runtime.programName)} repositories ${shellWord(registry.host)} lists the repositories`,
    });
  }
  throw new UsageError(`"${quote(argument, 100)}" does not name a repository`, {
    hint: `write it as ${registry.host}/team/app: names have lower-case letters, digits and . _ - /`,
  });
}
