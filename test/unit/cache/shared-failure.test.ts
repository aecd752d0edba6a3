/** The record of a failed sign-in: which failures are shared, with whom, and what a planted record can do. */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { parseFailure, shareFailure } from '../../../src/cache/shared-failure.ts';
import { CredentialError, type ErrorCode } from '../../../src/errors.ts';
import { type JsonObject, parseJsonObject } from '../../../src/json.ts';
import { makeRuntime } from '../runtime.ts';
import { useTemporaryFolder } from '../temporary-folder.ts';

const folder = useTemporaryFolder();
const SECRET = 'hidden-secret';
const FAILURE = new CredentialError('ENTRA_REFUSED', 'Cannot sign in', { causes: ['one', 'two'], hint: 'az login' });

const umaskBefore = process.umask();
afterEach(() => {
  process.umask(umaskBefore);
});

/** Shares a failure, and returns its record. */
function share(failure = FAILURE, secret = SECRET, env: Readonly<Record<string, string>> = {}): string {
  const file = folder.path('failed');
  shareFailure(file, { runtime: makeRuntime(env), secret }, failure);
  return readFileSync(file, 'utf8');
}

/** The record of a shared failure, with changes; its proof stays right. */
function recordWith(changes: JsonObject): string {
  return JSON.stringify({ ...parseJsonObject(share()), ...changes });
}

/** Every code, and whether the processes that waited would have met the same failure. */
const IS_SHARED: Readonly<Record<ErrorCode, boolean>> = {
  CONFIG_INVALID: false,
  IDENTITY_NOT_SET_UP: false,
  IDENTITY_INVALID: false,
  IDENTITY_FAILED: true,
  ENTRA_REFUSED: true,
  AUDIENCE_UNKNOWN: true,
  REGISTRY_REFUSED: true,
  TOKEN_REFUSED: true,
  NETWORK_FAILED: true,
  ANSWER_INVALID: true,
  BUSY: false,
  STORE_REFUSED: false,
  KEYCHAIN_FAILED: false,
};
const isCode = (text: string): text is ErrorCode => text in IS_SHARED;

describe('a failure with the code', () => {
  for (const code of Object.keys(IS_SHARED).filter(isCode)) {
    const isShared = IS_SHARED[code];
    test(`${code} ${isShared ? 'is shared' : 'leaves no record, and is not read from a planted one'}`, () => {
      const file = folder.path('failed');
      shareFailure(file, { runtime: makeRuntime(), secret: SECRET }, new CredentialError(code, 'Cannot do it'));
      expect(existsSync(file)).toBe(isShared);
      expect(parseFailure(recordWith({ code }), SECRET, 0)?.code).toBe(isShared ? code : undefined);
    });
  }
});

describe('shareFailure', () => {
  test('writes a record from which the same failure is read', () => {
    const failure = parseFailure(share(), SECRET, 0);
    expect(failure).toBeInstanceOf(CredentialError);
    expect(failure).toMatchObject({
      code: 'ENTRA_REFUSED',
      message: 'Cannot sign in',
      causes: ['one', 'two'],
      hint: 'az login',
    });
  });

  test('writes no causes and no hint where the failure has none', () => {
    const failure = parseFailure(share(new CredentialError('NETWORK_FAILED', 'Cannot sign in')), SECRET, 0);
    expect(failure).toMatchObject({ code: 'NETWORK_FAILED', causes: [], hint: undefined });
  });

  test('writes no secret but a proof, which depends on the secret and on the salt', () => {
    const [one, other] = [share(), share(FAILURE, 'another-secret')].map(parseJsonObject);
    expect(JSON.stringify(one)).not.toContain('hidden');
    expect(one?.['proof']).not.toBe(other?.['proof']);
    const anotherSalt = JSON.stringify({ ...one, salt: 'x' });
    expect(parseFailure(anotherSalt, SECRET, 0)).toBeUndefined();
  });

  test('redacts the message, the causes and the hint', () => {
    const failure = new CredentialError('ENTRA_REFUSED', 'Cannot use the-password', {
      causes: ['Entra: the-password is wrong', 'plain'],
      hint: 'az login -p the-password',
    });
    const record = share(failure, SECRET, { AZURE_CLIENT_SECRET: 'the-password' });
    expect(record).not.toContain('the-password');
    expect(parseFailure(record, SECRET, 0)).toMatchObject({
      message: 'Cannot use [redacted]',
      causes: ['Entra: [redacted] is wrong', 'plain'],
      hint: 'az login -p [redacted]',
    });
  });

  for (const umask of [0, 0o22, 0o777]) {
    test(`writes a file that only its owner can open with umask ${umask.toString(8)}`, () => {
      folder.path();
      process.umask(umask);
      share();
      expect(statSync(folder.path('failed')).mode & 0o777).toBe(0o600);
    });
  }

  test('replaces the record of an earlier failure', () => {
    share();
    chmodSync(folder.path('failed'), 0o400);
    expect(parseFailure(share(new CredentialError('NETWORK_FAILED', 'later')), SECRET, 0)?.message).toBe('later');
    expect(readdirSync(folder.path())).toEqual(['failed']);
  });

  test('does not throw where it cannot write', () => {
    mkdirSync(folder.path('taken'));
    for (const file of [folder.path('taken'), folder.path('none', 'failed'), '/dev/null/failed']) {
      expect(() => shareFailure(file, { runtime: makeRuntime(), secret: SECRET }, FAILURE)).not.toThrow();
    }
    expect(readdirSync(folder.path())).toEqual(['taken']);
  });
});

describe('parseFailure', () => {
  test('returns nothing to a process with another secret', () => {
    for (const secret of ['another secret', '', `${SECRET} `]) {
      expect(parseFailure(share(), secret, 0)).toBeUndefined();
    }
  });

  test('returns a failure from the moment that the process began to wait, and none from before it', () => {
    expect(parseFailure(recordWith({ failedAtMs: 5_000 }), SECRET, 5_000)?.code).toBe('ENTRA_REFUSED');
    expect(parseFailure(recordWith({ failedAtMs: 4_999 }), SECRET, 5_000)).toBeUndefined();
  });

  const texts: readonly (readonly [name: string, text: string])[] = [
    ['nothing', ''],
    ['broken JSON', '{"failedAtMs":'],
    ['null', 'null'],
    ['an array', '[]'],
    ['an empty object', '{}'],
  ];
  for (const [name, text] of texts) {
    test(`returns nothing for ${name}`, () => {
      expect(parseFailure(text, SECRET, 0)).toBeUndefined();
    });
  }

  const refused: readonly (readonly [name: string, changes: JsonObject])[] = [
    ['no failure time', { failedAtMs: undefined }],
    ['a failure time that is a string', { failedAtMs: '9999999999999' }],
    ['no proof', { proof: undefined }],
    ['a wrong proof', { proof: 'x' }],
    ['no salt', { salt: undefined }],
    ['a salt that is not a string', { salt: 7 }],
    ['no code', { code: undefined }],
    ['a code that is unknown', { code: 'PLANTED' }],
    ['a code that is a list', { code: ['ENTRA_REFUSED'] }],
    ['no message', { message: undefined }],
    ['an empty message', { message: '' }],
    ['a message that is not a string', { message: ['planted'] }],
  ];
  for (const [name, changes] of refused) {
    test(`returns nothing for a record with ${name} and else right`, () => {
      expect(parseFailure(recordWith({}), SECRET, 0)).toBeDefined();
      expect(parseFailure(recordWith(changes), SECRET, 0)).toBeUndefined();
    });
  }

  test('leaves out causes and a hint that are not texts', () => {
    const odd = recordWith({ causes: ['one', 7, null, '', { a: 1 }, 'two'], hint: 7 });
    expect(parseFailure(odd, SECRET, 0)).toMatchObject({ causes: ['one', 'two'], hint: undefined });
    expect(parseFailure(recordWith({ causes: 'one' }), SECRET, 0)?.causes).toEqual([]);
  });
});
