/** The record of a failed sign-in: nobody without the lock's key and the same secret can make a process fail. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseFailure, shareFailure } from '../../src/cache/shared-failure.ts';
import { CredentialError } from '../../src/errors.ts';
import { asJsonObject, type JsonObject, parseJsonObject } from '../../src/json.ts';
import { makeRuntime } from '../unit/runtime.ts';
import { openFuzzFolder } from './fuzz-folder.ts';
import { mutatedJson } from './mutate.ts';
import { RUN_OPTIONS } from './runs.ts';

const folder = openFuzzFolder();
const HOLDING = { id: '0011223344556677', key: 'a-key' };
const SECRET = 'hidden-secret';

function share(secret: string, key: string): JsonObject {
  const file = join(folder.path, 'x.failed');
  const failure = new CredentialError('ENTRA_REFUSED', 'Cannot sign in', { causes: ['one', 'two'], hint: 'az login' });
  shareFailure(file, { runtime: makeRuntime(), readSecret: () => secret, holding: { ...HOLDING, key } }, failure);
  return parseJsonObject(readFileSync(file, 'utf8')) ?? {};
}

describe('a shared failure', () => {
  it('with anything in it is a failure in texts, or none', () => {
    const record = share(SECRET, HOLDING.key);
    fc.assert(
      fc.property(mutatedJson(record), (changed) => {
        const failure = parseFailure(asJsonObject(changed) ?? {}, SECRET, HOLDING);
        if (failure === undefined) return;
        const { code, message, causes, hint } = failure;
        expect(failure).toBeInstanceOf(CredentialError);
        expect([code, message, ...causes, hint ?? ''].map((one) => typeof one)).not.toContain('object');
        expect(message).not.toBe('');
      }),
      RUN_OPTIONS,
    );
  });

  it('with another key or of another secret is none', () => {
    const text = fc.oneof(fc.string(), fc.constantFrom('', SECRET, HOLDING.key));
    fc.assert(
      fc.property(text, text, (secret, key) => {
        const failure = parseFailure(share(secret, key), SECRET, HOLDING);
        expect(failure !== undefined).toBe(secret === SECRET && key === HOLDING.key);
      }),
      RUN_OPTIONS,
    );
  });
});
