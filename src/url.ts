/** Parses URLs that may be none. */

/**
 * Parses a URL, relative to a base if there is one. (Node 20 has no `URL.parse`.)
 * @returns `undefined` when it is not one.
 */
export function parseUrl(text: string, base?: string): URL | undefined {
  return URL.canParse(text, base) ? new URL(text, base) : undefined;
}
