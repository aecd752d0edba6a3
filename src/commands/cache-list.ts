/** `cache list`: the files of the cache. */

import type { Command } from '@commander-js/extra-typings';
import { ENTRA_SERVICE, findCache } from '../cache/cache.ts';
import type { CacheContents, CacheFile } from '../cache/contents.ts';
import { createQuote } from '../redact.ts';
import type { Runtime } from '../system/runtime.ts';
import { EXIT } from '../terminal/failure.ts';
import { formatColumns } from '../terminal/table.ts';
import { defineCommand } from './command.ts';
import { formatAge, toIso } from './status/time.ts';

/** The command `cache list`. */
export const CACHE_LIST = defineCommand({
  name: 'list',
  summary: 'list the cached tokens, file by file',
  details:
    'A file that others could have written, or that is damaged, counts as missing. "status" says more about each token.',
  examples: [
    ['cache list', 'the files, and until when they are of use'],
    ['cache list --json', 'the same as JSON'],
  ],
  define: (command: Command) => command.option('--json', 'print the list as JSON'),
  run: async ({ runtime, terminal }, { json }) => {
    const { readContents } = await import('../cache/contents.ts');
    const nowSeconds = runtime.now() / 1000;
    const cache = await findCache(runtime);
    const contents = cache === undefined ? EMPTY : readContents(cache, nowSeconds);
    for (const { cached } of contents.tokens) runtime.secrets.add(cached.token);
    const folder = cache === undefined ? undefined : createQuote(runtime)(cache.folder, 4096);
    if (json === true) {
      terminal.write(`${JSON.stringify(describeContents(runtime, folder, contents), null, 2)}\n`);
      return EXIT.ok;
    }
    const quote = createQuote(runtime);
    if (contents.tokens.length === 0) terminal.write('No token is cached\n');
    else {
      const rows = contents.tokens.map(({ name, service, kind, identity, sizeBytes, cached }) => [
        quote(name),
        service === ENTRA_SERVICE ? 'Entra' : quote(service),
        quote(kind.split(' ')[0] ?? '', 20),
        quote(identity, 100),
        formatAge(cached.expiresAtSeconds, nowSeconds),
        `${sizeBytes} B`,
      ]);
      const head = ['FILE', 'REGISTRY', 'KIND', 'IDENTITY', 'EXPIRES', 'SIZE'].map((title) =>
        terminal.style('bold', title),
      );
      terminal.write(formatColumns(terminal.isOutputSeen ? [head, ...rows] : rows));
    }
    terminal.writeError(formatRest(folder, contents));
    return EXIT.ok;
  },
});

const EMPTY: CacheContents = { tokens: [], ignoredFiles: 0, temporaryFiles: 0, locks: 0, failures: 0, notes: 0 };

function formatRest(folder: string | undefined, contents: CacheContents): string {
  const counts: readonly (readonly [number: number, what: string])[] = [
    [contents.ignoredFiles, 'ignored (damaged, or others could have written it)'],
    [contents.temporaryFiles, 'temporary'],
    [contents.locks, 'locks'],
    [contents.failures, 'shared failures'],
    [contents.notes, 'notes about this machine'],
  ];
  const others = counts.filter(([number]) => number > 0).map(([number, what]) => `${number} ${what}`);
  const place = folder === undefined ? 'There is no cache folder.' : `In ${folder}`;
  return others.length === 0 ? `${place}\n` : `${place}; other files: ${others.join(', ')}\n`;
}

function describeContents(runtime: Runtime, folder: string | undefined, contents: CacheContents): object {
  const { tokens, ...counts } = contents;
  return { folder: folder ?? null, tokens: tokens.map((token) => describeToken(runtime, token)), ...counts };
}

function describeToken(runtime: Runtime, { name, service, kind, identity, sizeBytes, cached }: CacheFile): object {
  const quote = createQuote(runtime);
  return {
    file: quote(name),
    registry: service === ENTRA_SERVICE ? null : quote(service),
    kind: quote(kind),
    identity: quote(identity),
    expiresAt: toIso(cached.expiresAtSeconds),
    savedAt: toIso(cached.savedAtSeconds),
    isExpired: cached.expiresAtSeconds <= runtime.now() / 1000,
    sizeBytes,
  };
}
