/** When a token expires, in every form that managed identity services have written it. */
import { describe, expect, test } from 'vitest';
import { parseExpiry } from '../../../../src/identity/managed-identity/expiry.ts';
import type { JsonObject } from '../../../../src/json.ts';

const NOW = 1_767_323_045;
const END = Date.UTC(2037, 8, 19, 21, 45, 21) / 1000;

describe('parseExpiry', () => {
  const rows: readonly (readonly [answer: JsonObject, end: number | undefined])[] = [
    [{ expires_on: String(END) }, END],
    [{ expires_on: END }, END],
    [{ expires_on: END + 0.5 }, END + 0.5],
    [{ expires_on: ` ${END} ` }, END],
    [{ expires_on: '09/19/2037 21:45:21' }, END],
    [{ expires_on: '9/19/2037 21:45:21' }, END],
    [{ expires_on: '09/19/2037 21:45:21 +00:00' }, END],
    [{ expires_on: '09/19/2037 23:45:21 +02:00' }, END],
    [{ expires_on: '9/19/2037 9:45:21 PM' }, END],
    [{ expires_on: '9/19/2037 9:45:21 pm +00:00' }, END],
    [{ expires_on: '9/19/2037 9:45:21 AM' }, END - 12 * 3600],
    [{ expires_on: '09/19/2037 12:45:21 AM' }, END - 21 * 3600],
    [{ expires_on: '09/19/2037 12:45:21 PM' }, END - 9 * 3600],
    [{ expires_on: '2037-09-19 21:45:21' }, END],
    [{ expires_on: '2037-09-19T21:45:21Z' }, END],
    [{ expires_on: '2037-09-19T21:45:21.1234567Z' }, END],
    [{ expires_on: '2037-09-19T23:45:21+02:00' }, END],
    [{ expires_on: '2037-09-19t21:45:21z' }, END],
    [{ expires_on: '2037-09-19 21:45:21 +00:00' }, END],
    [{ expires_on: END, expires_in: 60 }, END],
    [{ expires_on: 'soon', expires_in: '3599' }, NOW + 3599],
    [{ expires_on: '13/19/2037 21:45:21', expires_in: '3599' }, NOW + 3599],
    [{ expires_on: '2037-13-19 21:45:21', expires_in: 3599 }, NOW + 3599],
    [{ expires_on: '', expires_in: '3599' }, NOW + 3599],
    [{ expires_on: null, expires_in: '0' }, NOW],
    [{ expires_in: 'soon' }, undefined],
    [{ expires_in: -1 }, NOW - 1],
    [{ expires_on: [END] }, undefined],
    [{ expires_on: { end: END } }, undefined],
    [{ expires_on: '1e9' }, undefined],
    [{ expires_on: '9'.repeat(400) }, undefined],
    [{ expires_in: '9'.repeat(400) }, undefined],
    [{ expires_on: '0x7fffffff' }, undefined],
    [{}, undefined],
  ];
  for (const [answer, end] of rows) {
    test(`returns ${end ?? 'nothing'} for ${JSON.stringify(answer)}`, () => {
      expect(parseExpiry(answer, NOW)).toBe(end);
    });
  }
});
