/** URLs that requests with secrets are sent to. */

export interface PlainUrlRules {
  /** Such as `https:`. */
  readonly protocols?: readonly string[];
  /** Whether it may have a query. */
  readonly query?: boolean;
}

/**
 * Reads a URL without user name, password and fragment; with https and without a query unless the rules say otherwise.
 * @returns `undefined` when it is not one.
 */
export function parsePlainUrl(
  text: string,
  { protocols = ['https:'], query = false }: PlainUrlRules = {},
): URL | undefined {
  const url = URL.parse(text.trim());
  if (url === null || !protocols.includes(url.protocol)) return undefined;
  if (url.username !== '' || url.password !== '' || url.hash !== '') return undefined;
  return query || url.search === '' ? url : undefined;
}

/** A URL as the beginning of others: without query, and without a slash at its end. */
export function formatBaseUrl({ origin, pathname }: URL): string {
  return `${origin}${pathname.replace(/\/+$/, '')}`;
}
