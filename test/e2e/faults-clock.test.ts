/** Clocks that jump by years between two runs and during a wait. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, type TestContext } from 'vitest';
import { CLIENT_ID, TENANT_ID } from '../emulator/state.ts';
import { expectAnswer } from './world/answer.ts';
import { LOGIN_SERVER } from './world/cloud.ts';
import { isClearFailure, NEW_PASSWORD } from './world/fault-flows.ts';
import { killedAfter } from './world/isolation.ts';
import { needParts, partOf } from './world/parts.ts';
import { createPlace, findStateProblems, listLeftovers, listTokens, type Place } from './world/place.ts';
import { openCloud } from './world/test-cloud.ts';

const ENTRA_HOST = 'login.microsoftonline.com';
/** A dead lock delays a run by less than this. */
const SOON_MS = 4_500;

const cloud = await openCloud();
const undo: (() => void)[] = [];
afterEach(() => {
  for (const restore of undo.splice(0)) restore();
});

/** Both lie within the validity of the emulator's certificates. */
const JUMPS = [
  ['three years ahead', '+3y'],
  ['three years back', '-3y'],
  ['an hour ahead', '+1h'],
  ['an hour back', '-1h'],
] as const;

/** A clock that a test can change while a program runs. Like a real clock, it leaves the monotonic one alone. */
interface Clock {
  readonly environment: Readonly<Record<string, string>>;
  readonly set: (offset: string) => void;
}

function openClock(context: TestContext, place: Place, offset: string): Clock {
  needParts(context, 'faketime');
  const shown = spawnSync(partOf('faketime'), ['-f', '+0', 'sh', '-c', 'echo "$LD_PRELOAD"'], { encoding: 'utf8' });
  const file = join(place.folder, 'clock');
  const set = (text: string) => writeFileSync(file, `${text}\n`);
  set(offset);
  return {
    environment: {
      LD_PRELOAD: shown.stdout.trim(),
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      DONT_FAKE_MONOTONIC: '1',
      NO_FAKE_STAT: '1',
    },
    set,
  };
}

const getWith = (place: Place, environment: Readonly<Record<string, string>> = {}) =>
  place.run('get', LOGIN_SERVER, { environment });

function expectTidy(place: Place): void {
  expect(findStateProblems(place)).toEqual([]);
  expect(listLeftovers(place).map(({ path }) => path)).toEqual([]);
}

describe.each(JUMPS)('a clock that was %s for a while', (_name, offset) => {
  it('costs a sign-in and no answer, before and after', async (context) => {
    const place = createPlace(cloud.addMachine());
    const clock = openClock(context, place, offset);
    expectAnswer(await getWith(place));
    expectAnswer(await getWith(place, clock.environment));
    expectAnswer(await getWith(place, clock.environment));
    const { secret } = expectAnswer(await getWith(place));
    // The clock is right again: from here on there is one token, which is kept.
    expect(listTokens(place, LOGIN_SERVER)).toEqual([secret]);
    cloud.forget();
    expect(expectAnswer(await getWith(place)).secret).toBe(secret);
    await place.settle();
    expect(cloud.signIns()).toEqual([]);
    expectTidy(place);
  });

  it('leaves no failure behind for those who sign in later', async (context) => {
    const place = createPlace(cloud.addMachine());
    const { environment } = openClock(context, place, offset);
    const newSecret = { AZURE_CLIENT_SECRET: 'New-secret-Q~1234567' };
    expect(await getWith(place, { ...environment, ...newSecret })).toSatisfy(isClearFailure);
    const application = cloud.emulator.state.tenants.get(TENANT_ID)?.applications.get(CLIENT_ID);
    const secrets = application?.secrets ?? [];
    secrets.push({ value: newSecret.AZURE_CLIENT_SECRET });
    undo.push(() => secrets.pop());
    // Slow, so that the others wait and look for what the one that signs in leaves to them.
    undo.push(cloud.emulator.inject({ host: ENTRA_HOST, delayMs: 700 }));
    const crowd = await Promise.all(Array.from({ length: 4 }, () => getWith(place, newSecret)));
    expect(new Set(crowd.map((result) => expectAnswer(result).secret)).size).toBe(1);
    expectTidy(place);
  });

  it('does not make a dead lock live', async (context) => {
    const place = createPlace(cloud.addMachine());
    const { environment } = openClock(context, place, offset);
    undo.push(cloud.emulator.inject({ host: ENTRA_HOST, delayMs: 20_000, times: 1 }));
    // Long enough for the holder to touch its lock with its own clock.
    await place.run('get', LOGIN_SERVER, { environment, launcher: [...shell, ...killedAfter(1.2)] });
    expect(listLeftovers(place).length).toBeGreaterThan(0);
    const result = await getWith(place);
    expectAnswer(result);
    expect(result.durationMs).toBeLessThan(SOON_MS);
    expectTidy(place);
  });

  it('keeps a stored password', async (context) => {
    const place = createPlace(cloud.addMachine());
    const { environment } = openClock(context, place, offset);
    const login = JSON.stringify({ ServerURL: LOGIN_SERVER, Username: 'admin', Secret: NEW_PASSWORD });
    expect(await place.run('store', login, { environment })).toMatchObject({ exitCode: 0, stdout: '' });
    expect(JSON.parse((await getWith(place)).stdout)).toMatchObject({ Secret: NEW_PASSWORD });
    expect(await place.run('erase', LOGIN_SERVER)).toMatchObject({ exitCode: 0, stdout: '', stderr: '' });
    expectTidy(place);
  });
});

/** timeout ends with the signal that it sends, which a shell makes an exit code. */
const shell = ['sh', '-c', '"$@"; exit $?', 'sh'];

describe.each(JUMPS)('a clock that jumps to %s', (_name, offset) => {
  it('while one process signs in and others wait lets all of them answer in time', async (context) => {
    const place = createPlace(cloud.addMachine());
    const clock = openClock(context, place, '+0');
    undo.push(cloud.emulator.inject({ host: ENTRA_HOST, delayMs: 700 }));
    const crowd = Array.from({ length: 4 }, () => getWith(place, clock.environment));
    while (cloud.emulator.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    await new Promise((resolve) => setTimeout(resolve, 200));
    clock.set(offset);
    for (const result of await Promise.all(crowd)) {
      expectAnswer(result);
      expect(result.durationMs).toBeLessThan(15_000);
    }
    expectAnswer(await getWith(place));
    expectTidy(place);
  });
});

it('a token that was saved while the clock was three years behind is not used for three years', async (context) => {
  const place = createPlace(cloud.addMachine());
  const { environment } = openClock(context, place, '-3y');
  expectAnswer(await getWith(place, environment));
  // The real clock is three years ahead of the one that saved the token; one year later it has expired for long.
  const later = openClock(context, place, '+1y');
  cloud.forget();
  expectAnswer(await getWith(place, later.environment));
  expect(cloud.signIns()).toContain('exchange 200');
  if (existsSync(place.cacheFolder)) expect(readdirSync(join(place.cacheFolder, 'locks'))).toEqual([]);
});
