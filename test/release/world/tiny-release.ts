/** A release of executables of a few bytes, whose archives and packages take no time to make. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TARGETS } from '../../../scripts/build/target.ts';
import type { Release, ReleasedExecutable } from '../../../scripts/release/release.ts';

const ROOT = join(import.meta.dirname, '../../..');
/** An odd second in a year that is over: nothing else has this time. */
export const EPOCH_SECONDS = 1_600_000_001;

export interface TinyReleaseOptions {
  /** All of them by default. */
  readonly targets?: readonly string[];
  readonly version?: string;
  /** The mode of every file that goes in. */
  readonly mode?: number;
  readonly isFast?: boolean;
}

/** Writes what goes into the archives and packages below a folder, which also gets those. */
export function makeTinyRelease(folder: string, options: TinyReleaseOptions = {}): Release {
  const { version = '0.1.0', mode = 0o644, isFast = false } = options;
  const targets = TARGETS.filter(({ name }) => options.targets?.includes(name) ?? true);
  const write = (name: string, text: string) => {
    const path = join(folder, 'input', name);
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, text);
    chmodSync(path, mode);
    return path;
  };
  const executables = targets.map((target): ReleasedExecutable => {
    const executable = {
      target,
      path: write(
        `${target.name}/executable`,
        `#!/bin/sh\necho "docker-credential-acr ${version} of ${target.name}"\n`,
      ),
      nodeVersion: '26.10.0',
      licencesPath: write(`${target.name}/licences`, 'Copyright (c) 2020 Somebody\n'),
    };
    const hasLibrary = target.os === 'linux';
    return hasLibrary ? { ...executable, libraryPath: write(`${target.name}/library`, 'library') } : executable;
  });
  const [output, scratch] = [join(folder, 'output'), join(folder, 'scratch')];
  for (const path of [output, scratch]) mkdirSync(path, { recursive: true });
  return {
    root: ROOT,
    version,
    commit: '0123456789ab',
    epochSeconds: EPOCH_SECONDS,
    output,
    scratch,
    isFast,
    executables,
    documents: {
      manPagePath: write('man', '.TH DOCKER-CREDENTIAL-ACR 1\n.SH NAME\ndocker-credential-acr - signs in\n'),
      completionPaths: {
        bash: write('bash', '# bash\n'),
        zsh: write('zsh', '#compdef docker-credential-acr\n'),
        fish: write('fish', '# fish\n'),
        powershell: write('powershell', '# PowerShell\n'),
      },
    },
    sums: new Map(),
  };
}
