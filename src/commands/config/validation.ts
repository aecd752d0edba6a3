/** Validates a configuration file: every mistake in it, with its place. */

import { parse } from 'jsonc-parser';
import { parseConfig, readConfigFile } from '../../config/config.ts';
import { findMistakes } from '../../config/mistakes.ts';
import { ConfigMistake, DEFAULT_HINT, type MistakeKind } from '../../config/object-reader.ts';
import { asJsonObject, type JsonObject } from '../../json.ts';
import { type JsonText, parseJsonText, type Span } from './json-text.ts';
import { createPositionFinder, type Position } from './source-line.ts';

/** One thing that was found in a configuration file. */
export interface Finding {
  /** An error makes `get` fail for some registry. Of what a warning is about, nothing is read. */
  readonly severity: 'error' | 'warning';
  readonly code: MistakeKind | 'syntax' | 'repeated-key';
  /** Where it is; `undefined` when it concerns the file as such. */
  readonly place: (Span & Position) | undefined;
  /** The keys that lead to it. */
  readonly keys: readonly string[];
  readonly what: string;
  readonly hint: string | undefined;
}

/** What was found in a file. */
export interface Validation {
  readonly file: string;
  /** `undefined` when there is no file, or when it must not be read. */
  readonly text: string | undefined;
  /** In the order of the file. */
  readonly findings: readonly Finding[];
}

/**
 * Validates a configuration file, with its owner and mode.
 * @param isRequired whether it is a mistake that there is no such file.
 */
export function validateFile(file: string, isRequired: boolean): Validation {
  let text: string | undefined;
  try {
    text = readConfigFile(file, isRequired);
  } catch (cause) {
    if (!(cause instanceof ConfigMistake)) throw cause;
    return {
      file,
      text: undefined,
      findings: [{ severity: 'error', code: 'file', place: undefined, keys: [], what: cause.what, hint: cause.hint }],
    };
  }
  return { file, text, findings: text === undefined ? [] : validateText(text, file) };
}

/**
 * Validates the text of a configuration.
 * @param file its name, for messages.
 */
export function validateText(text: string, file: string): readonly Finding[] {
  const json = parseJsonText(text);
  let object: JsonObject | undefined;
  const findings: Unplaced[] = [];
  try {
    object = parseConfig(text, file);
  } catch (cause) {
    if (!(cause instanceof ConfigMistake)) throw cause;
    findings.push(...describeSyntax(json, cause));
    object = readAsMeant(text, json);
  }
  for (const { isFatal, mistake } of object === undefined ? [] : findMistakes(object, file)) {
    findings.push(describe(mistake, isFatal, json.find(mistake.keys, mistake.isKey)));
  }
  for (const { key, keys, ...span } of json.repeatedKeys) {
    const hint = 'remove one of them: only the last is read';
    const what = `the key "${key}" is there more than once`;
    findings.push({ severity: 'warning', code: 'repeated-key', span, keys, what, hint });
  }
  const positionOf = createPositionFinder(text);
  return findings
    .sort((one, other) => one.span.start - other.span.start)
    .map(({ span, ...finding }) => ({ ...finding, place: { ...span, ...positionOf(span.start) } }));
}

/** A finding whose line and column are not known yet. */
type Unplaced = Omit<Finding, 'place'> & { readonly span: Span };

/** Takes what the strict parser of `get` says where the other one finds nothing. */
function describeSyntax({ syntaxMistakes, find }: JsonText, mistake: ConfigMistake): readonly Unplaced[] {
  if (syntaxMistakes.length === 0) return [describe(mistake, true, find([], false))];
  return syntaxMistakes.map(({ what, start, end }) => {
    return { severity: 'error', code: 'syntax', span: { start, end }, keys: [], what, hint: undefined };
  });
}

/** @returns what a text with comments and trailing commas means; `undefined` if nobody can tell what it means. */
function readAsMeant(text: string, { syntaxMistakes }: JsonText): JsonObject | undefined {
  if (syntaxMistakes.length === 0 || !syntaxMistakes.every(({ isHarmless }) => isHarmless)) return undefined;
  const value: unknown = parse(text);
  return asJsonObject(value);
}

function describe(mistake: ConfigMistake, isFatal: boolean, span: Span): Unplaced {
  const { kind: code, keys, what } = mistake;
  const hint = mistake.hint === DEFAULT_HINT ? undefined : mistake.hint;
  return { severity: isFatal ? 'error' : 'warning', code, span, keys, what, hint };
}
