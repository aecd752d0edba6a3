/** What `doctor` is asked about: a registry, and perhaps a repository in it. */

/** A registry, and perhaps a repository. */
export interface Target {
  /** The host as it was typed, without a scheme: clients compare it letter by letter. */
  readonly host: string;
  /** Without a tag or a digest; `undefined` for the registry alone. */
  readonly repository: string | undefined;
}

const MAX_LENGTH = 500;

/**
 * Parses `HOST[/REPOSITORY]`. A scheme, a tag and a digest, which people paste with it, are left out.
 * @returns `undefined` when it names no host.
 */
export function parseTarget(text: string): Target | undefined {
  const plain = text.trim().replace(/^https?:\/\//i, '');
  if (plain.length > MAX_LENGTH || /[\s\p{Cc}]/u.test(plain)) return undefined;
  const slash = plain.indexOf('/');
  const host = slash < 0 ? plain : plain.slice(0, slash);
  const path = slash < 0 ? '' : plain.slice(slash + 1);
  const [name = ''] = path.split('@');
  const colon = name.lastIndexOf(':');
  const repository = (colon < 0 ? name : name.slice(0, colon)).replace(/\/$/, '');
  return host === '' ? undefined : { host, repository: repository === '' ? undefined : repository };
}
