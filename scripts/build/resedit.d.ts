/** What the build uses of resedit. The package's own types bring those of a browser into every file of the project. */

export interface ResourceEntry {
  type: string | number;
}

export class NtExecutable {
  static from(file: ArrayBufferView, options?: { ignoreCert?: boolean }): NtExecutable;
  setExtraData(data: ArrayBufferView | null): void;
  generate(): ArrayBuffer;
}

export class NtExecutableResource {
  static from(executable: NtExecutable): NtExecutableResource;
  entries: ResourceEntry[];
  outputResource(executable: NtExecutable): void;
}

interface FixedInfo {
  fileVersionMS: number;
  fileVersionLS: number;
  productVersionMS: number;
  productVersionLS: number;
  fileFlagsMask: number;
  fileFlags: number;
  fileOS: number;
  fileType: number;
  fileSubtype: number;
}

interface StringTable {
  lang: number;
  codepage: number;
  values: Record<string, string>;
}

interface VersionInfo {
  outputToResourceEntries(entries: ResourceEntry[]): void;
}

export const Resource: {
  readonly VersionInfo: {
    create(lang: number, fixedInfo: FixedInfo, strings: readonly StringTable[]): VersionInfo;
  };
};
