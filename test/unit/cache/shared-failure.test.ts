/** The record of a failed sign-in: which failures are shared, with whom, and what a planted record can do. */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import type { Holding } from '../../../src/cache/lock-holder.ts';
import { parseFailure, shareFailure } from '../../../src/cache/shared-failure.ts';
import { CredentialError, type ErrorCode } from '../../../src/errors.ts';
import { type JsonObject, parseJsonObject } from '../../../src/json.ts';
import { makeRuntime } from '../runtime.ts';
import { useTemporaryFolder } from '../temporary-folder.ts';

const folder = useTemporaryFolder();
const SECRET = 'hidden-secret';
const HOLDING = { id: 'an-id', key: 'a-key' };
const FAILURE = new CredentialError('ENTRA_REFUSED', 'Cannot sign in', { causes: ['one', 'two'], hint: 'az login' });

const umaskBefore = process.umask();
afterEach(() => {
  process.umask(umaskBefore);
});

/** Shares a failure, and returns its record. */
function share(failure = FAILURE, secret = SECRET, env: Readonly<Record<string, string>> = {}): JsonObject {
  const file = folder.path('failed');
  shareFailure(file, ownerOf(secret, env), failure);
  return readRecord();
}

function ownerOf(secret: string, env: Readonly<Record<string, string>> = {}, holding: Holding = HOLDING) {
  return { runtime: makeRuntime(env), readSecret: () => secret, holding };
}

function readRecord(): JsonObject {
  return parseJsonObject(readFileSync(folder.path('failed'), 'utf8')) ?? {};
}

/** The record of a shared failure, with changes; its proof stays right. */
function recordWith(changes: JsonObject): JsonObject {
  return { ...share(), ...changes };
}

/** Every code, and whether the processes that waited would have met the same failure. */
const IS_SHARED: Readonly<Record<ErrorCode, boolean>> = {
  REQUEST_INVALID: false,
  CONFIG_INVALID: false,
  IDENTITY_NOT_SET_UP: false,
  IDENTITY_INVALID: false,
  IDENTITY_FAILED: true,
  ENTRA_REFUSED: true,
  AUDIENCE_UNKNOWN: true,
  REGISTRY_REFUSED: true,
  TOKEN_REFUSED: true,
  RESOURCES_REFUSED: false,
  NETWORK_FAILED: true,
  ANSWER_INVALID: true,
  BUSY: false,
  STORE_REFUSED: false,
  KEYCHAIN_FAILED: false,
  CLIENT_CONFIG_FAILED: false,
  OUTPUT_FAILED: false,
  INSTALL_FAILED: false,
  CLUSTER_REFUSED: false,
};
const isCode = (text: string): text is ErrorCode => text in IS_SHARED;

describe('a failure with the code', () => {
  for (const code of Object.keys(IS_SHARED).filter(isCode)) {
    const isShared = IS_SHARED[code];
    test(`${code} ${isShared ? 'is shared' : 'leaves no record, and is not read from a planted one'}`, () => {
      const file = folder.path('failed');
      shareFailure(file, ownerOf(SECRET), new CredentialError(code, 'Cannot do it'));
      expect(existsSync(file)).toBe(isShared);
      expect(parseFailure(recordWith({ code }), SECRET, HOLDING)?.code).toBe(isShared ? code : undefined);
    });
  }
});

describe('shareFailure', () => {
  test('writes a record from which the same failure is read', () => {
    const failure = parseFailure(share(), SECRET, HOLDING);
    expect(failure).toBeInstanceOf(CredentialError);
    expect(failure).toMatchObject({
      code: 'ENTRA_REFUSED',
      message: 'Cannot sign in',
      causes: ['one', 'two'],
      hint: 'az login',
    });
  });

  test('writes no causes and no hint where the failure has none', () => {
    const failure = parseFailure(share(new CredentialError('NETWORK_FAILED', 'Cannot sign in')), SECRET, HOLDING);
    expect(failure).toMatchObject({ code: 'NETWORK_FAILED', causes: [], hint: undefined });
  });

  test('writes no secret but a proof, which depends on the secret and on the key of the lock, and not the key', () => {
    const proofOf = (secret: string, key: string) => {
      shareFailure(folder.path('failed'), ownerOf(secret, {}, { id: 'an-id', key }), FAILURE);
      expect(JSON.stringify(readRecord())).not.toMatch(/hidden|the-key/);
      return readRecord()['proof'];
    };
    const proofs = [proofOf(SECRET, 'the-key'), proofOf('another-secret', 'the-key'), proofOf(SECRET, 'the-key-2')];
    expect(new Set(proofs).size).toBe(3);
  });

  test('writes nothing that tells one secret from another without the key', () => {
    // Everything but the proof is the same, and the proof is a MAC with a key that is gone with the lock.
    const [one, other] = [share(FAILURE, 'one'), share(FAILURE, 'other')];
    expect({ ...one, proof: undefined }).toEqual({ ...other, proof: undefined });
    expect(Object.keys(one)).toEqual(['holding', 'proof', 'code', 'message', 'causes', 'hint']);
  });

  test('redacts the message, the causes and the hint', () => {
    const failure = new CredentialError('ENTRA_REFUSED', 'Cannot use the-password', {
      causes: ['Entra: the-password is wrong', 'plain'],
      hint: 'az login -p the-password',
    });
    const record = share(failure, SECRET, { AZURE_CLIENT_SECRET: 'the-password' });
    expect(JSON.stringify(record)).not.toContain('the-password');
    expect(parseFailure(record, SECRET, HOLDING)).toMatchObject({
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
    expect(parseFailure(share(new CredentialError('NETWORK_FAILED', 'later')), SECRET, HOLDING)?.message).toBe('later');
    expect(readdirSync(folder.path())).toEqual(['failed']);
  });

  test('does not throw where it cannot write', () => {
    mkdirSync(folder.path('taken'));
    for (const file of [folder.path('taken'), folder.path('none', 'failed'), '/dev/null/failed']) {
      expect(() => shareFailure(file, ownerOf(SECRET), FAILURE)).not.toThrow();
    }
    expect(readdirSync(folder.path())).toEqual(['taken']);
  });
});

describe('parseFailure', () => {
  test('returns nothing to a process with another secret', () => {
    for (const secret of ['another secret', '', `${SECRET} `]) {
      expect(parseFailure(share(), secret, HOLDING)).toBeUndefined();
    }
  });

  test('returns nothing to a process that waited for another holder of the lock', () => {
    expect(parseFailure(share(), SECRET, { id: 'an-id', key: 'another-key' })).toBeUndefined();
  });

  test('does not look at any clock', () => {
    for (const failedAtMs of [0, 1e15, '1']) {
      expect(parseFailure(recordWith({ failedAtMs }), SECRET, HOLDING)?.code).toBe('ENTRA_REFUSED');
    }
  });

  test('returns nothing for an empty record', () => {
    expect(parseFailure({}, SECRET, HOLDING)).toBeUndefined();
  });

  const refused: readonly (readonly [name: string, changes: JsonObject])[] = [
    ['no proof', { proof: undefined }],
    ['a wrong proof', { proof: 'x' }],
    ['no code', { code: undefined }],
    ['a code that is unknown', { code: 'PLANTED' }],
    ['a code that is a list', { code: ['ENTRA_REFUSED'] }],
    ['no message', { message: undefined }],
    ['an empty message', { message: '' }],
    ['a message that is not a string', { message: ['planted'] }],
  ];
  for (const [name, changes] of refused) {
    test(`returns nothing for a record with ${name} and else right`, () => {
      expect(parseFailure(recordWith({}), SECRET, HOLDING)).toBeDefined();
      expect(parseFailure(recordWith(changes), SECRET, HOLDING)).toBeUndefined();
    });
  }

  test('leaves out causes and a hint that are not texts', () => {
    const odd = recordWith({ causes: ['one', 7, null, '', { a: 1 }, 'two'], hint: 7 });
    expect(parseFailure(odd, SECRET, HOLDING)).toMatchObject({ causes: ['one', 'two'], hint: undefined });
    expect(parseFailure(recordWith({ causes: 'one' }), SECRET, HOLDING)?.causes).toEqual([]);
  });
});
