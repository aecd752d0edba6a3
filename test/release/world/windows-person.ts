/** A person on Windows who has the npm package: a profile, an environment and the program, with an emulated Azure. */

import { mkdirSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { type Cloud, startCloud } from '../../e2e/world/cloud.ts';
import { findLeak } from '../../e2e/world/leak.ts';
import { CLIENT_ID, CLIENT_SECRET, TENANT_ID } from '../../emulator/state.ts';
import type { WindowsProgram } from './windows-program.ts';
import {
  hasWine,
  SYSTEM_FOLDER,
  startWindows,
  toWindowsPath,
  type Windows,
  type WindowsProcess,
  type WindowsResult,
} from './wine.ts';

type Variables = Readonly<Record<string, string | undefined>>;

export interface PersonRun {
  readonly input?: string;
  /** Changes to the person's environment; `undefined` removes a variable. */
  readonly environment?: Variables;
  readonly folder?: string;
  /** The program's purpose is to print a credential on stdout. */
  readonly printsSecret?: boolean;
}

export interface WindowsPerson {
  /** The profile, such as `C:\users\Jöhn Doe`. */
  readonly home: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Runs the program to its end, and fails when it prints a secret. */
  readonly run: (args: readonly string[], options?: PersonRun) => Promise<WindowsResult>;
  /** Runs `get`, which prints a credential. */
  readonly get: (server: string, options?: PersonRun) => Promise<WindowsResult>;
  /** Starts the program, which the test may kill. */
  readonly start: (args: readonly string[], options?: PersonRun) => WindowsProcess;
  /** Writes the program's configuration in the folder that Windows has for it. */
  readonly configure: (config: object) => void;
}

type Identity = 'service principal' | 'nobody';

interface Opened {
  readonly cloud: Cloud;
  readonly windows: Windows;
  readonly program: WindowsProgram;
}

/** What a test file has. It is there as soon as the tests run. */
export interface WindowsWorld extends Opened {
  /** @param identity what the environment says; a service principal by default. */
  readonly addPerson: (name: string, identity?: Identity) => WindowsPerson;
}

const SERVICE_PRINCIPAL = {
  AZURE_TENANT_ID: TENANT_ID,
  AZURE_CLIENT_ID: CLIENT_ID,
  AZURE_CLIENT_SECRET: CLIENT_SECRET,
};
/** Where everybody's programs are: on the path, with spaces and parentheses in it. */
export const TOOLS_FOLDER = 'C:\\Program Files (x86)\\Tools & Co';

/**
 * Starts Windows and the cloud before the tests of a file, and closes both after them. Where Wine is not installed, the
 * tests are skipped.
 * @param install puts the program there.
 */
export function openWindows(install: (windows: Windows) => Promise<WindowsProgram>): WindowsWorld {
  let opened: Opened | undefined;
  const closing: (() => Promise<void>)[] = [];
  beforeAll(async () => {
    if (!hasWine()) return;
    const [cloud, windows] = await Promise.all([startCloud(), startWindows()]);
    closing.push(windows.close, cloud.close);
    opened = { cloud, windows, program: await install(windows) };
    mkdirSync(windows.findHere(TOOLS_FOLDER), { recursive: true });
  });
  beforeEach((context) => {
    if (opened === undefined) context.skip('not installed: Wine');
  });
  afterEach(() => opened?.cloud.forget());
  afterAll(async () => {
    for (const close of closing) await close();
  });
  const world = () => {
    if (opened === undefined) throw new Error('Windows has not been started');
    return opened;
  };
  return {
    get cloud() {
      return world().cloud;
    },
    get windows() {
      return world().windows;
    },
    get program() {
      return world().program;
    },
    addPerson: (name, identity) => addPerson(world(), name, identity),
  };
}

function addPerson(
  { cloud, windows, program }: Opened,
  name: string,
  identity: Identity = 'service principal',
): WindowsPerson {
  const home = `C:\\users\\${name}`;
  const environment = {
    ...describeMachine(home, name),
    ...describeNetwork(cloud),
    ...(identity === 'nobody' ? {} : SERVICE_PRINCIPAL),
  };
  mkdirSync(windows.findHere(`${home}\\AppData\\Local\\Temp`), { recursive: true });
  const expectNoSecret = (text: string) => {
    expect(findLeak(text, [...cloud.emulator.secrets, CLIENT_SECRET])).toBe(undefined);
  };
  const start: WindowsPerson['start'] = (args, { environment: changes = {}, folder = home, ...options } = {}) => {
    const run = windows.start(program.file, {
      ...{ args: [...program.args, ...args], folder, environment: { ...environment, ...changes } },
      ...(options.input === undefined ? {} : { input: options.input }),
    });
    const ended = run.ended.then((result) => {
      if (options.printsSecret !== true) expectNoSecret(result.stdout);
      expectNoSecret(result.stderr);
      return result;
    });
    return { ...run, ended };
  };
  const run: WindowsPerson['run'] = (args, options) => start(args, options).ended;
  return {
    home,
    environment,
    start,
    run,
    get: (server, options) => run(['get'], { ...options, input: server, printsSecret: true }),
    configure: (config) => {
      windows.write(`${home}\\AppData\\Roaming\\docker-credential-acr\\Config\\config.json`, JSON.stringify(config));
    },
  };
}

/** The variables that Windows sets, with names as Windows writes them. */
function describeMachine(home: string, name: string): Readonly<Record<string, string>> {
  return {
    ComSpec: `${SYSTEM_FOLDER}\\system32\\cmd.exe`,
    SystemDrive: 'C:',
    SystemRoot: SYSTEM_FOLDER,
    PATHEXT: '.COM;.EXE;.BAT;.CMD',
    Path: `${SYSTEM_FOLDER}\\system32;${TOOLS_FOLDER}`,
    ProgramFiles: 'C:\\Program Files',
    'ProgramFiles(x86)': 'C:\\Program Files (x86)',
    USERPROFILE: home,
    USERNAME: name,
    APPDATA: `${home}\\AppData\\Roaming`,
    LOCALAPPDATA: `${home}\\AppData\\Local`,
    TEMP: `${home}\\AppData\\Local\\Temp`,
    TMP: `${home}\\AppData\\Local\\Temp`,
    NODE_SKIP_PLATFORM_CHECK: '1',
  };
}

/** What leads to the emulated Azure, with names as people write them on Linux. */
function describeNetwork({ emulator }: Cloud): Readonly<Record<string, string>> {
  return {
    https_proxy: emulator.proxyUrl,
    http_proxy: emulator.proxyUrl,
    no_proxy: '127.0.0.1,localhost',
    NODE_EXTRA_CA_CERTS: toWindowsPath(emulator.caFile),
    // Nothing listens there: the metadata service of a real machine is not asked.
    AZURE_POD_IDENTITY_AUTHORITY_HOST: 'http://127.0.0.1:9',
  };
}
