/** The index of the stored logins, with anything in it: entries with the right types, or a reason why there are none. */
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LoginEntry, readIndex, writeIndex } from '../../src/logins/login-index.ts';
import { openFuzzFolder } from './fuzz-folder.ts';
import { mutatedJsonText } from './mutate.ts';
import { RUN_OPTIONS } from './runs.ts';

const folder = openFuzzFolder();
const FILE = join(folder.path, 'credentials.json');
const MAX_DURABLE_WRITES = 400;
const INDEX = {
  version: 1,
  hasWarned: true,
  credentials: {
    'registry.example.com': { server: 'https://registry.example.com', username: 'ada', secret: 'hidden-secret' },
    'myregistry.azurecr.io': { server: 'myregistry.azurecr.io', username: 'app', keychain: 'secretservice' },
  },
};

describe('the index of logins', () => {
  it('with anything in it has entries of the right types, or is damaged', () => {
    fc.assert(
      fc.property(mutatedJsonText(INDEX), (text) => {
        folder.write('credentials.json', text);
        const index = readIndex(FILE);
        if (typeof index === 'string') {
          expect(index).toBe('damaged');
          return;
        }
        for (const entry of index.entries.values()) {
          const secret = 'secret' in entry ? entry.secret : entry.keychain;
          expect([entry.server, entry.username, secret].map((one) => typeof one)).toEqual([
            'string',
            'string',
            'string',
          ]);
          // It becomes part of a program's name.
          if ('keychain' in entry) expect(entry.keychain).toMatch(/^[a-z0-9]+$/);
        }
      }),
      RUN_OPTIONS,
    );
  });

  it('has after a write exactly what was written', () => {
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('__proto__', 'constructor', '\uFEFF', '0'));
    const entry: fc.Arbitrary<LoginEntry> = fc.oneof(
      fc.record({ server: fc.string({ minLength: 1 }), username: text, secret: text }),
      fc.record({ server: fc.string({ minLength: 1 }), username: text, keychain: fc.constantFrom('pass', 'wincred') }),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(text, entry)), fc.boolean(), (entries, hasWarned) => {
        const index = { entries: new Map(entries), hasWarned };
        writeIndex(FILE, index);
        expect(readIndex(FILE)).toEqual(index);
      }),
      // Each write waits for the disk.
      { ...RUN_OPTIONS, numRuns: Math.min(RUN_OPTIONS.numRuns, MAX_DURABLE_WRITES) },
    );
  });
});
