/** Lists the repositories of a registry and the tags of a repository, and explains why that fails. */

import { CATALOG_SCOPE, listRepositories, listTags, type NameList, tagScope, type Unknown } from '../../acr/catalog.ts';
import { findNearest } from '../../config/nearest.ts';
import { CredentialError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import { createQuote } from '../../redact.ts';
import type { Registry } from '../../registry.ts';
import { shellWord } from '../../shell-word.ts';
import type { Runtime } from '../../system/runtime.ts';
import { explainDenied } from './denied-access.ts';
import { type OpenRegistry, withRegistry } from './open-registry.ts';

/** Which registry, and how many names at most. */
export interface NamesRequest {
  readonly runtime: Runtime;
  readonly log: Log | undefined;
  readonly registry: Registry;
  readonly limit: number;
}

/** So many names are offered for one that does not exist. */
const MAX_SUGGESTIONS = 3;
/** Only the first so many repositories are searched for similar names. */
const MAX_SEARCHED = 5000;

/**
 * Lists the repositories of a registry.
 * @throws TOKEN_REFUSED when the credential does not allow it, and what `findCredential` throws.
 */
export async function findRepositories(request: NamesRequest): Promise<NameList> {
  const { registry, limit } = request;
  return await explain(`Cannot list the repositories of ${registry.host}`, () =>
    withRegistry(request, registry, async (open) => {
      const accessToken = await open.requestToken(CATALOG_SCOPE);
      const found = await listRepositories({ ...open, accessToken, limit });
      if ('denied' in found) throw explainDenied(open, 'repositories', found.denied);
      return found;
    }),
  );
}

/**
 * Lists the tags of a repository.
 * @throws REGISTRY_REFUSED when there is no such repository, with similar names if the credential can list them;
 * TOKEN_REFUSED when the credential does not allow it, and what `findCredential` throws.
 */
export async function findTags(request: NamesRequest, repository: string): Promise<NameList> {
  const { runtime, registry, limit } = request;
  return await explain(`Cannot list the tags of ${registry.host}/${repository}`, () =>
    withRegistry(request, registry, async (open) => {
      const accessToken = await open.requestToken(tagScope(repository));
      const found = await listTags({ ...open, accessToken, limit }, repository);
      if ('denied' in found) throw explainDenied(open, 'tags', found.denied);
      if ('unknown' in found) throw await explainUnknown(runtime, open, repository, found);
      return found;
    }),
  );
}

/**
 * Finds the names that somebody may have meant: a mistyped one, and those with the same last part.
 * @returns three names at most, the most similar first.
 */
export function suggestNames(name: string, candidates: readonly string[]): readonly string[] {
  const last = lastPart(name);
  const nearest = findNearest(name, candidates);
  const alike = candidates.filter((candidate) => lastPart(candidate) === last);
  return [...new Set([...(nearest === undefined ? [] : [nearest]), ...alike])].slice(0, MAX_SUGGESTIONS);
}

function lastPart(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1);
}

async function explain<T>(what: string, list: () => Promise<T>): Promise<T> {
  try {
    return await list();
  } catch (cause) {
    // An error about a setting, or a failed sign-in, already says what cannot be done.
    if (!(cause instanceof CredentialError) || cause.message.startsWith('Cannot ')) throw cause;
    throw cause.with({ message: `${what}: ${cause.message}` });
  }
}

async function explainUnknown(
  runtime: Runtime,
  open: OpenRegistry,
  repository: string,
  { unknown }: Unknown,
): Promise<CredentialError> {
  const { host } = open.registry;
  const quote = createQuote(runtime);
  const similar = suggestNames(repository, await listCandidates(open));
  const list = `${shellWord(runtime.programName)} repositories ${shellWord(host)}`;
  const meant = similar.map((name) => shellWord(`${host}/${quote(name)}`)).join(' or ');
  return new CredentialError('REGISTRY_REFUSED', 'there is no such repository', {
    causes: unknown,
    hint: similar.length === 0 ? list : `did you mean ${meant}? All of them: ${list}`,
  });
}

/** @returns none when the credential does not allow to list them. */
async function listCandidates(open: OpenRegistry): Promise<readonly string[]> {
  try {
    const accessToken = await open.requestToken(CATALOG_SCOPE);
    const found = await listRepositories({ ...open, accessToken, limit: MAX_SEARCHED });
    return 'names' in found ? found.names : [];
  } catch {
    return []; // the error that the person reads is about the repository
  }
}
