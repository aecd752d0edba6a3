/** Reads YAML as kubelets do, and knows in which line everything stands. */

import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, parseAllDocuments } from 'yaml';
import { describeCause } from '../../../errors.ts';

/** The way to a value: keys of maps and indexes of lists. */
export type YamlPath = readonly (string | number)[];

/** A mistake in the text itself. */
export interface YamlMistake {
  readonly line: number | undefined;
  /** Completes "… is not valid: ". */
  readonly what: string;
}

/** A text that was read. */
export interface YamlText {
  /** What the first document says; `undefined` when it is empty or has a mistake. */
  readonly value: unknown;
  readonly mistakes: readonly YamlMistake[];
  /** Whether other documents follow, which kubelets ignore. */
  readonly hasMore: boolean;
  /** The line of a key or of an entry of a list; `undefined` where there is none. */
  readonly lineOf: (path: YamlPath) => number | undefined;
}

/** A text that is made to grow without end uses more. */
const MAX_ALIASES = 100;

const TIMESTAMP = 'tag:yaml.org,2002:timestamp';

/** Parses a text. Never throws. */
export function parseYaml(text: string): YamlText {
  const lines = new LineCounter();
  const nothing = { value: undefined, hasMore: false, lineOf: () => undefined };
  try {
    // The kubelet's parser is one of YAML 1.1, in which `yes` is true. JSON is YAML too.
    const documents = parseAllDocuments(text, {
      ...{ version: '1.1', lineCounter: lines, prettyErrors: false },
      // To a kubelet, a date is a text.
      customTags: (tags) => tags.filter((one) => typeof one === 'string' || one.tag !== TIMESTAMP),
    });
    const [document] = documents;
    if (document === undefined) return { ...nothing, mistakes: [] };
    const mistakes = document.errors.map(({ code, message, pos: [start] }) => ({
      line: lines.linePos(start).line,
      what: code === 'DUPLICATE_KEY' ? 'a key stands in it twice' : message,
    }));
    if (mistakes.length > 0) return { ...nothing, mistakes };
    const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES });
    return { value, mistakes, hasMore: documents.length > 1, lineOf: (path) => findLine(document, lines, path) };
  } catch (cause) {
    return { ...nothing, mistakes: [{ line: undefined, what: describeCause(cause) }] };
  }
}

function findLine(document: Document, lines: LineCounter, path: YamlPath): number | undefined {
  let node: unknown = document.contents;
  let offset = 0;
  for (const step of path) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === step);
      if (pair === undefined) break;
      if (isScalar(pair.key)) offset = pair.key.range?.[0] ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      node = typeof step === 'number' ? node.items[step] : undefined;
      if (isMap(node) || isScalar(node) || isSeq(node)) offset = node.range?.[0] ?? offset;
    } else break;
  }
  return lines.linePos(offset).line || undefined;
}
