/** The names and addresses of the project, as package.json gives them. */

import manifest from '../../package.json' with { type: 'json' };

export const PROGRAM = 'docker-credential-acr';
export const SUMMARY = 'Docker credential helper for Azure Container Registry';
export const HOMEPAGE = manifest.homepage;
export const AUTHORS = manifest.author;
export const LICENCE = manifest.license;

/** Where the files of a version are downloaded. */
export function releaseUrl(version: string): string {
  return `${HOMEPAGE}/releases/download/v${version}`;
}
