/** Finds the regular expressions in a source file: literals, and strings from which one is made. */

import { stripTypeScriptTypes } from 'node:module';
import { type AnyNode, type Function as FunctionNode, type Node, type Pattern, type Program, parse } from 'acorn';
import { fullAncestor } from 'acorn-walk';

/** A regular expression of a source file. */
export interface FoundPattern {
  readonly line: number;
  /** Its source; `undefined` when the program makes it from a text that only the run knows. */
  readonly source: string | undefined;
  readonly flags: string;
  /** The code that makes it. */
  readonly code: string;
}

/** Reads a constant string that a file imports. Returns `undefined` for anything else. */
export type ReadImport = (specifier: string, name: string) => string | undefined;

/** The module whose functions take a pattern as their third argument, and compile it with the `u` flag. */
const FIELD_MODULE = /(?:^|\/)field\.ts$/;
const FIELD_FUNCTIONS = ['text', 'texts', 'list'];
const PATTERN_ARGUMENT = 2;
/** The methods of a string that compile a string to a regular expression. */
const SEARCH_METHODS = ['match', 'matchAll', 'search'];

/**
 * Finds the regular expressions in the code of a file.
 * @param file its path, which tells whether it is the module of the fields itself.
 */
export function findPatterns(file: string, code: string, readImport: ReadImport): FoundPattern[] {
  const program = parseProgram(code);
  const fieldFunctions = listFieldFunctions(file, program);
  const found: FoundPattern[] = [];
  fullAncestor(program, (node, _state, ancestors) => {
    const add = (source: string | undefined, flags: string) =>
      found.push({ line: node.loc?.start.line ?? 0, source, flags, code: code.slice(node.start, node.end) });
    const read = (argument: AnyNode | undefined) => readString(argument, { program, ancestors, readImport });
    if (!isAnyNode(node)) return;
    if (node.type === 'Literal' && node.regex) add(node.regex.pattern, node.regex.flags);
    if (node.type === 'AssignmentPattern' && isNamed(node.left, 'pattern')) add(read(node.right), 'u');
    if (node.type !== 'CallExpression' && node.type !== 'NewExpression') return;
    const { callee, arguments: given } = node;
    if (isNamed(callee, 'RegExp')) {
      const flags = given[1] === undefined ? '' : read(given[1]);
      add(flags === undefined ? undefined : read(given[0]), flags ?? '');
    } else if (callee.type === 'Identifier' && fieldFunctions.has(callee.name)) {
      if (given[PATTERN_ARGUMENT] !== undefined) add(read(given[PATTERN_ARGUMENT]), 'u');
    } else if (callee.type === 'MemberExpression' && SEARCH_METHODS.some((name) => isNamed(callee.property, name))) {
      if (!isRegExp(given[0], ancestors)) add(read(given[0]), '');
    }
  });
  return found;
}

/**
 * Reads a constant string at the top level of a file.
 * @returns `undefined` when there is no such constant, or it is not a string.
 */
export function readConstant(code: string, name: string): string | undefined {
  const program = parseProgram(code);
  const value = findDeclaration(program, name);
  return value === undefined
    ? undefined
    : readString(value, { program, ancestors: [program], readImport: () => undefined });
}

function parseProgram(code: string): Program {
  return parse(stripTypeScriptTypes(code), { ecmaVersion: 'latest', sourceType: 'module', locations: true });
}

/** The names under which a file knows the functions that take a pattern. */
function listFieldFunctions(file: string, program: Program): Set<string> {
  if (FIELD_MODULE.test(file)) return new Set(FIELD_FUNCTIONS);
  return new Set(
    listImports(program)
      .filter(({ specifier, name }) => FIELD_MODULE.test(specifier) && FIELD_FUNCTIONS.includes(name))
      .map(({ local }) => local),
  );
}

function listImports(program: Program) {
  return program.body.flatMap((statement) => {
    if (statement.type !== 'ImportDeclaration') return [];
    const specifier = String(statement.source.value);
    return statement.specifiers.flatMap((one) =>
      one.type === 'ImportSpecifier' && one.imported.type === 'Identifier'
        ? [{ specifier, name: one.imported.name, local: one.local.name }]
        : [],
    );
  });
}

interface Scope {
  readonly program: Program;
  readonly ancestors: readonly Node[];
  readonly readImport: ReadImport;
}

/** @returns the value of an expression that is a constant string; `undefined` for any other. */
function readString(node: AnyNode | null | undefined, scope: Scope): string | undefined {
  if (node === null || node === undefined) return undefined;
  if (node.type === 'Literal') return typeof node.value === 'string' ? node.value : undefined;
  if (node.type === 'BinaryExpression' && node.operator === '+') {
    return joinStrings([readString(node.left, scope), readString(node.right, scope)]);
  }
  if (node.type === 'TemplateLiteral') {
    const values = node.expressions.map((expression) => readString(expression, scope));
    return joinStrings(
      node.quasis.flatMap(({ value }, index) => [value.cooked ?? undefined, ...values.slice(index, index + 1)]),
    );
  }
  if (node.type === 'TaggedTemplateExpression') {
    const isRaw =
      node.tag.type === 'MemberExpression' && isNamed(node.tag.object, 'String') && node.quasi.expressions.length === 0;
    return isRaw ? node.quasi.quasis[0]?.value.raw : undefined;
  }
  return node.type === 'Identifier' ? readNamed(node.name, scope) : undefined;
}

function joinStrings(parts: readonly (string | undefined)[]): string | undefined {
  return parts.includes(undefined) ? undefined : parts.join('');
}

/** Reads a constant by its name, from the innermost scope that declares it. */
function readNamed(name: string, scope: Scope): string | undefined {
  for (const ancestor of scope.ancestors.toReversed()) {
    if (!isAnyNode(ancestor)) continue;
    if (isFunction(ancestor) && ancestor.params.some((parameter) => isParameter(parameter, name))) return undefined;
    const value = findDeclaration(ancestor, name);
    if (value !== undefined) return readString(value, scope);
  }
  const imported = listImports(scope.program).find(({ local }) => local === name);
  return imported === undefined ? undefined : scope.readImport(imported.specifier, imported.name);
}

/** Finds what a block declares a constant as. */
function findDeclaration(block: AnyNode, name: string): AnyNode | undefined {
  if (block.type !== 'Program' && block.type !== 'BlockStatement') return undefined;
  for (const statement of block.body) {
    const declaration = statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement;
    if (declaration?.type !== 'VariableDeclaration' || declaration.kind !== 'const') continue;
    const declarator = declaration.declarations.find(({ id }) => isNamed(id, name));
    if (declarator?.init) return declarator.init;
  }
  return undefined;
}

/** Whether an expression is a regular expression, whose source is found where it is written. */
function isRegExp(node: AnyNode | undefined, ancestors: readonly Node[]): boolean {
  if (node?.type === 'Literal') return node.regex !== undefined;
  if (node?.type === 'NewExpression') return isNamed(node.callee, 'RegExp');
  if (node?.type !== 'Identifier') return false;
  const { name } = node;
  const value = ancestors
    .toReversed()
    .map((ancestor) => (isAnyNode(ancestor) ? findDeclaration(ancestor, name) : undefined))
    .find((declared) => declared !== undefined);
  return value !== undefined && isRegExp(value, ancestors);
}

function isParameter(parameter: Pattern, name: string): boolean {
  return isNamed(parameter.type === 'AssignmentPattern' ? parameter.left : parameter, name);
}

function isNamed(node: AnyNode, name: string): boolean {
  return node.type === 'Identifier' && node.name === name;
}

function isFunction(node: AnyNode): node is FunctionNode & AnyNode {
  return ['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression'].includes(node.type);
}

/** acorn-walk types a node by the part that all nodes have. */
function isAnyNode(node: Node): node is AnyNode {
  return 'type' in node;
}
