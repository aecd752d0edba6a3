/** The program's own folders for one run, so that many runs can start from the same state side by side. */
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readTextFile } from '../../../scripts/parts/command.ts';
import { parseJsonRecord, parseRecord, parseString } from '../../emulator/json.ts';
import type { Machine } from './machine.ts';
import { PROGRAM } from './parts.ts';
import { type RunOptions, type RunResult, runProcess } from './process.ts';

export interface Place {
  readonly folder: string;
  readonly cacheFolder: string;
  readonly dataFolder: string;
  readonly configFile: string;
  readonly logFile: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Runs the program as a client does. */
  readonly run: (verb: string, input?: string, options?: PlaceRunOptions) => Promise<TimedResult>;
  /** Waits until no process works in the folders, such as a renewal in the background. */
  readonly settle: () => Promise<void>;
  readonly remove: () => void;
}

export interface PlaceRunOptions {
  /** Changes to the environment; `undefined` removes a variable. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** The command and the arguments that start the program, which is added at the end together with the verb. */
  readonly launcher?: readonly string[];
  /** What follows the verb, for the commands that take arguments. */
  readonly args?: readonly string[];
  readonly timeoutMs?: number;
}

export interface TimedResult extends RunResult {
  readonly durationMs: number;
}

/** A file below the folders, with what it is to the program. */
export interface PlaceFile {
  /** Relative to the folder of the place. */
  readonly path: string;
  readonly kind: 'json' | 'temporary' | 'lock' | 'failure' | 'claim' | 'erasure' | 'log' | 'other';
  readonly text: string;
}

let created = 0;

/**
 * Creates the folders, with logins kept in the file.
 * @param template a place whose files are copied.
 * @param parentFolder the machine's own folder by default.
 */
export function createPlace(machine: Machine, template?: Place, parentFolder = machine.folder): Place {
  created += 1;
  const folder = join(parentFolder, `place-${created}`);
  const [cacheFolder, dataFolder] = [join(folder, 'cache'), join(folder, 'data')];
  const configFile = join(folder, 'config', 'docker-credential-acr', 'config.json');
  const logFile = join(folder, 'helper.log');
  if (template === undefined) {
    mkdirSync(join(folder, 'config', 'docker-credential-acr'), { recursive: true, mode: 0o700 });
    mkdirSync(join(folder, 'home'), { mode: 0o700 });
    writeFileSync(configFile, JSON.stringify({ store: 'file' }), { mode: 0o600 });
  } else {
    cpSync(template.folder, folder, { recursive: true });
    rmSync(logFile, { force: true });
  }
  const environment = {
    ...machine.environment,
    HOME: join(folder, 'home'),
    XDG_CONFIG_HOME: join(folder, 'config'),
    DOCKER_CREDENTIAL_ACR_CACHE_DIR: cacheFolder,
    DOCKER_CREDENTIAL_ACR_DATA_DIR: dataFolder,
    DOCKER_CREDENTIAL_ACR_LOG: logFile,
  };
  return {
    folder,
    cacheFolder,
    dataFolder,
    configFile,
    logFile,
    environment,
    run: async (
      verb,
      input = '',
      { environment: changes = {}, launcher = [], args: more = [], timeoutMs = 40_000 } = {},
    ) => {
      const [command = PROGRAM, ...args] = [...launcher, PROGRAM, verb, ...more];
      const merged = Object.entries({ ...environment, ...changes }).flatMap(([name, value]) =>
        value === undefined ? [] : [[name, value] as const],
      );
      const options: RunOptions = { environment: Object.fromEntries(merged), input, folder, timeoutMs };
      const startedAt = performance.now();
      const result = await runProcess(command, args, options);
      return { ...result, durationMs: Math.round(performance.now() - startedAt) };
    },
    settle: () => waitForProcesses(folder),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Lists the files of the program's cache and data folders, and its log. */
export function listFiles(place: Place): readonly PlaceFile[] {
  const files = [...listFolder(place.cacheFolder), ...listFolder(place.dataFolder), place.logFile];
  return files.filter(isRegularFile).flatMap((file) => {
    const text = readTextFile(file);
    const path = file.slice(place.folder.length + 1);
    return text === undefined ? [] : [{ path, kind: findKind(path), text }];
  });
}

/** The tokens of a registry in the cache. */
export function listTokens(place: Place, service: string): readonly string[] {
  return listFiles(place).flatMap(({ path, kind, text }) => {
    const entry = kind === 'json' && path.startsWith('cache/tokens/') ? parseJsonRecord(text) : undefined;
    return entry?.['service'] === service ? [parseString(entry['token']) ?? ''] : [];
  });
}

/** The passwords in the index of the stored logins, by server; `undefined` when the index is damaged. */
export function readPasswords(place: Place): Readonly<Record<string, string | undefined>> | undefined {
  const text = readTextFile(join(place.dataFolder, 'credentials.json'));
  if (text === undefined) return {};
  const credentials = parseRecord(parseJsonRecord(text)?.['credentials']);
  if (credentials === undefined) return undefined;
  return Object.fromEntries(
    Object.entries(credentials).map(([server, entry]) => [server, parseString(parseRecord(entry)?.['secret'])]),
  );
}

/** Finds files that others can open, and files that are torn. */
export function findStateProblems(place: Place): readonly string[] {
  const paths = [place.cacheFolder, place.dataFolder].flatMap((folder) => [folder, ...listFolder(folder)]);
  const open = [...paths, place.logFile].flatMap((path) => {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats === undefined) return [];
    const [mode, wanted] = [stats.mode & 0o777, stats.isDirectory() ? 0o700 : 0o600];
    return mode === wanted ? [] : [`${path.slice(place.folder.length + 1)} has the mode ${mode.toString(8)}`];
  });
  const torn = listFiles(place)
    .filter(({ kind, text }) => kind === 'json' && parseJsonRecord(text) === undefined)
    .map(({ path, text }) => `${path} is torn after ${text.length} characters`);
  return [...open, ...torn];
}

/** Finds what must not stay: temporary files, locks and anything unknown, and notes of a moment once they are old. */
export function listLeftovers(place: Place): readonly PlaceFile[] {
  return listFiles(place).filter(({ kind }) => !['json', 'log', 'erasure'].includes(kind));
}

/** Whether a file is a note that other processes may still read within the next minute. */
export function isBrief({ kind }: PlaceFile): boolean {
  return kind === 'failure' || kind === 'claim';
}

/** Makes leftovers of some kinds two minutes old. */
export function ageLeftovers(place: Place, ...kinds: readonly PlaceFile['kind'][]): void {
  const then = new Date(Date.now() - 120_000);
  for (const { path, kind } of listLeftovers(place)) {
    if (kinds.includes(kind)) utimesSync(join(place.folder, path), then, then);
  }
}

/** Waits until no process has a folder in its environment. */
async function waitForProcesses(folder: string): Promise<void> {
  if (!existsSync('/proc')) return;
  const isWorking = () =>
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .some((name) => readTextFile(`/proc/${name}/environ`)?.includes(folder));
  for (let tries = 0; isWorking(); tries += 1) {
    if (tries > 500) throw new Error(`A process still works in ${folder}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function findKind(path: string): PlaceFile['kind'] {
  if (path === 'helper.log') return 'log';
  if (path.endsWith('.tmp')) return 'temporary';
  if (path.endsWith('.failed')) return 'failure';
  if (/\.renewal-\d+$/.test(path)) return 'claim';
  if (path === 'cache/notes/erased') return 'erasure';
  if (/^cache\/locks\/|^data\/credentials\.lock\./.test(path)) return 'lock';
  return path.endsWith('.json') ? 'json' : 'other';
}

function listFolder(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name));
  } catch {
    return []; // it does not exist
  }
}

function isRegularFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}
