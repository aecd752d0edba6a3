/** Compiling functions ahead does not change what a program does. */

import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { compileAhead, type FunctionRange } from '../../../scripts/build/eager.ts';

describe('compileAhead', () => {
  const rows: readonly (readonly [what: string, code: string, called: readonly string[], ahead: string])[] = [
    [
      'moves a called declaration to the front, before the first statement',
      'const result = one(); function one() { return 1; }',
      ['function one() { return 1; }'],
      'var one = (function one() { return 1; });\nconst result = one(); ',
    ],
    [
      'keeps the order of declarations, and of the statements between them',
      'function one() { return 1; } let n = one(); function two() { return n + 1; } n = two();',
      ['function one() { return 1; }', 'function two() { return n + 1; }'],
      'var one = (function one() { return 1; });\nvar two = (function two() { return n + 1; });\n let n = one();  n = two();',
    ],
    ['wraps an arrow function', 'const f = (a) => a + 1; f(1);', ['(a) => a + 1'], 'const f = ((a) => a + 1); f(1);'],
    [
      'wraps a function expression',
      'const f = async function* () { yield 1; }; f();',
      ['async function* () { yield 1; }'],
      'const f = (async function* () { yield 1; }); f();',
    ],
    [
      'wraps a function inside a declaration that moves',
      'let n = [1, 2].map((a) => one(a)); function one(a) { return [a].map((b) => b + 1); }',
      ['function one(a) { return [a].map((b) => b + 1); }', '(b) => b + 1'],
      'var one = (function one(a) { return [a].map(((b) => b + 1)); });\nlet n = [1, 2].map((a) => one(a)); ',
    ],
    [
      'wraps two functions that end together',
      'const f = (a) => (b) => a + b; f(1)(2);',
      ['(a) => (b) => a + b', '(b) => a + b'],
      'const f = ((a) => ((b) => a + b)); f(1)(2);',
    ],
    [
      'leaves a method as it is',
      'class A { one() { return 1; } } const a = { two() { return new A().one(); } }; a.two();',
      ['one() { return 1; }', 'two() { return new A().one(); }'],
      'class A { one() { return 1; } } const a = { two() { return new A().one(); } }; a.two();',
    ],
    [
      'leaves a function that is not called as it is',
      'function one() { return 1; } const two = () => 2; two();',
      [],
      'function one() { return 1; } const two = () => 2; two();',
    ],
  ];
  for (const [what, code, called, ahead] of rows) {
    it(what, () => {
      const made = compileAhead(
        code,
        called.map((text) => rangeOf(code, text)),
      );
      expect(made).toBe(ahead);
      expect(evaluate(made)).toEqual(evaluate(code));
    });
  }

  it('keeps the names of functions', () => {
    const code = 'const f = () => 1; function g() { return f.name + g.name; } g();';
    const called = [rangeOf(code, '() => 1'), rangeOf(code, 'function g() { return f.name + g.name; }')];
    expect(evaluate(compileAhead(code, called))).toBe('fg');
  });
});

it('compileAhead rejects a program with a directive, which has to come first', () => {
  expect(() => compileAhead('"use strict"; function one() {}', [])).toThrow('directive');
});

function rangeOf(code: string, text: string): FunctionRange {
  const start = code.indexOf(text);
  expect(start).toBeGreaterThanOrEqual(0);
  return { start, end: start + text.length };
}

function evaluate(code: string): unknown {
  return JSON.parse(JSON.stringify({ value: runInNewContext(code) })).value;
}
