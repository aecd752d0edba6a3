/** Installs the npm package of the release, as people do it, without a network. */
import { join } from 'node:path';
import { findProgram } from '../../../scripts/parts/command.ts';
import { isMuslNodeInstalled, MUSL_NODE_FOLDER, MUSL_NODE_VERSION } from '../../../scripts/parts/musl-node.ts';
import { findNodeFolder, isNodeInstalled, NODE_VERSIONS } from '../../../scripts/parts/node-versions.ts';
import { runProcess } from '../../e2e/world/process.ts';
import { createTemporaryFolder, type TemporaryFolder } from '../../e2e/world/temporary-folder.ts';
import { findReleased } from './trial.ts';

/** A folder into which npm can install. */
export interface NpmFolder extends TemporaryFolder {
  /** Runs npm in the folder. @throws when it fails. */
  readonly npm: (...args: readonly string[]) => Promise<void>;
}

export const PACKAGE = findReleased(/^docker-credential-acr-[\d.]+\.tgz$/);

/** Creates an empty folder for npm. */
export function createNpmFolder(): NpmFolder {
  const folder = createTemporaryFolder('acr-npm-');
  const npm = async (...args: readonly string[]) => {
    const program = findProgram('npm');
    if (program === undefined) throw new Error('There is no npm');
    const options = ['--offline', '--no-audit', '--no-fund', '--no-update-notifier'];
    const result = await runProcess(program, [...args, ...options], {
      folder: folder.path,
      environment: {
        PATH: '/usr/local/bin:/usr/bin:/bin',
        HOME: join(folder.path, 'home'),
        npm_config_cache: join(folder.path, 'cache'),
        npm_config_prefix: join(folder.path, 'prefix'),
      },
    });
    if (result.exitCode !== 0) throw new Error(`npm ${args.join(' ')}: ${result.stdout}${result.stderr}`);
  };
  return { ...folder, npm };
}

/** Each Node that is installed: its version, with the C library if that is not the usual one, and its folder. */
export const NODES: readonly (readonly [name: string, folder: string])[] = [
  ...NODE_VERSIONS.filter(isNodeInstalled).map((version) => [version, findNodeFolder(version)] as const),
  [process.versions.node, join(process.execPath, '..')],
  ...(isMuslNodeInstalled() ? [[`${MUSL_NODE_VERSION} with musl`, MUSL_NODE_FOLDER] as const] : []),
];

/** Those that a test wants and that are not installed. */
export const MISSING_NODES = [
  ...NODE_VERSIONS.filter((version) => !isNodeInstalled(version)),
  ...(isMuslNodeInstalled() ? [] : [`${MUSL_NODE_VERSION} with musl`]),
];
