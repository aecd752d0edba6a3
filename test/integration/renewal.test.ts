/** A valid token is returned at once and renewed before it expires: by a separate process, or before the answer. */

import { describe, expect, test } from 'vitest';
import { RENEWAL_VARIABLE } from '../../src/cli.ts';
import { CLIENT_SECRET_VARIABLES, ENTRA, EXCHANGE, openWorld, REGISTRY, TOKEN } from './world.ts';

const LIFE = 10_800;
const MINUTE = 60;

const world = await openWorld();

/** Moves the clock until the cached token has this many minutes left. */
function passUntilLeft(minutes: number, life = LIFE): void {
  world.aheadSeconds = life - minutes * MINUTE;
}

/** Runs the renewal process as the program starts it. */
function renew(variables: Record<string, string | undefined> = {}) {
  return world.run('renew', '', { ...CLIENT_SECRET_VARIABLES, [RENEWAL_VARIABLE]: REGISTRY, ...variables });
}

const SILENCE = { exitCode: 0, stdout: '', stderr: '' };

describe('when less than a third of the token’s lifetime is left', () => {
  test('returns the old token without a connection and asks for its renewal', async () => {
    const first = await world.get();
    world.forgetRequests();
    passUntilLeft(30);
    expect((await world.get()).Secret).toBe(first.Secret);
    expect(world.emulator.connects).toEqual([]);
    expect(world.renewals).toEqual([REGISTRY]);
  });

  test('asks for a renewal once a minute', async () => {
    await world.get();
    passUntilLeft(30);
    await Promise.all(Array.from({ length: 8 }, () => world.get()));
    expect(world.renewals).toHaveLength(1);
    world.aheadSeconds += MINUTE;
    await world.get();
    await world.get();
    expect(world.renewals).toHaveLength(2);
  });

  test('asks for a renewal of each registry', async () => {
    await world.get();
    await world.get('other12.azurecr.io');
    passUntilLeft(30);
    await world.get();
    await world.get('other12.azurecr.io');
    expect(world.renewals).toEqual([REGISTRY, 'other12.azurecr.io']);
  });

  test('asks for no renewal a minute earlier', async () => {
    await world.get();
    passUntilLeft(61);
    await world.get();
    expect(world.renewals).toEqual([]);
  });

  test('asks for no renewal of a token that a client stored, since only the client can renew it', async () => {
    const { Secret } = await world.get();
    const payload = { ServerURL: REGISTRY, Username: '00000000-0000-0000-0000-000000000000', Secret };
    await world.run('store', JSON.stringify(payload));
    passUntilLeft(30);
    expect((await world.get()).Secret).toBe(Secret);
    expect(world.renewals).toEqual([]);
  });

  test('asks for a renewal of an access token too', async () => {
    world.configure({ [REGISTRY]: { secret: 'access-token', scope: 'repository:a:pull' } });
    const first = await world.get();
    passUntilLeft(12, 4500);
    expect((await world.get()).Secret).toBe(first.Secret);
    expect(world.renewals).toEqual([REGISTRY]);
    world.forgetRequests();
    expect(await renew()).toEqual(SILENCE);
    expect(world.seen()).toEqual([TOKEN]);
    expect((await world.get()).Secret).not.toBe(first.Secret);
  });
});

describe('the renewal process', () => {
  test('replaces the token and prints nothing', async () => {
    const first = await world.get();
    passUntilLeft(30);
    world.forgetRequests();
    expect(await renew()).toEqual(SILENCE);
    expect(world.seen()).toEqual([ENTRA, EXCHANGE]);
    world.forgetRequests();
    expect((await world.get()).Secret).not.toBe(first.Secret);
    expect(world.emulator.connects).toEqual([]);
    expect(world.renewals).toEqual([]);
  });

  test('signs in once when eight run at the same time', async () => {
    await world.get();
    passUntilLeft(30);
    world.forgetRequests();
    await Promise.all(Array.from({ length: 8 }, () => renew()));
    expect(world.seen()).toEqual([ENTRA, EXCHANGE]);
  });

  test.each([
    ['a token that is not due', REGISTRY, 61],
    ['a registry without a token', 'other12.azurecr.io', 30],
    ['a host that is not a login server', 'docker.io', 30],
    ['no host', undefined, 30],
    ['an empty host', '', 30],
    ['a malformed host', '-\n-', 30],
  ])('does nothing for %s', async (_name, host, minutes) => {
    await world.get();
    passUntilLeft(minutes);
    world.forgetRequests();
    expect(await renew({ [RENEWAL_VARIABLE]: host })).toEqual(SILENCE);
    expect(world.emulator.connects).toEqual([]);
  });

  test('does nothing for a token that was erased in the meantime', async () => {
    await world.get();
    passUntilLeft(30);
    await world.run('erase', REGISTRY);
    world.forgetRequests();
    expect(await renew()).toEqual(SILENCE);
    expect(world.emulator.connects).toEqual([]);
  });

  test('prints nothing when it fails, and leaves the old token without another attempt for a minute', async () => {
    const first = await world.get();
    passUntilLeft(30);
    const restore = world.emulator.inject({ host: 'login.microsoftonline.com', status: 503, body: '' });
    try {
      expect(await renew()).toEqual(SILENCE);
      expect((await world.get()).Secret).toBe(first.Secret);
      expect(world.renewals).toEqual([]);
      world.aheadSeconds += MINUTE;
      expect((await world.get()).Secret).toBe(first.Secret);
      expect(world.renewals).toEqual([REGISTRY]);
    } finally {
      restore();
    }
  });

  test('prints nothing when the configuration is broken', async () => {
    world.writeConfig('{');
    expect(await renew()).toEqual(SILENCE);
  });

  test('does not run in place of a get that has its variable set', async () => {
    await world.get(REGISTRY, { [RENEWAL_VARIABLE]: 'other12.azurecr.io' });
    expect(world.seen()).toEqual([ENTRA, EXCHANGE]);
  });
});

describe('"minimumLifeMinutes"', () => {
  test('renews a token with less time left before it answers', async () => {
    world.configure({ [REGISTRY]: { minimumLifeMinutes: 120 } });
    const first = await world.get();
    passUntilLeft(121);
    expect((await world.get()).Secret).toBe(first.Secret);
    passUntilLeft(119);
    expect((await world.get()).Secret).not.toBe(first.Secret);
  });

  test('asks for a background renewal before the token falls below it', async () => {
    world.configure({ [REGISTRY]: { minimumLifeMinutes: 120 } });
    await world.get();
    passUntilLeft(125);
    await world.get();
    expect(world.renewals).toEqual([REGISTRY]);
  });

  test('returns the old token when renewal fails, and does not try again for a minute', async () => {
    world.configure({ [REGISTRY]: { minimumLifeMinutes: 120 } });
    const first = await world.get();
    passUntilLeft(100);
    const restore = world.emulator.inject({ host: REGISTRY, status: 503, body: '' });
    try {
      expect((await world.get()).Secret).toBe(first.Secret);
      world.forgetRequests();
      expect((await world.get()).Secret).toBe(first.Secret);
      expect(world.emulator.connects).toEqual([]);
    } finally {
      restore();
    }
    world.aheadSeconds += MINUTE;
    expect((await world.get()).Secret).not.toBe(first.Secret);
  });

  test('requests no new token for each call when it exceeds the lifetime of an access token', async () => {
    world.configure({ [REGISTRY]: { secret: 'access-token', scope: 'repository:a:pull', minimumLifeMinutes: 150 } });
    const first = await world.get();
    expect((await world.get()).Secret).toBe(first.Secret);
    passUntilLeft(60, 4500);
    expect((await world.get()).Secret).not.toBe(first.Secret);
  });
});
