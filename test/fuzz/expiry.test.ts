/** When a managed identity's token expires: every format that a service uses, and everything else. */
import fc, { type Arbitrary } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseExpiry } from '../../src/identity/managed-identity/expiry.ts';
import { ANY_JSON, mutated, mutatedJson } from './mutate.ts';
import { RUN_OPTIONS } from './runs.ts';

const NOW_SECONDS = 1_700_000_000;
const pad = (number: number, digits = 2) => String(number).padStart(digits, '0');

/** The parts of a time in UTC, computed without a parser of dates. */
function partsOf(date: Date) {
  return {
    year: pad(date.getUTCFullYear(), 4),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: pad(date.getUTCMinutes()),
    second: pad(date.getUTCSeconds()),
  };
}

/** The ways in which services write a time, with the zone behind it. */
const FORMATS: readonly ((date: Date, zone: string) => string)[] = [
  (date, zone) => {
    const { year, month, day, hour, minute, second } = partsOf(date);
    return `${year}-${pad(month)}-${pad(day)}T${pad(hour)}:${minute}:${second}${zone}`;
  },
  (date, zone) => {
    const { year, month, day, hour, minute, second } = partsOf(date);
    return `${year}-${pad(month)}-${pad(day)} ${pad(hour)}:${minute}:${second}.0000000 ${zone}`.trim();
  },
  (date, zone) => {
    const { year, month, day, hour, minute, second } = partsOf(date);
    return `${month}/${day}/${year} ${hour}:${minute}:${second}${zone === '' ? '' : ` ${zone}`}`;
  },
  (date, zone) => {
    const { year, month, day, hour, minute, second } = partsOf(date);
    const half = hour < 12 ? 'AM' : 'PM';
    return `${pad(month)}/${pad(day)}/${year} ${hour % 12 === 0 ? 12 : hour % 12}:${minute}:${second} ${half} ${zone}`.trim();
  },
];

const SECONDS = fc.integer({ min: 0, max: 250_000_000_000 });
const OFFSETS = fc.integer({ min: -14 * 60, max: 14 * 60 });

describe('expires_on', () => {
  it('is the same time in every format, with or without a zone', () => {
    fc.assert(
      fc.property(SECONDS, fc.option(OFFSETS), fc.constantFrom(...FORMATS), (seconds, offsetMinutes, format) => {
        const zone =
          offsetMinutes === null
            ? ''
            : `${offsetMinutes < 0 ? '-' : '+'}${pad(Math.floor(Math.abs(offsetMinutes) / 60))}:${pad(Math.abs(offsetMinutes) % 60)}`;
        const text = format(new Date((seconds + (offsetMinutes ?? 0) * 60) * 1000), zone);
        fc.pre(seconds > 14 * 3600);
        expect({ text, seconds: parseExpiry({ expires_on: text }, NOW_SECONDS) }).toEqual({ text, seconds });
      }),
      RUN_OPTIONS,
    );
  });

  it('as a number or its text comes before expires_in', () => {
    const asText = fc.constantFrom<(seconds: number) => unknown>(
      (one) => one,
      String,
      (one) => ` ${one} `,
    );
    fc.assert(
      fc.property(SECONDS, SECONDS, asText, asText, (on, within, first, second) => {
        expect(parseExpiry({ expires_on: first(on), expires_in: second(within) }, NOW_SECONDS)).toBe(on);
        expect(parseExpiry({ expires_in: second(within) }, NOW_SECONDS)).toBe(NOW_SECONDS + within);
      }),
      RUN_OPTIONS,
    );
  });
});

describe('any response', () => {
  const times: Arbitrary<unknown> = mutated(
    fc
      .tuple(SECONDS, fc.constantFrom(...FORMATS), fc.constantFrom('', 'Z', '+01:00'))
      .map(([seconds, format, zone]) => format(new Date(seconds * 1000), zone)),
    ['0', '9', '99', '9'.repeat(400), '-', ':', '/', ' ', 'Z', 'PM', '.', 'e9', 'NaN'],
  );

  it('expires at a finite time or at none', () => {
    const numbers = fc.oneof(fc.double(), fc.bigInt({ min: 0n }).map(String), fc.constant('9'.repeat(400)));
    const bodies = mutatedJson({ expires_on: '1', expires_in: '2' }, fc.oneof(ANY_JSON, times, numbers));
    fc.assert(
      fc.property(bodies, (body) => {
        if (typeof body !== 'object' || body === null) return;
        const seconds = parseExpiry({ ...body }, NOW_SECONDS);
        expect(seconds === undefined || Number.isFinite(seconds)).toBe(true);
      }),
      RUN_OPTIONS,
    );
  });

  it('whose time is a text expires when the text says, as Date reads it', () => {
    fc.assert(
      fc.property(times, (text) => {
        const seconds = parseExpiry({ expires_on: text }, NOW_SECONDS);
        if (seconds === undefined || !String(text).includes('T')) return;
        const zone = /(Z|[+-]\d\d:\d\d)$/i.test(String(text).trim()) ? '' : 'Z';
        expect(seconds).toBe(
          Math.floor(Date.parse(`${String(text).trim()}${zone}`.replace(' ', '').toUpperCase()) / 1000),
        );
      }),
      RUN_OPTIONS,
    );
  });
});
