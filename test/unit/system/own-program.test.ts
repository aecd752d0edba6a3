/** What the program knows of its own file. */
import { expect, test } from 'vitest';
import { findOwnProgram } from '../../../src/system/own-program.ts';
import { FORM } from '../../../src/version.ts';

test('from its sources the program has no file of its own', () => {
  expect(FORM).toBe('sources');
  expect(findOwnProgram()).toBeUndefined();
});
