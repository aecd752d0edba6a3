/** The lines of `doctor` at a terminal. */
import { describe, expect, test } from 'vitest';
import type { CheckResult } from '../../../../src/commands/doctor/check.ts';
import { formatResults } from '../../../../src/commands/doctor/result-text.ts';

const plain = (_format: unknown, text: string) => text;
const FIX = 'az role assignment create --role AcrPull --assignee 11111111-2222-4333-8444-555555555555';
const RESULT: CheckResult = {
  check: 'exchange',
  status: 'problem',
  what: 'the registry accepts the identity, but its roles allow no pull',
  causes: ['the registry said that the identity has no role'],
  fix: FIX,
};

describe('formatResults', () => {
  test('breaks long texts below each other, but nothing that is to be copied', () => {
    expect(formatResults([RESULT], plain, 60).split('\n')).toEqual([
      '✗ exchange              the registry accepts the identity,',
      '                        but its roles allow no pull',
      '                        cause: the registry said that the',
      '                        identity has no role',
      `                        fix: ${FIX}`,
      '',
    ]);
  });

  test('breaks nothing without a terminal', () => {
    expect(formatResults([RESULT], plain).split('\n')).toHaveLength(4);
  });
});
