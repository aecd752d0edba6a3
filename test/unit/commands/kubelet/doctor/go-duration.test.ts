import { expect, test } from 'vitest';
import { parseGoDuration } from '../../../../../src/commands/kubelet/doctor/go-duration.ts';

test.each([
  ['0', 0],
  ['0s', 0],
  ['10m', 600_000],
  ['1h0m0s', 3_600_000],
  ['3599.5s', 3_599_500],
  ['.5s', 500],
  ['1.s', 1_000],
  ['1h1h', 7_200_000],
  ['-10m', -600_000],
  ['+1ms', 1],
  ['2500us', 2.5],
  ['2500µs', 2.5],
])('%s is a duration of %d ms', (text, milliseconds) => {
  expect(parseGoDuration(text)).toBeCloseTo(milliseconds, 6);
});

test.each([
  '',
  '10',
  '1d',
  'm',
  '.',
  '.s',
  '1 h',
  ' 1h',
  '1H',
  '1h30',
  '--1h',
  '1e3s',
  '9999999h',
  `${'1h'.repeat(60)}`,
])('%j is none', (text) => {
  expect(parseGoDuration(text)).toBeUndefined();
});
