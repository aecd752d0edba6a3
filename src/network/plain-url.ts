/** Checks the URLs that receive requests with secrets. */

import { parseUrl } from '../url.ts';

/** What `parsePlainUrl` accepts besides an https URL without a query. */
export interface PlainUrlRules {
  /** The accepted protocols with their colon, such as `https:`. */
  readonly protocols?: readonly string[];
  /** Whether the URL may have a query. */
  readonly query?: boolean;
}

/**
 * Parses a URL that has no user name, no password and no fragment. By default it must be https without a query.
 * @returns `undefined` when the text is not such a URL.
 */
export function parsePlainUrl(
  text: string,
  { protocols = ['https:'], query = false }: PlainUrlRules = {},
): URL | undefined {
  const url = parseUrl(text.trim());
  if (url === undefined || !protocols.includes(url.protocol)) return undefined;
  if (url.username !== '' || url.password !== '' || url.hash !== '') return undefined;
  return query || url.search === '' ? url : undefined;
}

/** Formats a URL so that a path can be appended: without a query and without a trailing slash. */
export function formatBaseUrl({ origin, pathname }: URL): string {
  return `${origin}${trimSlashes(pathname)}`;
}

/** Removes the slashes at the end of a URL or a path. */
export function trimSlashes(url: string): string {
  let end = url.length;
  while (url.endsWith('/', end)) end -= 1;
  return url.slice(0, end);
}
