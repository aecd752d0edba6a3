/** Whatever a client's configuration is like: configuring adds hosts and nothing else, and taking them out restores every byte. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  addHelpers,
  type EditRecord,
  maskSecrets,
  removeAuths,
  removeHelpers,
} from '../../src/commands/clients/config-text.ts';
import { asJsonObject } from '../../src/json.ts';
import { RUN_OPTIONS } from './runs.ts';

const OURS = ['myregistry.azurecr.io', 'other1.azurecr.io', 'name-hash.westeurope.geo.azurecr.io'];

const key = fc.oneof(
  fc.constantFrom('auths', 'HttpHeaders', 'psFormat', 'credsStore', 'plugins', '', '__proto__', 'constructor', 'a"\\b'),
  fc.string({ unit: 'binary' }),
);
const json = fc.jsonValue({ maxDepth: 3, stringUnit: 'binary' });
const entries = <T>(value: fc.Arbitrary<T>, keys = key) =>
  fc.uniqueArray(fc.tuple(keys, value), { selector: ([name]) => name, maxLength: 4 });
const helpers = entries(fc.constantFrom('acr-env', 'desktop', '', 'acr'), fc.oneof(fc.domain(), key));
const blank = fc.string({ unit: fc.constantFrom(' ', '\t', '\n', '\r'), maxLength: 4 });

/** Writes an object in one of the ways in which programs and people write it. */
interface Writing {
  readonly indent: string;
  readonly lineEnd: string;
  readonly colon: string;
  readonly escapes: boolean;
}
const writing: fc.Arbitrary<Writing> = fc.record({
  indent: fc.constantFrom('', ' ', '  ', '    ', '\t', 'none'),
  lineEnd: fc.constantFrom('\n', '\r\n', '\r', '', ' '),
  colon: fc.constantFrom(':', ': ', ' : ', '\t:\n'),
  escapes: fc.boolean(),
});

function write(
  members: readonly (readonly [string, string])[],
  { lineEnd, indent, colon, escapes }: Writing,
  depth: number,
) {
  const step = indent === 'none' ? '' : indent;
  const name = (text: string) =>
    escapes
      ? `"${[...Array(text.length).keys()].map((at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`).join('')}"`
      : JSON.stringify(text);
  const inner = members.map(([one, value]) => `${lineEnd}${step.repeat(depth)}${name(one)}${colon}${value}`);
  return `{${inner.join(',')}${members.length === 0 ? '' : `${lineEnd}${step.repeat(depth - 1)}`}}`;
}

const config = fc
  .record({
    others: entries(
      json,
      key.filter((name) => name.toUpperCase() !== 'CREDHELPERS'),
    ),
    helpers: fc.option(helpers, { nil: undefined }),
    at: fc.nat(4),
    root: writing,
    inner: writing,
    emptyRoot: blank,
    emptyHelpers: blank,
    before: blank,
    after: blank,
    mark: fc.constantFrom('', '', '\uFEFF'),
  })
  .map((one) => {
    const helperEntries = one.helpers?.filter(([host]) => !OURS.includes(host));
    const helperMembers = helperEntries?.map(([host, name]) => [host, JSON.stringify(name)] as const);
    const helperText =
      helperMembers === undefined
        ? []
        : [
            [
              'credHelpers',
              helperMembers.length === 0 ? `{${one.emptyHelpers}}` : write(helperMembers, one.inner, 2),
            ] as const,
          ];
    const members = one.others.map(([name, value]) => [name, JSON.stringify(value, undefined, 1)] as const);
    const all = [...members.slice(0, one.at), ...helperText, ...members.slice(one.at)];
    const root = all.length === 0 ? `{${one.emptyRoot}}` : write(all, one.root, 1);
    return `${one.mark}${one.before}${root}${one.after}`;
  });
const anyText = fc.oneof(
  { weight: 20, arbitrary: config },
  { weight: 1, arbitrary: blank },
  { weight: 1, arbitrary: fc.constantFrom(undefined, '', '\uFEFF', '\uFEFF\n', '{}', '{ }\n') },
);
const orders = fc.record({
  added: fc.shuffledSubarray(OURS, { minLength: 1 }),
  removed: fc.shuffledSubarray(OURS, { minLength: OURS.length }),
  together: fc.boolean(),
});

const parse = (text: string) => asJsonObject(JSON.parse(text.replace(/^\uFEFF/, '').trim() || '{}')) ?? {};
const withoutHelpers = (object: Readonly<Record<string, unknown>>) =>
  Object.entries(object).filter(([name]) => name !== 'credHelpers');

/** Adds hosts one by one, or at once. */
function add(text: string | undefined, hosts: readonly string[], together: boolean) {
  let state: { text: string | undefined; record: EditRecord | undefined } = { text, record: undefined };
  for (const some of together ? [hosts] : hosts.map((host) => [host])) {
    state = addHelpers(state.text, some, 'acr', state.record);
  }
  return state;
}

describe('any configuration', () => {
  test('has our hosts afterwards, and nothing else has changed', () => {
    fc.assert(
      fc.property(anyText, orders, (text, { added, together }) => {
        const { text: changed = '' } = add(text, added, together);
        const [before, after] = [parse(text ?? ''), parse(changed)];
        expect(withoutHelpers(after)).toEqual(withoutHelpers(before));
        const expected = [
          ...Object.entries(asJsonObject(before['credHelpers']) ?? {}),
          ...added.map((host) => [host, 'acr']),
        ];
        expect(Object.entries(asJsonObject(after['credHelpers']) ?? {}).toSorted()).toEqual(expected.toSorted());
        // Every byte is still there, in its order, but for the blanks in an object that was empty.
        const isFilled = ![before, before['credHelpers'] ?? [1]].some((one) => Object.keys(one).length === 0);
        let at = 0;
        for (const character of isFilled ? (text ?? '') : (text ?? '').replaceAll(/\s/g, '')) {
          at = changed.indexOf(character, at) + 1;
          expect(at).toBeGreaterThan(0);
        }
      }),
      RUN_OPTIONS,
    );
  });

  test('is byte for byte what it was after the hosts are taken out, in whatever order', () => {
    fc.assert(
      fc.property(anyText, orders, (text, { added, removed, together }) => {
        let { text: now, record } = add(text, added, together);
        for (const host of together ? [removed] : removed.map((one) => [one])) {
          if (now !== undefined) ({ text: now, record } = removeHelpers(now, host, 'acr', record));
        }
        expect(now).toBe(text);
        expect(record).toBeUndefined();
      }),
      RUN_OPTIONS,
    );
  });

  test('is byte for byte what it was after hosts come and go, under two names of the program', () => {
    const name = fc.constantFrom('acr', 'azure');
    const steps = fc.array(fc.tuple(fc.boolean(), fc.nat(9), fc.nat(9), name), { maxLength: 12 });
    fc.assert(
      fc.property(anyText, steps, (text, changes) => {
        const helpersBefore = Object.entries(asJsonObject(parse(text ?? '')['credHelpers']) ?? {});
        const hosts = [...OURS, ...helpersBefore.filter(([, name]) => name !== 'acr').map(([host]) => host)];
        const pick = (number: number) => hosts[number % hosts.length] ?? '';
        let state: { text: string | undefined; record: EditRecord | undefined } = { text, record: undefined };
        for (const [isAdded, one, other, helper] of changes) {
          const some = [pick(one), pick(other)];
          if (isAdded) state = addHelpers(state.text, some, helper, state.record, true);
          else if (state.text !== undefined) state = removeHelpers(state.text, some, helper, state.record);
        }
        for (const helper of ['acr', 'azure']) {
          if (state.text !== undefined) state = removeHelpers(state.text, hosts, helper, state.record);
        }
        expect(state.text).toBe(text);
        expect(state.record).toBeUndefined();
      }),
      RUN_OPTIONS,
    );
  });

  test('changes no more when it is configured once more', () => {
    fc.assert(
      fc.property(anyText, orders, (text, { added, together }) => {
        const once = add(text, added, together);
        const twice = addHelpers(once.text, added, 'acr', once.record);
        expect(twice).toMatchObject({ text: once.text, added: [], replaced: [], refused: [] });
      }),
      RUN_OPTIONS,
    );
  });

  test('gets back the helpers that were taken over', () => {
    fc.assert(
      fc.property(config, (text) => {
        const others = Object.keys(asJsonObject(parse(text)['credHelpers']) ?? {});
        const foreign = others.filter((host) => asJsonObject(parse(text)['credHelpers'])?.[host] !== 'acr');
        const { text: forced, record, refused } = addHelpers(text, foreign, 'acr', undefined, true);
        expect(refused).toEqual([]);
        expect(removeHelpers(forced, foreign, 'acr', record).text).toBe(text);
        expect(addHelpers(text, foreign, 'acr', undefined).text).toBe(text);
      }),
      RUN_OPTIONS,
    );
  });

  test('shows no value outside of credHelpers, and keeps its lines', () => {
    fc.assert(
      fc.property(config, (text) => {
        const masked = maskSecrets(text);
        expect(masked.split(/\r\n|\n|\r/).length).toBeLessThanOrEqual(text.split(/\r\n|\n|\r/).length);
        const shown = JSON.stringify(withoutHelpers(parse(masked)).filter(([name]) => name !== 'credsStore'));
        expect(shown).not.toMatch(/[:[,]-?\d/);
      }),
      RUN_OPTIONS,
    );
  });

  test('loses the logins that are meant, and no others', () => {
    fc.assert(
      fc.property(config, fc.string(), (text, letter) => {
        const isMeant = (name: string) => name.includes(letter);
        const { text: cleared, keys } = removeAuths(text, isMeant);
        const [before, after] = [parse(text), parse(cleared)];
        expect(Object.keys(after)).toEqual(Object.keys(before));
        const auths = Object.entries(asJsonObject(before['auths']) ?? {});
        const kept = auths.filter(([name]) => !keys.includes(name));
        expect(Object.entries(asJsonObject(after['auths']) ?? {})).toEqual(kept);
        expect(keys.every(isMeant)).toBe(true);
      }),
      RUN_OPTIONS,
    );
  });
});
