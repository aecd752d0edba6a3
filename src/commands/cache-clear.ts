/** `cache clear`: erases cached tokens, of one registry or all. */

import type { Command } from '@commander-js/extra-typings';
import { type Cache, findCache } from '../cache/cache.ts';
import type { Erased } from '../cache/erase-tokens.ts';
import { CredentialError } from '../errors.ts';
import { createQuote } from '../redact.ts';
import { parseRegistry, type Registry } from '../registry.ts';
import { shellWord } from '../shell-word.ts';
import type { Runtime } from '../system/runtime.ts';
import { Cancelled, EXIT, UsageError } from '../terminal/failure.ts';
import { confirm } from '../terminal/prompts.ts';
import { defineCommand } from './command.ts';
import { assertServer } from './registry-argument.ts';

/** The command `cache clear`. */
export const CACHE_CLEAR = defineCommand({
  name: 'clear',
  summary: 'erase the cached tokens, of one registry or all',
  details:
    'With HOST: the tokens of the registry, and those of Entra, as docker logout does. Without: all tokens, and what is remembered about this machine. Stored logins stay: docker logout erases them. A sign-in that is under way brings nothing back.',
  examples: [
    ['cache clear myregistry.azurecr.io', 'one registry: the next pull signs in again'],
    ['cache clear --yes', 'everything, without a question'],
  ],
  define: (command: Command) =>
    command
      .argument('[host]', 'a registry, such as myregistry.azurecr.io')
      .option('-y, --yes', 'do not ask before everything is erased')
      .option('--json', 'print what was erased as JSON'),
  run: async ({ runtime, terminal, log }, { yes, json }, host) => {
    const { eraseAllTokens, eraseRegistryTokens } = await import('../cache/erase-tokens.ts');
    const registry = host === undefined ? undefined : await findRegistry(runtime, host);
    const cache = await findCache(runtime);
    const nowSeconds = runtime.now() / 1000;
    let erased = NOTHING;
    if (cache !== undefined) {
      if (registry === undefined) {
        const message = `Erase every cached token in ${createQuote(runtime)(cache.folder, 4096)}?`;
        if (yes !== true && !(await confirm(terminal, { message, option: '--yes' }))) throw new Cancelled();
        erased = eraseAllTokens(cache, nowSeconds);
      } else {
        erased = eraseRegistryTokens(cache, registry.service, nowSeconds);
      }
    }
    log?.({
      step: 'end',
      outcome: erased.isComplete ? 'erased' : 'not-erased',
      ...(host === undefined ? {} : { host }),
    });
    terminal.write(json === true ? `${JSON.stringify(erased, null, 2)}\n` : formatErased(erased));
    if (!erased.isComplete && cache !== undefined) throw explainKept(cache);
    if (json !== true) terminal.writeError(`Stored logins stay; ${runtime.programName} status shows them.\n`);
    return EXIT.ok;
  },
});

const NOTHING: Erased = {
  registryTokens: 0,
  entraTokens: 0,
  temporaryFiles: 0,
  failures: 0,
  notes: 0,
  isComplete: true,
};

/** @throws UsageError for a server that is not a registry of Azure: no token is cached for it. */
async function findRegistry(runtime: Runtime, host: string): Promise<Registry> {
  assertServer(runtime, host);
  let registry = parseRegistry(host);
  if (registry === undefined) {
    const { loadConfig } = await import('../config/config.ts');
    registry = (await loadConfig(runtime)).findRegistry(host);
  }
  if (registry !== undefined) return registry;
  throw new UsageError(`"${createQuote(runtime)(host, 100)}" is not a registry of Azure, so no token of it is cached`, {
    hint: `to erase a stored login, run: docker logout ${shellWord(host)}`,
  });
}

function formatErased({ registryTokens, entraTokens, temporaryFiles, failures, notes }: Erased): string {
  const counts: readonly (readonly [number: number, one: string, several: string])[] = [
    [registryTokens, 'registry token', 'registry tokens'],
    [entraTokens, 'Entra token', 'Entra tokens'],
    [temporaryFiles, 'temporary file', 'temporary files'],
    [failures, 'shared failure', 'shared failures'],
    [notes, 'note about this machine', 'notes about this machine'],
  ];
  const parts = counts
    .filter(([number]) => number > 0)
    .map(([number, one, several]) => `${number} ${number === 1 ? one : several}`);
  return parts.length === 0 ? 'Nothing was cached\n' : `Erased ${parts.join(', ')}\n`;
}

function explainKept({ folder }: Cache): CredentialError {
  return new CredentialError(
    'STORE_REFUSED',
    `Cannot erase everything in ${folder}: a file or folder cannot be changed`,
    {
      hint: `see who owns it: ls -la ${shellWord(folder)}`,
    },
  );
}
