/** Registries whose images are pulled from a mirror, with the credential of the mirror. */

import { CredentialError } from '../errors.ts';

/** A registry, and the registry of Azure from which its images are pulled. */
export interface RegistryMirror {
  /** The beginning of the images' names: a host, with or without a port and a path. */
  readonly source: string;
  /** The login server of the mirror. */
  readonly target: string;
}

const HOST = String.raw`[A-Za-z0-9][A-Za-z0-9.-]*(?::\d{1,5})?`;
const PATH = '(?:/[A-Za-z0-9._/-]*)?';
const PAIR = `^(?<source>(?:${HOST}|\\[[0-9A-Fa-f:.]+\\](?::\\d{1,5})?)${PATH}):(?<target>${HOST})${PATH}$`;

/**
 * Reads pairs such as `mcr.microsoft.com:myregistry.azurecr.io`, separated by commas. Each of the two may have a port and
 * a path; that of the mirror is ignored.
 * @throws CONFIG_INVALID
 */
export function parseMirrors(text: string): readonly RegistryMirror[] {
  const pairs = text.replaceAll(' ', '').split(',');
  return pairs.filter((pair) => pair !== '').map(parsePair);
}

function parsePair(pair: string): RegistryMirror {
  const { source, target } = new RegExp(PAIR).exec(pair)?.groups ?? {};
  if (source !== undefined && target !== undefined) return { source: source.replace(/\/$/, ''), target };
  throw new CredentialError('CONFIG_INVALID', `Cannot use --registry-mirror: "${pair}" is not a pair of registries`, {
    hint: 'write it as SOURCE:MIRROR, such as mcr.microsoft.com:myregistry.azurecr.io',
  });
}

/**
 * Finds the mirror of an image: that of the longest source. The case of letters does not matter.
 * @returns `undefined` when the image is pulled from its own registry.
 */
export function findMirror(mirrors: readonly RegistryMirror[], image: string): RegistryMirror | undefined {
  const name = `${image.toLowerCase()}/`;
  return mirrors
    .filter(({ source }) => name.startsWith(`${source.toLowerCase()}/`))
    .sort((a, b) => b.source.length - a.source.length)[0];
}

/** Whether only some images of a registry have a certain mirror, so that no credential is for all of them. */
export function hasPartialMirror(mirrors: readonly RegistryMirror[], registry: string): boolean {
  return mirrors.some(({ source }) => source.toLowerCase().startsWith(`${registry.toLowerCase()}/`));
}
