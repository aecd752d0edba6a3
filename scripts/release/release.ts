/** What every step of a release knows, and what it returns. */

import type { Target } from '../build/target.ts';
import type { DebianPackage } from './debian-package.ts';

/** An executable of the release, and what is shipped with it. */
export interface ReleasedExecutable {
  readonly target: Target;
  readonly path: string;
  readonly nodeVersion: string;
  /** The licences of everything that is in the executable. */
  readonly licencesPath: string;
  /** `libatomic.so.1`, which the executable finds beside itself; on Linux only. */
  readonly libraryPath?: string;
  /** The package of Debian that has this library. */
  readonly libraryPackage?: DebianPackage;
  /** The files whose code is in the executable, relative to the checkout. */
  readonly codeFiles: readonly string[];
}

/** What people read and what shells load. It is the same on every platform. */
export interface Documents {
  /** `docker-credential-acr.1`. */
  readonly manPagePath: string;
  /** By shell. */
  readonly completionPaths: Readonly<Record<'bash' | 'zsh' | 'fish' | 'powershell', string>>;
}

export interface Release {
  /** The checkout. */
  readonly root: string;
  readonly version: string;
  /** The first twelve digits of the commit. */
  readonly commit: string;
  /** The only time that anything in a release carries, in seconds since 1970. */
  readonly epochSeconds: number;
  /** Where the files of the release go. */
  readonly output: string;
  /** A folder for everything else. It is removed at the end. */
  readonly scratch: string;
  /** Compress as little as possible: for a release that is only tried. */
  readonly isFast: boolean;
  readonly executables: readonly ReleasedExecutable[];
  readonly documents: Documents;
  /** The files that earlier steps have made, with their SHA-256 in hexadecimal digits. */
  readonly sums: ReadonlyMap<string, string>;
}

/** What a step has made. */
export interface StepResult {
  /** The names of the new files in the output folder. */
  readonly files: readonly string[];
  /** What was left out, and why; one line each. */
  readonly skipped?: readonly string[];
}

export interface Step {
  /** What it makes, as the report calls it. */
  readonly name: string;
  /** @throws when it cannot be made; the message says what to install. */
  readonly make: (release: Release) => Promise<StepResult>;
}
