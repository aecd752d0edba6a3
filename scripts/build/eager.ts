/**
 * Makes V8 compile ahead the functions that every start calls.
 *
 * V8 compiles a function when it is first called, but the code cache of a main program is created before any call. Only
 * a function in parentheses, which looks as if it were called at once, is compiled together with the code around it.
 */

import { type FunctionDeclaration, parse } from 'acorn';
import { full } from 'acorn-walk';

/** The positions of a function's first character and after its last one. A method begins with its name. */
export interface FunctionRange {
  readonly start: number;
  readonly end: number;
}

/**
 * Puts the called functions in parentheses. Function declarations at the top level move to the front of the program,
 * where they are hoisted anyway. Methods cannot be in parentheses, and stay as they are.
 *
 * @param code a program without a directive such as `"use strict"`.
 * @param called the positions of the called functions in the code.
 */
export function compileAhead(code: string, called: readonly FunctionRange[]): string {
  const program = parse(code, { ecmaVersion: 'latest', sourceType: 'script', allowReturnOutsideFunction: true });
  if (program.body.some((statement) => 'directive' in statement))
    throw new Error('The program begins with a directive');
  const keys = new Set(called.map((range) => keyOf(range)));
  const isCalled = (node: FunctionRange) => keys.has(keyOf(node));

  const parentheses = new Map<number, string>();
  full(program, (node) => {
    if (node.type !== 'FunctionExpression' && node.type !== 'ArrowFunctionExpression') return;
    if (!isCalled(node)) return;
    parentheses.set(node.start, `${parentheses.get(node.start) ?? ''}(`);
    parentheses.set(node.end, `)${parentheses.get(node.end) ?? ''}`);
  });
  const places = [...parentheses.keys()].sort((one, other) => one - other);
  /** The code of a range, with its parentheses. */
  const copy = ({ start, end }: FunctionRange) => {
    let text = '';
    let at = start;
    for (const place of places.filter((one) => one >= start && one < end)) {
      text += code.slice(at, place) + parentheses.get(place);
      at = place;
    }
    return text + code.slice(at, end);
  };

  const isDeclaration = (node: { type: string }): node is FunctionDeclaration => node.type === 'FunctionDeclaration';
  const moved = program.body.filter(isDeclaration).filter(isCalled);
  const front = moved.map((declaration) => `var ${declaration.id.name} = (${copy(declaration)});\n`);
  const ends = [0, ...moved.map(({ end }) => end)];
  const kept = ends.map((start, index) => copy({ start, end: moved[index]?.start ?? code.length }));
  return [...front, ...kept].join('');
}

function keyOf({ start, end }: FunctionRange): string {
  return `${start}-${end}`;
}
