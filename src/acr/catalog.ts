/**
 * Lists what a registry holds: its repositories, and the tags of one.
 *
 * @see https://distribution.github.io/distribution/spec/api/#listing-repositories
 */

import { CredentialError } from '../errors.ts';
import { parseJsonObject } from '../json.ts';
import { describeResponse, type HttpClient, type HttpResponse } from '../network/http.ts';
import type { Registry } from '../registry.ts';
import { parseUrl } from '../url.ts';
import { describeRefusal, explainRefusal } from './token-response.ts';

/** The scope of an access token that lists repositories. */
export const CATALOG_SCOPE: readonly string[] = ['registry:catalog:*'];

/** What a list is requested with. */
export interface ListRequest {
  readonly http: HttpClient;
  readonly registry: Registry;
  /** An access token of the registry. */
  readonly accessToken: string;
  /** How many names are wanted at most. */
  readonly limit: number;
}

/** The names, as the registry sent them: texts of a stranger. */
export interface NameList {
  readonly names: readonly string[];
  /** Whether there are no more than these. */
  readonly isComplete: boolean;
}

/** The access token does not allow the request. */
export interface Denied {
  /** What the registry said, as the causes of an error. */
  readonly denied: readonly string[];
}

/** The registry has no such repository. */
export interface Unknown {
  /** What the registry said, as the causes of an error. */
  readonly unknown: readonly string[];
}

/** A page of so many of the longest names is still a small response. ACR sends 1000 at most, whatever it is asked for. */
const PAGE_SIZE = 500;
const MAX_PAGES = 200;
const MAX_LINK_CHARACTERS = 4096;

/** The scope of an access token that lists the tags of a repository. */
export function tagScope(repository: string): readonly string[] {
  return [`repository:${repository}:metadata_read,pull`];
}

/**
 * Lists the repositories of a registry, in its order.
 * @returns `Denied` when the access token lacks the permission.
 * @throws REGISTRY_REFUSED, ANSWER_INVALID, NETWORK_FAILED
 */
export async function listRepositories(request: ListRequest): Promise<NameList | Denied> {
  const found = await listPages(request, '/v2/_catalog', 'repositories');
  if ('unknown' in found) throw explainInvalid(request.registry, found.unknown);
  return found;
}

/**
 * Lists the tags of a repository, in the registry's order.
 * @param repository a valid name: see `parseRepositoryName`.
 * @returns `Denied` when the access token lacks the permission; `Unknown` when there is no such repository.
 * @throws REGISTRY_REFUSED, ANSWER_INVALID, NETWORK_FAILED
 */
export async function listTags(request: ListRequest, repository: string): Promise<NameList | Denied | Unknown> {
  return await listPages(request, `/v2/${repository}/tags/list`, 'tags');
}

/**
 * Parses the name of a repository.
 * @returns `undefined` when no registry has a repository of this name.
 * @see https://distribution.github.io/distribution/spec/api/#overview
 */
export function parseRepositoryName(text: string): string | undefined {
  if (text.length > 255) return undefined;
  return text.split('/').every((part) => /^[a-z0-9][a-z0-9._-]*$/.test(part)) ? text : undefined;
}

async function listPages(request: ListRequest, path: string, key: string): Promise<NameList | Denied | Unknown> {
  const { http, registry, accessToken, limit } = request;
  const names: string[] = [];
  const visited = new Set<string>();
  let url = `https://${registry.host}${path}?n=${Math.min(limit, PAGE_SIZE)}`;
  for (let page = 1; page <= MAX_PAGES; page += 1) {
    visited.add(url);
    const response = await http.send({ method: 'GET', url, headers: { authorization: `Bearer ${accessToken}` } });
    if (response.status === 401) return { denied: describeRefusal(response) };
    if (response.status === 404) return { unknown: describeRefusal(response) };
    if (response.status !== 200) throw explainRefusal(registry, response);
    names.push(...readNames(registry, response, key));
    const next = findNextPage(registry, url, response.header('link'));
    if (names.length > limit || next === undefined) {
      return { names: names.slice(0, limit), isComplete: names.length <= limit && next === undefined };
    }
    if (names.length === limit) return { names, isComplete: false };
    // It would list the same names again and again.
    if (visited.has(next)) throw explainInvalid(registry, ['the next page of the list is one that came before']);
    url = next;
  }
  return { names, isComplete: false };
}

function readNames(registry: Registry, response: HttpResponse, key: string): readonly string[] {
  const names = parseJsonObject(response.body)?.[key];
  // An empty list is `null` in some registries.
  if (names === null) return [];
  if (!Array.isArray(names)) throw explainInvalid(registry, [describeResponse(response)]);
  return names.filter((name) => typeof name === 'string');
}

/**
 * Finds the next page in a `Link` header.
 * @returns `undefined` on the last page.
 * @throws ANSWER_INVALID when it is not a page of the same list: the access token must not go elsewhere.
 */
function findNextPage(registry: Registry, current: string, link: string | undefined): string | undefined {
  const target = /<([^<>]*)>;? *rel="?next\b/i.exec(link?.slice(0, MAX_LINK_CHARACTERS) ?? '')?.[1];
  if (target === undefined) return undefined;
  const url = parseUrl(target, current);
  const { origin, pathname } = new URL(current);
  if (url?.origin === origin && url.pathname === pathname) return `${origin}${pathname}${url.search}`;
  throw explainInvalid(registry, ['the next page of the list is on another server, or is not one of the list']);
}

function explainInvalid({ host }: Registry, causes: readonly string[]): CredentialError {
  return new CredentialError('ANSWER_INVALID', `${host} did not return a list`, {
    causes,
    hint: 'check HTTPS_PROXY; the response may come from a proxy',
  });
}
