/** A machine with the configuration files of clients, for tests. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Runtime } from '../../../../src/system/runtime.ts';
import { makeRuntime } from '../../runtime.ts';
import { useTemporaryFolder } from '../../temporary-folder.ts';

/** Where the files of the clients are on it. */
export const [DOCKER, PODMAN, PODMAN_RUN, HELM] = [
  'home/.docker/config.json',
  'home/.config/containers/auth.json',
  'run/containers/auth.json',
  'home/.config/helm/registry/config.json',
];

export interface ClientMachine {
  readonly path: (...names: string[]) => string;
  /** Writes a file with its folder. @returns its path. */
  readonly write: (name: string, text?: string, mode?: number) => string;
  readonly runtime: (env?: Readonly<Record<string, string>>) => Runtime;
}

/** Call it at the top of a test file; each test has a new machine. */
export function useClientMachine(): ClientMachine {
  const { path } = useTemporaryFolder();
  return {
    path,
    write: (name, text = '{}', mode = 0o600) => {
      const file = path(name);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
      chmodSync(file, mode);
      return file;
    },
    runtime: (env = {}) => makeRuntime({ HOME: path('home'), XDG_RUNTIME_DIR: path('run'), PATH: path('bin'), ...env }),
  };
}
