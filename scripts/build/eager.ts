/**
 * Has V8 compile ahead what every start calls.
 *
 * V8 compiles a function when it is first called, and the code cache of a main program is made before anything is: only
 * a function in parentheses, which looks as if it were called at once, is compiled together with what is around it.
 */

import { type FunctionDeclaration, parse } from 'acorn';
import { full } from 'acorn-walk';

/** From the first character of a function to after its last; a method begins with its name. */
export interface FunctionRange {
  readonly start: number;
  readonly end: number;
}

/**
 * Puts the functions that are called in parentheses. Those declared at the top move to the front of the program: they
 * are known from there on already. Methods cannot be put so, and stay as they are.
 *
 * @param code a program without a directive such as `"use strict"`.
 * @param called where in it the functions are that are called.
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
