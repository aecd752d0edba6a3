/** Gives an executable for Windows its own version information, in place of that of Node. */

import { readFile, writeFile } from 'node:fs/promises';
import { NtExecutable, NtExecutableResource, Resource } from 'resedit';
import manifest from '../../package.json' with { type: 'json' };
import { AUTHORS, PROGRAM, SUMMARY } from '../release/project.ts';

/** What the executable says of itself. */
export interface WindowsVersion {
  /** Such as `0.1.0` or `0.1.0-rc.1`. */
  readonly version: string;
  /** The version of the Node in it. */
  readonly nodeVersion: string;
}

const ENGLISH = { lang: 1033, codepage: 1200 };
const ICON = 3;
const ICON_GROUP = 14;
/** `VS_FIXEDFILEINFO`: a program for Windows; flags that are not set. */
const FIXED = { fileFlagsMask: 0x3f, fileFlags: 0, fileOS: 0x4_0004, fileType: 1, fileSubtype: 0 };

/**
 * Describes the file in place.
 * @throws when it is not an executable for Windows.
 */
export async function describeFile(path: string, nodeVersion: string): Promise<void> {
  await writeFile(path, describeExecutable(await readFile(path), { version: manifest.version, nodeVersion }));
}

/**
 * @returns a copy that names this project and its version. It has no icon of Node's, no entry for the signature of its
 * Node, which injecting the program has broken, and a valid checksum. It can be signed.
 * @throws when it is not an executable for Windows.
 * @see https://learn.microsoft.com/windows/win32/menurc/versioninfo-resource
 */
export function describeExecutable(file: Buffer, { version, nodeVersion }: WindowsVersion): Buffer {
  const executable = NtExecutable.from(file, { ignoreCert: true });
  // After the sections is at most a rest of the signature.
  executable.setExtraData(null);
  const resources = NtExecutableResource.from(executable);
  resources.entries = resources.entries.filter(({ type }) => type !== ICON && type !== ICON_GROUP);
  const [major = 0, minor = 0, patch = 0] = version.split(/[.-]/).map(Number);
  const [highWord, lowWord] = [major * 0x1_0000 + minor, patch * 0x1_0000];
  const information = Resource.VersionInfo.create(
    ENGLISH.lang,
    {
      ...FIXED,
      ...{ fileVersionMS: highWord, fileVersionLS: lowWord },
      ...{ productVersionMS: highWord, productVersionLS: lowWord },
    },
    [{ ...ENGLISH, values: describeProject(version, nodeVersion) }],
  );
  information.outputToResourceEntries(resources.entries);
  resources.outputResource(executable);
  return Buffer.from(executable.generate());
}

function describeProject(version: string, nodeVersion: string): Record<string, string> {
  const authors = AUTHORS.replace(/ <.*/, '');
  return {
    CompanyName: authors,
    FileDescription: SUMMARY,
    FileVersion: version,
    InternalName: PROGRAM,
    LegalCopyright: `Copyright ${authors}. Contains Node.js, copyright Node.js contributors.`,
    OriginalFilename: `${PROGRAM}.exe`,
    ProductName: PROGRAM,
    ProductVersion: version,
    Comments: `Contains Node.js ${nodeVersion}`,
  };
}
