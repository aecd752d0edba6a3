/** Every call of `configure` and `unconfigure` on a file fails once, or ends the process once. */
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readTextFile } from '../../scripts/parts/command.ts';
import { LOGIN_SERVER } from './world/cloud.ts';
import { FAULT_PART, SHARES } from './world/fault-cases.ts';
import type { Machine } from './world/machine.ts';
import { needParts } from './world/parts.ts';
import { createPlace, type Place, type PlaceRunOptions } from './world/place.ts';
import type { RunResult } from './world/process.ts';
import { type FileCall, type Injection, injectAt, traceCalls } from './world/strace.ts';
import { openCloud } from './world/test-cloud.ts';

const cloud = await openCloud();
const BEFORE = `{\n\t"auths": {\n\t\t"ghcr.io": {\n\t\t\t"auth": "eDp5"\n\t\t}\n\t},\n\t"credHelpers": { }\n}`;
const ENTRY = `\n\t\t"${LOGIN_SERVER}": "acr"\n\t`;
const AFTER = BEFORE.replace('{ }', `{${ENTRY}}`);
const NEW = `{\n\t"credHelpers": {${ENTRY}}\n}`;
/** The calls that can change a file or a folder. */
const CHANGING = /^(openat|write|pwrite64|fchmod|fchown|fsync|close|rename|renameat2?|unlink|unlinkat|rmdir|mkdir)$/;
const ERRORS: Readonly<Record<string, readonly string[]>> = {
  openat: ['EACCES', 'ENOSPC', 'EROFS'],
  write: ['ENOSPC', 'EIO'],
  fchmod: ['EPERM'],
  rename: ['EBUSY', 'EXDEV', 'ESTALE'],
  mkdir: ['EROFS'],
};
/** To be killed before any other call is to be killed before the next of these. */
const KILLED_AT = /^(write|pwrite64|rename|renameat2?|unlink|unlinkat|rmdir|mkdir)$/;
/** Of the program's own files, it matters where a name appears or disappears. */
const KILLED_AT_OWN = /^(rename|renameat2?|unlink|unlinkat)$/;

interface Flow {
  readonly name: string;
  readonly verb: 'configure' | 'unconfigure';
  readonly text: string | undefined;
  /** Whether `configure` runs first, so that there is something to undo. */
  readonly isConfigured: boolean;
  readonly texts: readonly (string | undefined)[];
}

const FLOWS: readonly Flow[] = [
  { name: 'configure', verb: 'configure', text: BEFORE, isConfigured: false, texts: [BEFORE, AFTER] },
  {
    name: 'configure without a file',
    verb: 'configure',
    text: undefined,
    isConfigured: false,
    texts: [undefined, NEW],
  },
  { name: 'unconfigure', verb: 'unconfigure', text: BEFORE, isConfigured: true, texts: [AFTER, BEFORE] },
  {
    name: 'unconfigure of a new file',
    verb: 'unconfigure',
    text: undefined,
    isConfigured: true,
    texts: [NEW, undefined],
  },
];

const OPTIONS: PlaceRunOptions = {
  args: [LOGIN_SERVER, '--yes'],
  environment: { DOCKER_CONFIG: undefined, DOCKER_CREDENTIAL_ACR_LOG: undefined },
};
const configOf = (place: Place) => readTextFile(join(place.folder, 'home', '.docker', 'config.json'));

/** Everything in the folder of the configuration but the file itself. */
function listBeside(place: Place): readonly string[] {
  const folder = join(place.folder, 'home', '.docker');
  if (statSync(folder, { throwIfNoEntry: false }) === undefined) return [];
  return readdirSync(folder).filter((name) => name !== 'config.json');
}

async function prepare({ text, isConfigured }: Flow, machine: Machine): Promise<Place> {
  const template = createPlace(machine);
  if (text !== undefined) {
    mkdirSync(join(template.folder, 'home', '.docker'), { mode: 0o700 });
    writeFileSync(join(template.folder, 'home', '.docker', 'config.json'), text, { mode: 0o640 });
  }
  if (isConfigured) expect(await template.run('configure', '', OPTIONS)).toMatchObject({ exitCode: 0 });
  return template;
}

it.for(FLOWS)(
  '$name leaves one of two texts, whichever call fails and whenever it is killed',
  async (flow, context) => {
    needParts(context, 'strace');
    const machine = cloud.addMachine();
    const template = await prepare(flow, machine);
    const newPlace = () => copyPlace(machine, template);
    const traced = newPlace();
    const { result, calls } = await traceCalls(traced, flow.verb, '', OPTIONS);
    expect(result).toMatchObject({ exitCode: 0 });
    expect([configOf(traced), listBeside(traced)]).toEqual([flow.texts[1], []]);
    const cases = listCases(calls).filter(
      (_case, index) => FAULT_PART === 'all' || index % SHARES === Number(FAULT_PART),
    );
    const problems: string[] = [];
    const queue = cases.values();
    const work = async () => {
      for (const { index, injection } of queue) {
        const run = { newPlace, verb: flow.verb, input: '', options: OPTIONS, calls, index, injection };
        const { place, result: faulted } = await injectAt(run);
        const { name, path } = calls[index] ?? {};
        const found = await judge(flow, place, faulted, injection);
        problems.push(...found.map((problem) => `${name} ${path} ${Object.values(injection)}: ${problem}`));
        place.remove();
      }
    };
    await Promise.all([work(), work()]);
    expect(problems).toEqual([]);
    expect(cases.length).toBeGreaterThan(3);
  },
);

/** The records name files by their path, which differs between places. */
function copyPlace(machine: Machine, template: Place): Place {
  const place = createPlace(machine, template);
  const records = join(place.dataFolder, 'clients.json');
  const text = readTextFile(records);
  if (text !== undefined) writeFileSync(records, text.replaceAll(template.folder, place.folder), { mode: 0o600 });
  return place;
}

function listCases(calls: readonly FileCall[]): readonly { index: number; injection: Injection }[] {
  const isChange = ({ name, isCreating }: FileCall) => isCreating || (name !== 'openat' && CHANGING.test(name));
  return calls.flatMap((call, index) => {
    const [before] = calls.slice(0, index).slice(-1);
    if (!isChange(call) || (before?.name === call.name && before.path === call.path)) return [];
    const isClient = call.path.startsWith('home/.docker');
    const errors = isClient ? (ERRORS[call.name] ?? ['EIO']) : [];
    const isKilled = isClient ? call.isCreating || KILLED_AT.test(call.name) : KILLED_AT_OWN.test(call.name);
    const kills = isKilled ? [{ signal: 'SIGKILL' } as const] : [];
    return [...errors.map((error) => ({ error })), ...kills].map((injection) => ({ index, injection }));
  });
}

async function judge(
  { verb, texts }: Flow,
  place: Place,
  { exitCode, stdout, stderr }: RunResult,
  injection: Injection,
): Promise<readonly string[]> {
  const problems: string[] = [];
  const isKilled = 'signal' in injection;
  const text = configOf(place);
  if (!texts.includes(text)) problems.push(`it holds ${JSON.stringify(text)}`);
  if (!isKilled) {
    if (exitCode === 0 && text !== texts[1]) problems.push(`it says that it is done: ${stdout}`);
    if (exitCode !== 0 && !/^error: Cannot change .*config\.json: /m.test(stderr)) problems.push(`it says ${stderr}`);
    problems.push(...listBeside(place).map((name) => `${name} stays`));
  }
  const again = await place.run(verb, '', OPTIONS);
  if (again.exitCode !== 0) problems.push(`the next run says ${again.stderr}`);
  if (configOf(place) !== texts[1]) problems.push(`after the next run it holds ${JSON.stringify(configOf(place))}`);
  problems.push(...listBeside(place).map((name) => `${name} stays after the next run`));
  if (verb === 'configure') {
    await place.run('unconfigure', '', OPTIONS);
    if (configOf(place) !== texts[0]) problems.push(`undone it holds ${JSON.stringify(configOf(place))}`);
  }
  return problems;
}
