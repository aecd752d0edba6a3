import { describe, expect, test } from 'vitest';
import {
  addHelpers,
  ConfigTextError,
  type EditRecord,
  maskSecrets,
  removeAuths,
  removeHelpers,
} from '../../../../src/commands/clients/config-text.ts';

const HOST = 'myregistry.azurecr.io';
const OTHER = 'other1.azurecr.io';

const add = (text: string | undefined, ...hosts: readonly string[]) => addHelpers(text, hosts, 'acr', undefined);

describe('adding a host', () => {
  test.each<[string, string | undefined, string]>([
    ['no file', undefined, `{\n\t"credHelpers": {\n\t\t"${HOST}": "acr"\n\t}\n}`],
    ['an empty file', '', `{\n\t"credHelpers": {\n\t\t"${HOST}": "acr"\n\t}\n}`],
    ['blanks', ' \r\n', `{\n\t"credHelpers": {\n\t\t"${HOST}": "acr"\n\t}\n}`],
    ['an empty object', '{}\n', `{\n\t"credHelpers": {\n\t\t"${HOST}": "acr"\n\t}\n}\n`],
    [
      'an empty object with a line end of Windows',
      '{ }\r\n',
      `{\r\n\t"credHelpers": {\r\n\t\t"${HOST}": "acr"\r\n\t}\r\n}\r\n`,
    ],
    [
      'tabs, as docker writes',
      '{\n\t"auths": {}\n}',
      `{\n\t"auths": {},\n\t"credHelpers": {\n\t\t"${HOST}": "acr"\n\t}\n}`,
    ],
    ['two spaces', '{\n  "a": 1\n}\n', `{\n  "a": 1,\n  "credHelpers": {\n    "${HOST}": "acr"\n  }\n}\n`],
    [
      'four spaces and \\r\\n',
      '{\r\n    "a": 1\r\n}',
      `{\r\n    "a": 1,\r\n    "credHelpers": {\r\n        "${HOST}": "acr"\r\n    }\r\n}`,
    ],
    ['lines without indentation', '{\n"a": 1\n}', `{\n"a": 1,\n"credHelpers": {\n"${HOST}": "acr"\n}\n}`],
    ['one line', '{"a":1}', `{"a":1,"credHelpers":{"${HOST}":"acr"}}`],
    ['one line with spaces', '{"a": 1, "b": 2}', `{"a": 1, "b": 2, "credHelpers": {"${HOST}": "acr"}}`],
    ['one line with a space in the braces', '{ "a": 1 }', `{ "a": 1, "credHelpers": { "${HOST}": "acr" } }`],
    ['a byte-order mark', '\uFEFF{"a":1}', `\uFEFF{"a":1,"credHelpers":{"${HOST}":"acr"}}`],
    [
      'an empty credHelpers',
      '{\n  "credHelpers": {},\n  "z": 1\n}',
      `{\n  "credHelpers": {\n    "${HOST}": "acr"\n  },\n  "z": 1\n}`,
    ],
    [
      'another host',
      '{\n\t"credHelpers": {\n\t\t"a": "b"\n\t}\n}',
      `{\n\t"credHelpers": {\n\t\t"a": "b",\n\t\t"${HOST}": "acr"\n\t}\n}`,
    ],
    [
      'other hosts in one line',
      '{"credHelpers":{"a":"b", "c":"d"} }',
      `{"credHelpers":{"a":"b", "c":"d", "${HOST}":"acr"} }`,
    ],
    ['a key that is escaped', '{"cred\\u0048elpers":{"a":"b"}}', `{"cred\\u0048elpers":{"a":"b","${HOST}":"acr"}}`],
    ['a comma on a line of its own', '{"a":1\n,"b":2}', `{"a":1\n,"b":2\n,"credHelpers":{"${HOST}":"acr"}}`],
  ])('to %s', (_name, text, expected) => {
    expect(add(text, HOST).text).toBe(expected);
  });

  test('that is there, even under an escaped key, changes nothing', () => {
    const text = '{"credHelpers":{"my\\u0072egistry.azurecr.io":"acr"}}';
    expect(add(text, HOST)).toEqual({ text, record: undefined, added: [], replaced: [], refused: [] });
  });

  test('adds each host once', () => {
    expect(add('{"a":1}', HOST, OTHER, HOST).text).toBe(`{"a":1,"credHelpers":{"${HOST}":"acr","${OTHER}":"acr"}}`);
  });

  test.each(['acr-env', 'desktop', ''])('of the helper "%s" is refused, and replaced by force', (helper) => {
    const text = `{"credHelpers":{"${HOST}" : "${helper}" , "a":"b"}}`;
    expect(add(text, HOST)).toMatchObject({ text, added: [], refused: [{ host: HOST, helper }] });
    const forced = addHelpers(text, [HOST], 'acr', undefined, true);
    expect(forced).toMatchObject({ added: [], replaced: [{ host: HOST, helper }], refused: [] });
    expect(forced.text).toBe(`{"credHelpers":{"${HOST}" : "acr" , "a":"b"}}`);
    const back = removeHelpers(forced.text, [HOST], 'acr', forced.record);
    expect(back).toMatchObject({ text, restored: [{ host: HOST, helper }], record: undefined });
    // Without the record it only goes.
    expect(removeHelpers(forced.text, [HOST], 'acr', undefined).text).toBe('{"credHelpers":{"a":"b"}}');
  });
});

describe('a text is refused when', () => {
  test.each([
    ['it is cut off', '{"auths":{', /^it is not valid JSON at line 1 column \d+$/],
    ['it has a comment', '{\n  // mine\n  "a": 1\n}', /at line 2 column 3$/],
    ['it has a trailing comma', '{"a":1,}', /not valid JSON/],
    ['a trailing comma is in an array', '{"a":[1,]}', /not valid JSON/],
    ['it has two objects', '{}{}', /not valid JSON/],
    ['it has single quotes', "{'a':1}", /not valid JSON/],
    ['a number is not JSON', '{"a":01}', /not valid JSON/],
    ['it has a control character in a text', '{"a":"\u0001"}', /not valid JSON/],
    ['it has a wrong escape', '{"a":"\\x41"}', /not valid JSON/],
    ['it has a blank that JSON does not know', '{\u00A0}', /not valid JSON/],
    ['it has two byte-order marks', '\uFEFF\uFEFF{}', /not valid JSON/],
    ['it is an array', '[]', /does not hold a JSON object/],
    ['it is null', 'null', /does not hold a JSON object/],
    ['it is a text', '"{}"', /does not hold a JSON object/],
    ['a key stands twice', '{"a":1,"a":2}', /^it names a key twice$/],
    ['a key stands twice, once escaped', '{"a":1,"\\u0061":2}', /^it names a key twice$/],
    ['a host stands twice', '{"credHelpers":{"a":"b","a":"c"}}', /^its "credHelpers" names a key twice$/],
    ['credHelpers is an array', '{"credHelpers":[]}', /^its "credHelpers" is not an object$/],
    ['credHelpers is null', '{"credHelpers":null}', /^its "credHelpers" is not an object$/],
    ['a helper is a number', '{"credHelpers":{"a":1}}', /^a value in its "credHelpers" is not a text$/],
    ['credHelpers has another case, which Go does not see', '{"CredHelpers":{}}', /with other letters$/],
    ['credHelpers has a letter that Go takes for an s', '{"credHelper\u017F":{}}', /with other letters$/],
    ['it is nested too deeply', `{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}`, /^it is nested too deeply$/],
  ])('%s', (_name, text, message) => {
    for (const change of [
      () => add(text, HOST),
      () => removeHelpers(text, [HOST], 'acr', undefined),
      () => removeAuths(text, () => true),
      () => maskSecrets(text),
    ]) {
      expect(change).toThrow(ConfigTextError);
      expect(change).toThrow(message);
    }
  });
});

describe('removing a host', () => {
  test.each<[string, string, string]>([
    ['the only one', `{"a":1,"credHelpers":{"${HOST}":"acr"}}`, '{"a":1}'],
    ['the only key', `{\n\t"credHelpers": {\n\t\t"${HOST}": "acr"\n\t}\n}`, '{}'],
    ['before another key', `{"credHelpers":{"${HOST}":"acr"}, "a":1}`, '{"a":1}'],
    ['the first', `{"credHelpers":{"${HOST}":"acr", "a":"b"}}`, '{"credHelpers":{"a":"b"}}'],
    ['in the middle', `{"credHelpers":{"a":"b", "${HOST}":"acr" ,"c":"d"}}`, '{"credHelpers":{"a":"b" ,"c":"d"}}'],
    ['of another helper', `{"credHelpers":{"${HOST}":"acr-env"}}`, `{"credHelpers":{"${HOST}":"acr-env"}}`],
    ['that is not there', '{"credHelpers":{}}', '{"credHelpers":{}}'],
    ['from blanks', ' \n', ' \n'],
  ])('%s', (_name, text, expected) => {
    expect(removeHelpers(text, [HOST], 'acr', undefined).text).toBe(expected);
  });

  test('a file that did not exist goes, unless it holds something by now', () => {
    const { text, record } = add(undefined, HOST);
    expect(removeHelpers(text, [HOST], 'acr', record)).toMatchObject({ text: undefined, record: undefined });
    const used = text.replace('{', '{\n\t"auths": {},');
    expect(removeHelpers(used, [HOST], 'acr', record).text).toBe('{\n\t"auths": {}\n}');
    expect(removeHelpers(`${text}\n`, [HOST], 'acr', record).text).toBe('{}\n');
  });

  test('a record of another text is not used', () => {
    const { record } = add(undefined, OTHER);
    const text = `{"credHelpers":{"${HOST}":"acr"}}`;
    expect(removeHelpers(text, [HOST], 'acr', record)).toMatchObject({ text: '{}', record: undefined });
    expect(addHelpers('{ }', [HOST], 'acr', record).record).toMatchObject({
      isCreated: false,
      before: { rootBlank: ' ' },
    });
  });

  test.each([
    ['the first', 'acr', 'azure'],
    ['the second', 'azure', 'acr'],
  ])('a text with hosts of two names of the program is what it was, if %s goes first', (_name, first, second) => {
    for (const text of [undefined, '{ }', '{"credHelpers":{ }}']) {
      const one = addHelpers(text, [HOST], 'acr', undefined);
      const both = addHelpers(one.text, [OTHER], 'azure', one.record);
      const left = removeHelpers(both.text, [HOST, OTHER], first, both.record);
      expect(removeHelpers(left.text ?? '', [HOST, OTHER], second, left.record)).toMatchObject({
        text,
        record: undefined,
      });
    }
  });

  test('a host that the person had named before goes with the others, and the record is used for the others only', () => {
    const hosts = new Map([[HOST, undefined]]);
    const record: EditRecord = { isCreated: true, before: {}, hosts, helpers: new Map([[HOST, 'acr']]) };
    const text = `{"credHelpers":{"${OTHER}":"acr","${HOST}":"acr"}}`;
    const first = removeHelpers(text, [HOST], 'acr', record);
    expect(first).toMatchObject({ text: `{"credHelpers":{"${OTHER}":"acr"}}`, record: undefined });
    expect(removeHelpers(first.text ?? '', [OTHER], 'acr', first.record).text).toBe('{}');
  });
});

test('removing logins leaves markers and other hosts', () => {
  const text = `{"auths":{"${HOST}":{"auth":"eA=="}, "https://${HOST}": {"identitytoken":"x"},"a":{"auth":"y"},"${OTHER}":{}}}`;
  expect(removeAuths(text, (key) => key.includes('azurecr'))).toEqual({
    text: `{"auths":{"a":{"auth":"y"},"${OTHER}":{}}}`,
    keys: [HOST, `https://${HOST}`],
  });
  expect(removeAuths('{"auths":[1]}', () => true).keys).toEqual([]);
});

test('what is shown of a text hides all values that may be secrets', () => {
  const text =
    '{"auths":{"a":{"auth":"c2VjcmV0"}},"HttpHeaders":{"X":"secret"},"n":[123,"secret",true],"credsStore":"desktop","credHelpers":{"a":"b"}}';
  expect(maskSecrets(text)).toBe(
    '{"auths":{"a":{"auth":"***"}},"HttpHeaders":{"X":"***"},"n":["***","***",true],"credsStore":"desktop","credHelpers":{"a":"b"}}',
  );
});
