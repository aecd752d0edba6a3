/** The texts and codes of what the system and libraries throw, and the program's own error. */
import { openSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { CredentialError, describeCause, describeEnd, readErrorCode } from '../../src/errors.ts';

describe('describeCause', () => {
  const rows: readonly (readonly [name: string, cause: unknown, text: string])[] = [
    ['a message', new Error('no space'), 'no space'],
    ['a message and a code', Object.assign(new Error('no space'), { code: 'ENOSPC' }), 'ENOSPC: no space'],
    ['a code that the message has', Object.assign(new Error('ENOSPC: full'), { code: 'ENOSPC' }), 'ENOSPC: full'],
    ['a code and no message', Object.assign(new Error(''), { code: 'ENOSPC' }), 'ENOSPC'],
    ['a code that is a number', Object.assign(new Error('full'), { code: 28 }), 'full'],
    ['only a name', new TypeError(''), 'TypeError'],
    ['a string', 'full', 'full'],
    ['undefined', undefined, 'undefined'],
    ['null', null, 'null'],
    ['a number', 7, '7'],
  ];
  for (const [name, cause, text] of rows) {
    test(`returns "${text}" for ${name}`, () => {
      expect(describeCause(cause)).toBe(text);
    });
  }
});

describe('readErrorCode', () => {
  const rows: readonly (readonly [name: string, cause: unknown, code: string | undefined])[] = [
    ['an error with a code', Object.assign(new Error('x'), { code: 'ENOENT' }), 'ENOENT'],
    ['an object with a code', { code: 'ENOENT' }, 'ENOENT'],
    ['a code that is a number', { code: 2 }, undefined],
    ['an error without a code', new Error('ENOENT'), undefined],
    ['a string', 'ENOENT', undefined],
    ['null', null, undefined],
    ['undefined', undefined, undefined],
  ];
  for (const [name, cause, code] of rows) {
    test(`returns ${code ?? 'nothing'} for ${name}`, () => {
      expect(readErrorCode(cause)).toBe(code);
    });
  }

  test("returns the operating system's own code", () => {
    let caught: unknown;
    try {
      openSync('/there/is/no/such/file', 'r');
    } catch (cause) {
      caught = cause;
    }
    expect(readErrorCode(caught)).toBe('ENOENT');
  });
});

describe('CredentialError', () => {
  test('has only a code and a message when it is given nothing else', () => {
    const failure = new CredentialError('BUSY', 'Cannot do it: it is busy');
    expect(failure).toBeInstanceOf(Error);
    expect(failure).toMatchObject({ name: 'CredentialError', code: 'BUSY', message: 'Cannot do it: it is busy' });
    expect(failure.causes).toEqual([]);
    expect(failure.hint).toBeUndefined();
    expect('cause' in failure).toBe(false);
  });

  test('keeps the causes, the hint and the cause that it is given', () => {
    const cause = new Error('below');
    const failure = new CredentialError('BUSY', 'Cannot do it', { causes: ['one', 'two'], hint: 'wait', cause });
    expect(failure.causes).toEqual(['one', 'two']);
    expect(failure.hint).toBe('wait');
    expect(failure.cause).toBe(cause);
  });
});

test('describeEnd has the code of our own errors, and the reason of any', () => {
  expect(describeEnd(new CredentialError('BUSY', 'Cannot do it'))).toEqual({ code: 'BUSY', reason: 'Cannot do it' });
  expect(describeEnd(new Error('below'))).toEqual({ reason: 'below' });
  expect(describeEnd('thrown')).toEqual({ reason: 'thrown' });
});
