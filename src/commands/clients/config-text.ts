/**
 * Changes the text of a client's configuration without touching any byte that has nothing to do with it: adds hosts to
 * `credHelpers`, removes them again, and removes logins from `auths`.
 */

import { type Node, type ParseError, parseTree } from 'jsonc-parser';

/** The text cannot be changed safely. Its message says why, and quotes nothing of the text. */
export class ConfigTextError extends Error {
  override readonly name = 'ConfigTextError';
}

/** What a text was like before hosts were added, as far as the text with them does not show it. */
export interface Before {
  /** The whole text, where it held only blanks; `undefined` where it held an object. */
  readonly blankText?: string;
  /** What stood between the braces of the empty object. */
  readonly rootBlank?: string;
  /** What stood between the braces of an empty `credHelpers`. */
  readonly helpersBlank?: string;
}

/** What must be known to take the hosts out again. Holds no secret. */
export interface EditRecord {
  /** Whether there was no file. */
  readonly isCreated: boolean;
  readonly before: Before;
  /** The hosts that were added; the value, as the text had it, where another helper was replaced. */
  readonly hosts: ReadonlyMap<string, string | undefined>;
  /** The helper that each host was given: the program may be called by several names. */
  readonly helpers: ReadonlyMap<string, string>;
}

/** A host and the helper that the text names for it. */
export interface HelperEntry {
  readonly host: string;
  readonly helper: string;
}

/** What adding hosts does. */
export interface Added {
  readonly text: string;
  readonly record: EditRecord | undefined;
  readonly added: readonly string[];
  /** The hosts that another helper served until now. */
  readonly replaced: readonly HelperEntry[];
  /** The hosts that stay with another helper. */
  readonly refused: readonly HelperEntry[];
}

/** What removing hosts does. */
export interface Removed {
  /** `undefined` when there was no file before the hosts were added: it can go. */
  readonly text: string | undefined;
  readonly record: EditRecord | undefined;
  readonly removed: readonly string[];
  /** The hosts that another helper serves again. */
  readonly restored: readonly HelperEntry[];
}

/** What removing logins does. */
export interface Cleared {
  readonly text: string;
  /** The keys of `auths` that are gone. */
  readonly keys: readonly string[];
}

interface Member {
  readonly key: string;
  readonly start: number;
  readonly keyEnd: number;
  readonly valueStart: number;
  readonly end: number;
  readonly value: Node;
}

interface ObjectText {
  /** Right behind the opening brace. */
  readonly innerStart: number;
  /** At the closing brace. */
  readonly innerEnd: number;
  readonly members: readonly Member[];
}

interface ConfigText {
  readonly root: ObjectText;
  readonly helpers: ObjectText | undefined;
}

const HELPERS = 'credHelpers';
const AUTHS = 'auths';
const BYTE_ORDER_MARK = '\uFEFF';
const BLANK = /^[ \t\r\n]*$/;
/** What Docker writes. */
const NEW_FILE = { lineEnd: '\n', indent: '\t' };

/** Whether a text holds nothing, which Docker reads as an empty configuration. */
export function isBlank(text: string): boolean {
  return BLANK.test(text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text);
}

/**
 * Adds hosts to `credHelpers`.
 * @param text `undefined` when there is no file.
 * @param record what is known of an earlier change, if anything.
 * @param isForced whether hosts of another helper are taken over.
 * @throws ConfigTextError
 */
export function addHelpers(
  text: string | undefined,
  hosts: readonly string[],
  helper: string,
  record: EditRecord | undefined,
  isForced = false,
): Added {
  const isFilled = text !== undefined && !isBlank(text);
  const config = parseConfigText(isFilled ? text : '{}');
  const current = readHelpers(config.helpers);
  const added: string[] = [];
  const replaced: HelperEntry[] = [];
  const refused: HelperEntry[] = [];
  for (const host of new Set(hosts)) {
    const other = current.get(host);
    if (other === helper) continue;
    if (other === undefined) added.push(host);
    else (isForced ? replaced : refused).push({ host, helper: other });
  }
  const kept = isFilled ? keepIfFitting(record, current) : undefined;
  if (added.length + replaced.length === 0) return { text: text ?? '', record: kept, added, replaced, refused };

  // Other programs may stumble over the mark, but it is not ours.
  const base = isFilled ? text : `${text?.startsWith(BYTE_ORDER_MARK) === true ? BYTE_ORDER_MARK : ''}{}`;
  const before: Before = {
    ...(isFilled || text === undefined ? {} : { blankText: text }),
    ...(isFilled && config.root.members.length === 0 ? { rootBlank: innerText(base, config.root) } : {}),
    ...(config.helpers?.members.length === 0 ? { helpersBlank: innerText(base, config.helpers) } : {}),
  };
  const start = kept ?? { isCreated: text === undefined, before, hosts: new Map<string, string | undefined>() };
  const named = [...added, ...replaced.map(({ host }) => host)].map((host) => [host, helper] as const);
  const values = new Map(config.helpers?.members.map((member) => [member.key, valueText(base, member)]));
  const changed = new Map([...start.hosts, ...added.map((host) => [host, undefined] as const)]);
  for (const { host } of replaced) {
    // A second helper that came in between is not what there was at first.
    if (!changed.has(host)) changed.set(host, values.get(host));
  }
  const withReplaced = replaceValues(base, config.helpers, replaced, helper);
  return {
    text: insertHosts(withReplaced, added, helper),
    record: { ...start, hosts: changed, helpers: new Map([...(kept?.helpers ?? []), ...named]) },
    added,
    replaced,
    refused,
  };
}

/**
 * Removes hosts from `credHelpers` whose helper is this one. Without a fitting record, an emptied `credHelpers` goes.
 * @throws ConfigTextError
 */
export function removeHelpers(
  text: string,
  hosts: readonly string[],
  helper: string,
  record: EditRecord | undefined,
): Removed {
  if (isBlank(text)) return { text, record: undefined, removed: [], restored: [] };
  const config = parseConfigText(text);
  const current = readHelpers(config.helpers);
  const removed = [...new Set(hosts)].filter((host) => current.get(host) === helper);
  const known = keepIfFitting(record, current);
  if (config.helpers === undefined || removed.length === 0) return { text, record: known, removed, restored: [] };

  const earlier = removed.flatMap((host) => {
    const value = known?.hosts.get(host);
    return value === undefined ? [] : [{ host, value, helper: String(JSON.parse(value)) }];
  });
  const isKept = new Set(earlier.map(({ host }) => host));
  const gone = new Set(removed.filter((host) => !isKept.has(host)));
  let changed = spliceAll(
    text,
    config.helpers.members.flatMap(({ key, valueStart, end }) => {
      const value = earlier.find(({ host }) => host === key)?.value;
      return value === undefined ? [] : [{ start: valueStart, end, text: value }];
    }),
  );
  const helpersNow = parseConfigText(changed).helpers;
  if (helpersNow !== undefined) changed = removeMembers(changed, helpersNow, (key) => gone.has(key));
  const isOurs = removed.some((host) => known?.hosts.has(host) === true);
  const rest = new Map([...(known?.hosts ?? [])].filter(([host]) => !removed.includes(host)));
  const restHelpers = new Map([...(known?.helpers ?? [])].filter(([host]) => rest.has(host)));
  return {
    text: dropEmptied(changed, isOurs ? known : undefined),
    record: known === undefined || rest.size === 0 ? undefined : { ...known, hosts: rest, helpers: restHelpers },
    removed,
    restored: earlier.map(({ host, helper: name }) => ({ host, helper: name })),
  };
}

/**
 * Removes the entries of `auths` for which `isMeant` holds. An emptied `auths` stays.
 * @throws ConfigTextError
 */
export function removeAuths(text: string, isMeant: (key: string) => boolean): Cleared {
  if (isBlank(text)) return { text, keys: [] };
  const member = parseConfigText(text).root.members.find(({ key }) => key === AUTHS);
  const auths = member === undefined ? undefined : readObject(text, member.value);
  if (auths === undefined) return { text, keys: [] };
  const keys = auths.members.filter(({ key, value }) => isMeant(key) && hasMembers(value)).map(({ key }) => key);
  return { text: removeMembers(text, auths, (key) => keys.includes(key)), keys };
}

/**
 * Hides every value that may be a secret, which is every one that is not about helpers, and keeps the lines as they are.
 * @throws ConfigTextError
 */
export function maskSecrets(text: string): string {
  if (isBlank(text)) return text;
  const shown = [HELPERS, 'credsStore'];
  const { members } = parseConfigText(text).root;
  const open = members.filter(({ key }) => !shown.includes(key)).map(({ value }) => value);
  const hidden: Splice[] = [];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    const { type, offset, length, children = [] } = node;
    if (type === 'string' || type === 'number') hidden.push({ start: offset, end: offset + length, text: '"***"' });
    open.push(...(type === 'property' ? children.slice(1) : children));
  }
  return spliceAll(
    text,
    hidden.toSorted((one, other) => one.start - other.start),
  );
}

/** Throws unless the text is one that can be changed. @throws ConfigTextError */
export function assertEditable(text: string): void {
  if (!isBlank(text)) parseConfigText(text);
}

/** @throws ConfigTextError */
function parseConfigText(text: string): ConfigText {
  const root = readObject(text, parseStrictly(text));
  if (root === undefined) throw new ConfigTextError('it does not hold a JSON object');
  const names = root.members.map(({ key }) => key);
  refuseTwice(names, 'it');
  // Go ignores the case of a key, so Docker would read such a second one as the same.
  if (names.some((name) => name !== HELPERS && isReadAs(name, HELPERS))) {
    throw new ConfigTextError(`it spells "${HELPERS}" with other letters`);
  }
  const member = root.members.find(({ key }) => key === HELPERS);
  if (member === undefined) return { root, helpers: undefined };
  const helpers = readObject(text, member.value);
  if (helpers === undefined) throw new ConfigTextError(`its "${HELPERS}" is not an object`);
  if (helpers.members.some(({ value }) => value.type !== 'string')) {
    throw new ConfigTextError(`a value in its "${HELPERS}" is not a text`);
  }
  refuseTwice(
    helpers.members.map(({ key }) => key),
    `its "${HELPERS}"`,
  );
  return { root, helpers };
}

function parseStrictly(text: string): Node {
  // The parser's offsets then count from the mark on.
  const mark = text.startsWith(BYTE_ORDER_MARK) ? 1 : 0;
  const body = mark === 0 ? text : ` ${text.slice(mark)}`;
  const errors: ParseError[] = [];
  let tree: Node | undefined;
  let isStrict = true;
  try {
    tree = parseTree(body, errors, { disallowComments: true, allowTrailingComma: false });
    JSON.parse(body);
  } catch (cause) {
    if (cause instanceof RangeError) throw new ConfigTextError('it is nested too deeply');
    isStrict = false;
  }
  if (isStrict && errors.length === 0 && tree !== undefined) return tree;
  const offset = errors[0]?.offset;
  throw new ConfigTextError(`it is not valid JSON${offset === undefined ? '' : ` at ${describePlace(body, offset)}`}`);
}

function describePlace(text: string, offset: number): string {
  const lines = text.slice(0, offset).split(/\r\n|\n|\r/);
  return `line ${lines.length} column ${(lines.at(-1)?.length ?? 0) + 1}`;
}

function refuseTwice(names: readonly string[], where: string): void {
  if (new Set(names).size < names.length) throw new ConfigTextError(`${where} names a key twice`);
}

function isReadAs(name: string, key: string): boolean {
  return name.toLowerCase().toUpperCase() === key.toUpperCase();
}

function readObject(text: string, node: Node): ObjectText | undefined {
  if (node.type !== 'object') return undefined;
  const members = (node.children ?? []).flatMap(({ children = [] }) => {
    const [key, value] = children;
    if (key === undefined || value === undefined) return [];
    return [
      {
        key: String(JSON.parse(text.slice(key.offset, key.offset + key.length))),
        start: key.offset,
        keyEnd: key.offset + key.length,
        valueStart: value.offset,
        end: value.offset + value.length,
        value,
      },
    ];
  });
  return { innerStart: node.offset + 1, innerEnd: node.offset + node.length - 1, members };
}

function readHelpers(helpers: ObjectText | undefined): ReadonlyMap<string, string> {
  return new Map(helpers?.members.map(({ key, value }) => [key, String(value.value)]));
}

function hasMembers(node: Node): boolean {
  return node.type === 'object' && (node.children ?? []).length > 0;
}

/** A record of a text that no longer names any of its hosts is about another text. */
function keepIfFitting(record: EditRecord | undefined, current: ReadonlyMap<string, string>): EditRecord | undefined {
  if (record === undefined) return undefined;
  const helpers = new Map([...record.helpers].filter(([host, helper]) => current.get(host) === helper));
  const hosts = new Map([...record.hosts].filter(([host]) => helpers.has(host)));
  return hosts.size === 0 ? undefined : { ...record, hosts, helpers };
}

interface Splice {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Replaces parts of a text, given in their order. */
function spliceAll(text: string, splices: readonly Splice[]): string {
  const parts: string[] = [];
  let copied = 0;
  for (const { start, end, text: part } of splices) {
    parts.push(text.slice(copied, start), part);
    copied = end;
  }
  return [...parts, text.slice(copied)].join('');
}

function innerText(text: string, { innerStart, innerEnd }: ObjectText): string {
  return text.slice(innerStart, innerEnd);
}

function valueText(text: string, { valueStart, end }: Member): string {
  return text.slice(valueStart, end);
}

function replaceValues(
  text: string,
  helpers: ObjectText | undefined,
  replaced: readonly HelperEntry[],
  helper: string,
): string {
  const hosts = new Set(replaced.map(({ host }) => host));
  const members = helpers?.members.filter(({ key }) => hosts.has(key)) ?? [];
  return spliceAll(
    text,
    members.map(({ valueStart, end }) => ({ start: valueStart, end, text: JSON.stringify(helper) })),
  );
}

/** Adds hosts behind the last entry, in the style of the entries that are there. */
function insertHosts(text: string, hosts: readonly string[], helper: string): string {
  if (hosts.length === 0) return text;
  const { root, helpers } = parseConfigText(text);
  const style = readStyle(text, root);
  const last = helpers?.members.at(-1);
  if (helpers !== undefined && last !== undefined) {
    const separator = separatorOf(text, helpers);
    const colon = text.slice(last.keyEnd, last.valueStart);
    const entries = hosts.map((host) => `${separator}${JSON.stringify(host)}${colon}${JSON.stringify(helper)}`);
    return spliceAll(text, [{ start: last.end, end: last.end, text: entries.join('') }]);
  }
  const entries = hosts.map((host) => `${JSON.stringify(host)}${style.colon}${JSON.stringify(helper)}`);
  const inner = style.inner(entries);
  if (helpers !== undefined)
    return spliceAll(text, [{ start: helpers.innerStart, end: helpers.innerEnd, text: inner }]);
  const member = `"${HELPERS}"${style.colon}{${inner}}`;
  const lastOfAll = root.members.at(-1);
  if (lastOfAll !== undefined) {
    return spliceAll(text, [{ start: lastOfAll.end, end: lastOfAll.end, text: `${separatorOf(text, root)}${member}` }]);
  }
  const { lineEnd, indent } = { ...NEW_FILE, lineEnd: text.includes('\r\n') ? '\r\n' : NEW_FILE.lineEnd };
  return spliceAll(text, [
    { start: root.innerStart, end: root.innerEnd, text: `${lineEnd}${indent}${member}${lineEnd}` },
  ]);
}

interface Style {
  /** What stands between a key and its value. */
  readonly colon: string;
  /** What stands between the braces of an object within the outermost one. */
  readonly inner: (entries: readonly string[]) => string;
}

/** Finds out how the outermost object is written. */
function readStyle(text: string, root: ObjectText): Style {
  const last = root.members.at(-1);
  const colon = last === undefined ? ': ' : text.slice(last.keyEnd, last.valueStart);
  const lead = last === undefined ? undefined : text.slice(root.innerStart, root.members[0]?.start);
  if (lead !== undefined && !/[\r\n]/.test(lead)) {
    const comma = /^:[ \t]/.test(colon) || lead !== '' ? ', ' : ',';
    return { colon, inner: (entries) => `${lead}${entries.join(comma)}${lead}` };
  }
  const lineEnd = /\r\n|\n|\r/.exec(lead ?? text)?.[0] ?? NEW_FILE.lineEnd;
  const indent = lead === undefined ? NEW_FILE.indent : afterLine(lead);
  const outer = lead === undefined ? '' : afterLine(text.slice(last?.end, root.innerEnd));
  const unit = indent.startsWith(outer) ? indent.slice(outer.length) : indent;
  const newLine = `${lineEnd}${indent}${unit}`;
  return { colon, inner: (entries) => `${newLine}${entries.join(`,${newLine}`)}${lineEnd}${indent}` };
}

/** The blanks behind the last line end. */
function afterLine(blanks: string): string {
  const end = Math.max(blanks.lastIndexOf('\n'), blanks.lastIndexOf('\r'));
  return end < 0 ? '' : blanks.slice(end + 1);
}

/** What stands between two members of an object that has at least one. */
function separatorOf(text: string, { innerStart, members }: ObjectText): string {
  const [before, last] = [members.at(-2), members.at(-1)];
  if (last === undefined) return '';
  if (before !== undefined) return text.slice(before.end, last.start);
  const lead = text.slice(innerStart, last.start);
  return lead === '' && /^:[ \t]/.test(text.slice(last.keyEnd, last.valueStart)) ? ', ' : `,${lead}`;
}

/** Removes members, each with the comma and the blanks that separate it from the one before, else from the next. */
function removeMembers(text: string, object: ObjectText, isGone: (key: string) => boolean): string {
  const { innerStart, innerEnd, members } = object;
  const kept = members.findIndex(({ key }) => !isGone(key));
  if (kept < 0) return members.length === 0 ? text : spliceAll(text, [{ start: innerStart, end: innerEnd, text: '' }]);
  const splices: Splice[] = [];
  const first = members[0];
  const firstKept = members[kept];
  if (kept > 0 && first !== undefined && firstKept !== undefined) {
    splices.push({ start: first.start, end: firstKept.start, text: '' });
  }
  for (const [index, { key, end }] of members.entries()) {
    const before = members[index - 1];
    if (index > kept && before !== undefined && isGone(key)) splices.push({ start: before.end, end, text: '' });
  }
  return spliceAll(text, splices);
}

/** Puts an emptied `credHelpers`, object or file back to what it was. @returns `undefined` when there was no file. */
function dropEmptied(text: string, record: EditRecord | undefined): string | undefined {
  const { root, helpers } = parseConfigText(text);
  if (helpers === undefined || helpers.members.length > 0) return text;
  const { blankText, rootBlank, helpersBlank } = record?.before ?? {};
  if (helpersBlank !== undefined) {
    return spliceAll(text, [{ start: helpers.innerStart, end: helpers.innerEnd, text: helpersBlank }]);
  }
  const changed = removeMembers(text, root, (key) => key === HELPERS);
  const { root: rest } = parseConfigText(changed);
  if (rest.members.length > 0) return changed;
  const start = changed.startsWith(BYTE_ORDER_MARK) ? 1 : 0;
  const isWhole = rest.innerStart === start + 1 && rest.innerEnd === changed.length - 1;
  if (isWhole && record?.isCreated === true) return undefined;
  if (isWhole && blankText !== undefined) return blankText;
  return spliceAll(changed, [{ start: rest.innerStart, end: rest.innerEnd, text: rootBlank ?? '' }]);
}
