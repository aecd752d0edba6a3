/** The manifests for winget. @see https://learn.microsoft.com/windows/package-manager/package/manifest */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { AUTHORS, HOMEPAGE, LICENCE, PROGRAM, SUMMARY } from './project.ts';
import {
  findArchives,
  formatMissingArchives,
  type PublishedArchive,
  type PublishedArchives,
} from './published-archive.ts';
import type { Release, StepResult } from './release.ts';

const TARGETS = ['windows-x64', 'windows-arm64'] as const;
const EXTENSION = '.zip';
const IDENTIFIER = 'DockerCredentialAcr.DockerCredentialAcr';
const LOCALE = 'en-US';
const SCHEMA_VERSION = '1.12.0';

/** Writes the three manifests when the release has both archives for Windows. */
export async function makeWingetManifests(release: Release): Promise<StepResult> {
  const found = findArchives(release, TARGETS, EXTENSION);
  if ('missing' in found) {
    return { files: [], skipped: [formatMissingArchives('winget manifests', found.missing, EXTENSION)] };
  }
  const manifests = [
    { file: `${IDENTIFIER}.yaml`, type: 'version', content: { DefaultLocale: LOCALE } },
    { file: `${IDENTIFIER}.installer.yaml`, type: 'installer', content: describeInstallers(release, found.archives) },
    { file: `${IDENTIFIER}.locale.${LOCALE}.yaml`, type: 'defaultLocale', content: describePackage(release.version) },
  ];
  for (const { file, type, content } of manifests) {
    await writeFile(join(release.output, file), formatManifest(type, release.version, content));
  }
  return { files: manifests.map(({ file }) => file) };
}

/** The executable runs as it is: winget unpacks it, and puts a link to it on PATH. */
function describeInstallers(
  { epochSeconds }: Release,
  archives: PublishedArchives<(typeof TARGETS)[number]>,
): Readonly<Record<string, unknown>> {
  return {
    InstallerType: 'zip',
    NestedInstallerType: 'portable',
    Commands: [PROGRAM],
    ReleaseDate: new Date(epochSeconds * 1000).toISOString().slice(0, 10),
    Installers: [
      describeInstaller('x64', archives['windows-x64']),
      describeInstaller('arm64', archives['windows-arm64']),
    ],
  };
}

function describeInstaller(architecture: string, { url, sum, folder }: PublishedArchive) {
  return {
    Architecture: architecture,
    InstallerUrl: url,
    InstallerSha256: sum.toUpperCase(),
    NestedInstallerFiles: [{ RelativeFilePath: `${folder}\\${PROGRAM}.exe`, PortableCommandAlias: PROGRAM }],
  };
}

function describePackage(version: string): Readonly<Record<string, unknown>> {
  return {
    PackageLocale: LOCALE,
    Publisher: AUTHORS.replace(/ <.*>$/, ''),
    PublisherSupportUrl: `${HOMEPAGE}/issues`,
    PackageName: PROGRAM,
    PackageUrl: HOMEPAGE,
    License: LICENCE,
    LicenseUrl: `${HOMEPAGE}/blob/v${version}/LICENSE`,
    ShortDescription: SUMMARY,
    Moniker: PROGRAM,
    Tags: ['acr', 'azure', 'container-registry', 'credential-helper', 'docker'],
    ReleaseNotesUrl: `${HOMEPAGE}/releases/tag/v${version}`,
  };
}

/** The comment lets editors check the file. */
function formatManifest(type: string, version: string, content: Readonly<Record<string, unknown>>): string {
  const schema = `https://aka.ms/winget-manifest.${type}.${SCHEMA_VERSION}.schema.json`;
  const manifest = {
    PackageIdentifier: IDENTIFIER,
    PackageVersion: version,
    ...content,
    ManifestType: type,
    ManifestVersion: SCHEMA_VERSION,
  };
  return `# yaml-language-server: $schema=${schema}\n\n${stringify(manifest, { lineWidth: 0, indentSeq: false })}`;
}
