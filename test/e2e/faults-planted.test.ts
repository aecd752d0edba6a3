/** Links, folders, pipes and sockets that stand where the program expects its files. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectAnswer } from './world/answer.ts';
import { LOGIN_SERVER } from './world/cloud.ts';
import { isClearFailure, NEW_PASSWORD, OLD_PASSWORD } from './world/fault-flows.ts';
import { createMachine, type Machine } from './world/machine.ts';
import { createPlace, listTokens, type Place, readPasswords } from './world/place.ts';
import { openCloud } from './world/test-cloud.ts';

const LIMIT_MS = 4_500;
const SIDE_BY_SIDE = 5;
const CONTENT = 'the text of somebody else\n';
const LOGIN = JSON.stringify({ ServerURL: LOGIN_SERVER, Username: 'admin', Secret: NEW_PASSWORD });

const cloud = await openCloud();
/** The base name of the files of the registry's token. */
let key = '';

beforeAll(async () => {
  const machine = createMachine(cloud);
  const place = createPlace(machine);
  await place.run('get', LOGIN_SERVER);
  const name = readdirSync(join(place.cacheFolder, 'tokens')).find((entry) => entry.startsWith(LOGIN_SERVER)) ?? '';
  key = name.replace(/\.json$/, '');
  await machine.close();
});

type Plant = (path: string, elsewhere: string) => void;
const KINDS: readonly (readonly [what: string, plant: Plant])[] = Object.entries({
  'a link to a file of somebody else': (path: string, elsewhere: string) => symlinkSync(elsewhere, path),
  'a link to nothing': (path: string, elsewhere: string) => symlinkSync(`${elsewhere}-missing`, path),
  'a folder': (path: string) => mkdirSync(path),
  'a folder with a file': (path: string) => {
    mkdirSync(path);
    writeFileSync(join(path, 'file'), CONTENT);
  },
  'a named pipe': (path: string) => {
    execFileSync('mkfifo', ['-m', '600', path]);
  },
  'a hard link to a file of somebody else': (path: string, elsewhere: string) => linkSync(elsewhere, path),
  'a file that others can write to': (path: string) => {
    writeFileSync(path, '{}');
    chmodSync(path, 0o666);
  },
  'an empty file': (path: string) => writeFileSync(path, '', { mode: 0o600 }),
  'a file with bytes of any kind': (path: string) =>
    writeFileSync(path, Buffer.from([0, 255, 254, 10, 123, 34]), { mode: 0o600 }),
} satisfies Readonly<Record<string, Plant>>);
const NAMES: Readonly<Record<string, (place: Place) => string>> = {
  'the token': ({ cacheFolder }) => join(cacheFolder, 'tokens', `${key}.json`),
  'the lock': ({ cacheFolder }) => join(cacheFolder, 'locks', `${key}.1`),
  'the shared failure': ({ cacheFolder }) => join(cacheFolder, 'locks', `${key}.failed`),
  'the erasure': ({ cacheFolder }) => join(cacheFolder, 'notes', 'erased'),
  'the index of the logins': ({ dataFolder }) => join(dataFolder, 'credentials.json'),
  'the lock of the logins': ({ dataFolder }) => join(dataFolder, 'credentials.lock.1'),
  'the log': ({ logFile }) => logFile,
};

/** Plants something in a new place. @returns a check that the file of somebody else is as it was. */
function plant(machine: Machine, put: Plant, where: string): { place: Place; check: () => void } {
  const place = createPlace(machine);
  const elsewhere = join(place.folder, 'elsewhere');
  writeFileSync(elsewhere, CONTENT, { mode: 0o644 });
  const path = NAMES[where]?.(place) ?? '';
  for (const folder of [place.cacheFolder, place.dataFolder, dirname(path)]) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }
  put(path, elsewhere);
  const { mode } = statSync(elsewhere);
  return {
    place,
    check: () => {
      expect(readFileSync(elsewhere, 'utf8')).toBe(CONTENT);
      expect(statSync(elsewhere).mode.toString(8)).toBe(mode.toString(8));
      expect(lstatSync(`${elsewhere}-missing`, { throwIfNoEntry: false })).toBeUndefined();
    },
  };
}

it.each(Object.keys(NAMES))('whatever stands in the place of %s is neither used nor followed', async (where) => {
  const machine = cloud.addMachine();
  const problems: string[] = [];
  const queue = KINDS.values();
  const work = async () => {
    for (const [what, put] of queue) {
      const { place, check } = plant(machine, put, where);
      await expectUnharmed(place, check).catch((cause: unknown) => problems.push(`${what}: ${String(cause)}`));
    }
  };
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, work));
  expect(problems).toEqual([]);
});

/** Expects the right answers, no harm to the file of somebody else, and no file that is added with each sign-in. */
async function expectUnharmed(place: Place, check: () => void): Promise<void> {
  const counts: number[] = [];
  for (const states of [['cold'], ['cold', 'hot']]) {
    for (const _state of states) {
      const result = await place.run('get', LOGIN_SERVER);
      expectAnswer(result);
      expect(result.durationMs).toBeLessThan(LIMIT_MS);
    }
    rmSync(join(place.cacheFolder, 'tokens'), { recursive: true, force: true });
    counts.push(countFiles(place));
  }
  expect(counts[1]).toBe(counts[0]);
  check();

  const stored = await place.run('store', LOGIN);
  const isStored = stored.exitCode === 0 && stored.stdout === '';
  if (!isStored) expect(stored).toSatisfy(isClearFailure);
  expect(readOwnPassword(place)).toBe(isStored ? NEW_PASSWORD : undefined);
  check();

  const erased = await place.run('erase', LOGIN_SERVER);
  expect(erased).toMatchObject({ exitCode: 0, stdout: '' });
  expect(readOwnPassword(place)).toBeUndefined();
  expect(listTokens(place, LOGIN_SERVER)).toEqual([]);
  check();
}

describe('hard links to our own files', () => {
  it('neither change what is answered nor are they written through', async () => {
    const place = createPlace(cloud.addMachine());
    const { secret } = expectAnswer(await place.run('get', LOGIN_SERVER));
    const token = NAMES['the token']?.(place) ?? '';
    const link = join(place.folder, 'linked');
    linkSync(token, link);
    const before = readFileSync(link, 'utf8');
    expect(expectAnswer(await place.run('get', LOGIN_SERVER)).secret).toBe(secret);
    expect(await place.run('erase', LOGIN_SERVER)).toMatchObject({ exitCode: 0, stdout: '', stderr: '' });
    expectAnswer(await place.run('get', LOGIN_SERVER));
    expect(readFileSync(link, 'utf8')).toBe(before);
  });
});

describe('an index of the logins that others can read', () => {
  it('is not used, and erase says that it still holds the login', async () => {
    const place = createPlace(cloud.addMachine());
    const old = JSON.stringify({ ServerURL: LOGIN_SERVER, Username: 'admin', Secret: OLD_PASSWORD });
    await place.run('store', old);
    execFileSync('chmod', ['644', join(place.dataFolder, 'credentials.json')]);
    expectAnswer(await place.run('get', LOGIN_SERVER));
    expect(await place.run('store', LOGIN)).toSatisfy(isClearFailure);
    const { exitCode, stderr } = await place.run('erase', LOGIN_SERVER);
    expect(exitCode).toBe(0);
    if (readPasswords(place)?.[LOGIN_SERVER] !== undefined) expect(stderr).toMatch(/warning: cannot erase/);
  });
});

function readOwnPassword(place: Place): string | undefined {
  const index = join(place.dataFolder, 'credentials.json');
  const isFile = lstatSync(index, { throwIfNoEntry: false })?.isFile() === true;
  return isFile ? readPasswords(place)?.[LOGIN_SERVER] : undefined;
}

function countFiles({ cacheFolder, dataFolder }: Place): number {
  return [cacheFolder, dataFolder].flatMap((folder) => readdirSync(folder, { recursive: true, encoding: 'utf8' }))
    .length;
}
