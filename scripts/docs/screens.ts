/**
 * `node scripts/docs/screens.ts [name…]` draws `docs/screens/NAME.svg`: what the built program shows in a terminal, with an
 * emulated Azure and a throw-away home. What differs between runs is masked, so that only a change of the program changes
 * a picture.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Cloud, LOGIN_SERVER, startCloud } from '../../test/e2e/world/cloud.ts';
import { createMachine, type Machine, type MachineOptions } from '../../test/e2e/world/machine.ts';
import { startTerminal, type TestTerminal } from '../../test/e2e/world/terminal.ts';
import { maskScreen } from './mask.ts';
import { parseStyled } from './styled.ts';
import { drawWindow } from './window.ts';

const FOLDER = join(import.meta.dirname, '../../docs/screens');
const NAME = 'docker-credential-acr';

/** The emulated Azure and the machine of a screen. */
interface World {
  readonly cloud: Cloud;
  readonly machine: Machine;
}

/** A picture. */
interface Screen {
  /** The file in `docs/screens`. */
  readonly name: string;
  readonly args: readonly string[];
  /** Whether the picture is drawn while the program waits, and not after its end. */
  readonly isWaiting?: boolean;
  readonly columns?: number;
  readonly machine?: MachineOptions;
  /** Changes to the machine's variables; `undefined` removes one. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** What happened before. */
  readonly prepare?: (world: World) => Promise<void>;
  /** What a person types and waits for. */
  readonly act?: (terminal: TestTerminal, world: World) => Promise<void>;
}

const SCREENS: readonly Screen[] = [
  { name: 'help', args: ['--help'] },
  {
    name: 'configure',
    args: ['configure', LOGIN_SERVER],
    machine: { credHelpers: ['fabrikam.azurecr.io'] },
    isWaiting: true,
    act: async (terminal) => {
      await terminal.waitFor(/\?[\s\S]*Yes/);
    },
  },
  {
    name: 'doctor',
    args: ['doctor', `${LOGIN_SERVER}/team/app`],
    machine: { identity: 'wrong secret' },
    columns: 110,
    prepare: ({ cloud }) => cloud.seed('team/app', '1'),
  },
  {
    name: 'status',
    args: ['status'],
    prepare: async ({ machine }) => {
      await machine.helper('get', LOGIN_SERVER);
    },
  },
  { name: 'login', args: ['login', LOGIN_SERVER, '--device-code'], machine: { identity: 'nobody' } },
];

async function drawScreen(cloud: Cloud, screen: Screen): Promise<string> {
  const machine = createMachine(cloud, screen.machine);
  try {
    await screen.prepare?.({ cloud, machine });
    const changed = { ...machine.environment, ...screen.environment };
    const environment = Object.fromEntries(
      Object.entries(changed).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
    );
    const terminal = await startTerminal({
      command: [join(machine.folder, 'bin', NAME), ...screen.args],
      environment,
      columns: screen.columns ?? 100,
      rows: 100,
      folder: join(machine.folder, 'home'),
    });
    try {
      await screen.act?.(terminal, { cloud, machine });
      if (screen.isWaiting !== true) await terminal.exitCode();
      const lines = parseStyled(maskScreen(await terminal.styled(), machine.folder));
      return drawWindow([NAME, ...screen.args].join(' '), [[], ...lines]);
    } finally {
      await terminal.close();
    }
  } finally {
    await machine.close();
  }
}

async function main(names: readonly string[]): Promise<void> {
  mkdirSync(FOLDER, { recursive: true });
  const wanted = SCREENS.filter(({ name }) => names.length === 0 || names.includes(name));
  const cloud = await startCloud();
  try {
    for (const screen of wanted) {
      const file = join(FOLDER, `${screen.name}.svg`);
      writeFileSync(file, await drawScreen(cloud, screen));
      process.stdout.write(`${file}\n`);
    }
  } finally {
    await cloud.close();
  }
}

await main(process.argv.slice(2));
