/** Selects the entry of the configuration that applies to a registry. */

import { parseHost, type Registry } from '../registry.ts';
import type { ObjectReader } from './object-reader.ts';

/**
 * Selects the entry for a registry: the requested host, else its global login server, else the matching pattern with
 * the most characters.
 * @param reader the whole file, for error messages.
 * @returns `undefined` when no entry matches.
 * @throws CONFIG_INVALID when an entry means this registry but is neither a login server nor a pattern.
 */
export function findPattern(patterns: readonly string[], registry: Registry, reader: ObjectReader): string | undefined {
  let best: { pattern: string; rank: number } | undefined;
  for (const pattern of patterns) {
    const rank = rankPattern(pattern, registry, reader);
    if (rank !== undefined && (best === undefined || rank > best.rank)) best = { pattern, rank };
  }
  return best?.pattern;
}

/**
 * @returns how exactly the pattern matches the registry; `undefined` when it does not match.
 * @throws CONFIG_INVALID when the text means this registry but is not a name or pattern, such as a URL with a port.
 */
function rankPattern(pattern: string, { host, service }: Registry, reader: ObjectReader): number | undefined {
  const named = parseHost(pattern.trim());
  if (named === host) return Number.POSITIVE_INFINITY;
  if (named === service) return Number.MAX_VALUE;
  const bare = bareHost(pattern);
  const literals = bare.split('*');
  const isMeant = [host, service].some((name) => matchesLiterals(literals, name));
  if (!pattern.includes('*')) {
    if (!isMeant && bare !== service.slice(0, service.indexOf('.'))) return undefined;
    const what = `"registries" has "${pattern}", which is not a registry`;
    throw reader.misnamed('wrong-name', ['registries', pattern], what, `write "${service}"`);
  }
  if (!isMeant) return undefined;
  if (/^[a-z0-9.*-]+$/i.test(pattern)) return pattern.length - (literals.length - 1);
  const what = `"registries" has "${pattern}", which is not a pattern`;
  throw reader.misnamed('wrong-name', ['registries', pattern], what, 'write it as "*.azurecr.io"');
}

/** What a key says about a host, in lower case: it may be written as a URL. */
export function bareHost(pattern: string): string {
  return pattern
    .trim()
    .toLowerCase()
    .replace(/^[a-z]+:\/\//, '')
    .replace(/[/:?#].*$/s, '')
    .replace(/^.*@/, '');
}

/** Whether a name consists of these literals in this order, with any text in between. Takes linear time. */
function matchesLiterals(literals: readonly string[], name: string): boolean {
  const first = literals[0] ?? '';
  const last = literals.at(-1) ?? '';
  if (literals.length === 1) return name === first;
  if (!name.startsWith(first)) return false;
  let position = first.length;
  for (const literal of literals.slice(1, -1)) {
    const found = name.indexOf(literal, position);
    if (found < 0) return false;
    position = found + literal.length;
  }
  return name.length - last.length >= position && name.endsWith(last);
}
