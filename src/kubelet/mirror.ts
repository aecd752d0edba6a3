/** Registries whose images are pulled from a mirror, with the credential of the mirror. */

import { CredentialError } from '../errors.ts';

/** A registry, and the registry of Azure from which its images are pulled. */
export interface RegistryMirror {
  /** The beginning of the images' names: a host, with or without a port and a path. */
  readonly source: string;
  /** The login server of the mirror. */
  readonly target: string;
}

const HOST = String.raw`[A-Za-z0-9][A-Za-z0-9.-]*(?::\d{1,5})?(?:/[A-Za-z0-9._/-]*)?`;

/**
 * Reads pairs such as `mcr.microsoft.com:myregistry.azurecr.io`, separated by commas. Each of the two may have a port.
 * @throws CONFIG_INVALID
 */
export function parseMirrors(text: string): readonly RegistryMirror[] {
  const pairs = text.replaceAll(' ', '').split(',');
  return pairs.filter((pair) => pair !== '').map(parsePair);
}

function parsePair(pair: string): RegistryMirror {
  const { source, target } = new RegExp(`^(?<source>${HOST}):(?<target>${HOST})$`).exec(pair)?.groups ?? {};
  if (source === undefined || target === undefined) {
    throw new CredentialError(
      'CONFIG_INVALID',
      `Cannot use --registry-mirror: "${pair.slice(0, 100)}" is not a pair of registries`,
      { hint: 'write it as SOURCE:MIRROR, such as mcr.microsoft.com:myregistry.azurecr.io' },
    );
  }
  return { source: source.replace(/\/$/, ''), target: target.split('/', 1)[0] ?? '' };
}

/**
 * Finds the mirror of an image: that of the longest source.
 * @returns `undefined` when the image is pulled from its own registry.
 */
export function findMirror(mirrors: readonly RegistryMirror[], image: string): RegistryMirror | undefined {
  return mirrors
    .filter(({ source }) => image === source || image.startsWith(`${source}/`))
    .sort((a, b) => b.source.length - a.source.length)[0];
}
