/** A throw-away machine: a home, a Docker configuration and the built program on PATH, with nothing of the real one. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readTextFile } from '../../../scripts/parts/command.ts';
import { CLIENT_ID, CLIENT_SECRET, TENANT_ID } from '../../emulator/state.ts';
import { type Cloud, LOGIN_SERVER } from './cloud.ts';
import { findLeak } from './leak.ts';
import { PROGRAM } from './parts.ts';
import { type RunOptions, type RunResult, runProcess, type Server, startProcess } from './process.ts';
import { createTemporaryFolder } from './temporary-folder.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface MachineOptions {
  /** The identity in the environment; a service principal by default. */
  readonly identity?: 'service principal' | 'wrong secret' | 'nobody';
  /** The hosts that the Docker configuration assigns to the program. */
  readonly credHelpers?: readonly string[];
}

export interface MachineRunOptions extends Omit<RunOptions, 'environment'> {
  /** Changes to the machine's environment; `undefined` removes a variable. */
  readonly environment?: Environment;
  /** The program's purpose is to print a credential on stdout. */
  readonly printsSecret?: boolean;
}

export interface Machine {
  readonly folder: string;
  readonly dockerConfigFile: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Runs a program to its end, and fails when it prints a secret. */
  readonly run: (command: string, args: readonly string[], options?: MachineRunOptions) => Promise<RunResult>;
  /** Runs the program under test as Docker does. */
  readonly helper: (verb: string, input?: string, options?: MachineRunOptions) => Promise<RunResult>;
  /** Starts a program that stops with the machine. */
  readonly start: (command: string, args: readonly string[], options?: MachineRunOptions) => Server;
  /**
   * Writes the program's configuration.
   * @returns the variable that names it.
   */
  readonly configure: (config: object) => Readonly<Record<string, string>>;
  /** Adds a step before the folder is removed; the latest step comes first. */
  readonly beforeClose: (end: () => Promise<void>) => void;
  /** The program's log, which must be free of secrets too. */
  readonly log: () => string;
  /** Ends everything and removes the folder; fails when a log or a server's output holds a secret. */
  readonly close: () => Promise<void>;
}

const IDENTITIES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'service principal': { AZURE_TENANT_ID: TENANT_ID, AZURE_CLIENT_ID: CLIENT_ID, AZURE_CLIENT_SECRET: CLIENT_SECRET },
  'wrong secret': { AZURE_TENANT_ID: TENANT_ID, AZURE_CLIENT_ID: CLIENT_ID, AZURE_CLIENT_SECRET: 'wrong-secret-Q~x' },
};

export function createMachine(cloud: Cloud, options: MachineOptions = {}): Machine {
  const { identity = 'service principal', credHelpers = [LOGIN_SERVER] } = options;
  const { path: folder, remove } = createTemporaryFolder('acr-');
  for (const name of ['bin', 'home', 'docker', 'run', 'tmp']) mkdirSync(join(folder, name), { mode: 0o700 });
  symlinkSync(PROGRAM, join(folder, 'bin', 'docker-credential-acr'));
  const dockerConfigFile = join(folder, 'docker', 'config.json');
  writeFileSync(dockerConfigFile, writeDockerConfig(credHelpers), { mode: 0o600 });
  const logFile = join(folder, 'helper.log');

  const environment: Readonly<Record<string, string>> = {
    PATH: `${join(folder, 'bin')}:/usr/sbin:/usr/bin:/sbin:/bin`,
    HOME: join(folder, 'home'),
    LANG: 'C.UTF-8',
    TMPDIR: join(folder, 'tmp'),
    XDG_RUNTIME_DIR: join(folder, 'run'),
    DOCKER_CONFIG: join(folder, 'docker'),
    DOCKER_CREDENTIAL_ACR_CACHE_DIR: join(folder, 'cache'),
    DOCKER_CREDENTIAL_ACR_LOG: logFile,
    // Nothing listens there: the metadata service of a real machine is not asked.
    AZURE_POD_IDENTITY_AUTHORITY_HOST: 'http://127.0.0.1:9',
    ...cloud.emulator.environment(),
    ...IDENTITIES[identity],
  };
  const secrets = () => [...cloud.emulator.secrets, ...Object.values(IDENTITIES).flatMap(listClientSecret)];
  const check = (where: string, text: string) => {
    const leak = findLeak(text, secrets());
    if (leak !== undefined) throw new Error(`${where} holds ${leak}`);
  };
  const servers: Server[] = [];
  const ends: (() => Promise<void>)[] = [];
  const log = () => readTextFile(logFile) ?? '';
  const complete = (given: MachineRunOptions): RunOptions => ({
    folder: join(folder, 'home'),
    ...given,
    environment: mergeEnvironment(environment, given.environment),
  });

  const run: Machine['run'] = async (command, args, given = {}) => {
    const result = await runProcess(command, args, complete(given));
    const name = `${command} ${args.join(' ')}`;
    check(`the command line of ${command}`, name);
    if (given.printsSecret !== true) check(`stdout of ${name}`, result.stdout);
    check(`stderr of ${name}`, result.stderr);
    return result;
  };

  return {
    folder,
    dockerConfigFile,
    environment,
    run,
    helper: (verb, input = '', given = {}) =>
      run(join(folder, 'bin', 'docker-credential-acr'), [verb], { input, printsSecret: verb === 'get', ...given }),
    start: (command, args, given = {}) => {
      const server = startProcess(command, args, complete(given));
      servers.push(server);
      ends.push(server.stop);
      return server;
    },
    configure: (config) => {
      const file = join(folder, 'settings.json');
      writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
      return { DOCKER_CREDENTIAL_ACR_CONFIG: file };
    },
    beforeClose: (end) => ends.push(end),
    log,
    close: async () => {
      try {
        for (const end of ends.toReversed()) await end();
        for (const server of servers) check('the output of a server', server.output());
        check('the log', log());
      } finally {
        remove();
      }
    },
  };
}

/** The Docker configuration that assigns these hosts to the program. */
export function writeDockerConfig(hosts: readonly string[]): string {
  return JSON.stringify({ credHelpers: Object.fromEntries(hosts.map((host) => [host, 'acr'])) }, undefined, 2);
}

function mergeEnvironment(
  base: Readonly<Record<string, string>>,
  changes: Environment = {},
): Readonly<Record<string, string>> {
  const merged: Record<string, string> = {};
  for (const [name, value] of Object.entries({ ...base, ...changes })) if (value !== undefined) merged[name] = value;
  return merged;
}

function listClientSecret(identity: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(identity).flatMap(([name, value]) => (name === 'AZURE_CLIENT_SECRET' ? [value] : []));
}
