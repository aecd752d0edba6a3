import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseServerUrl } from '../../src/protocol.ts';
import { RUN_OPTIONS } from './runs.ts';

it('x', () => {
  fc.assert(
    fc.property(fc.string(), (s) => {
      expect(parseServerUrl(s)).not.toBe(' ');
    }),
    RUN_OPTIONS,
  );
});
