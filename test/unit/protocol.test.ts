/** The exact texts and payloads of the credential-helper protocol. */
import { describe, expect, test } from 'vitest';
import {
  formatCredential,
  IDENTITY_TOKEN_USERNAME,
  NO_SERVER_URL,
  NO_USERNAME,
  NOT_FOUND,
  parseServerUrl,
  parseStorePayload,
  TOKEN_USERNAME,
} from '../../src/protocol.ts';

const NOT_AN_OBJECT = 'Cannot read the credential: it is not a JSON object';

test('the texts that clients compare match the reference implementation', () => {
  expect(NOT_FOUND).toBe('credentials not found in native keychain');
  expect(NO_SERVER_URL).toBe('no credentials server URL');
  expect(NO_USERNAME).toBe('no credentials username');
  expect(TOKEN_USERNAME).toBe('00000000-0000-0000-0000-000000000000');
  expect(IDENTITY_TOKEN_USERNAME).toBe('<token>');
});

describe('parseServerUrl', () => {
  const rows: readonly (readonly [input: string, serverUrl: string | undefined])[] = [
    ['myregistry.azurecr.io', 'myregistry.azurecr.io'],
    ['myregistry.azurecr.io\n', 'myregistry.azurecr.io'],
    ['myregistry.azurecr.io\r\n', 'myregistry.azurecr.io'],
    ['myregistry.azurecr.io \r\n', 'myregistry.azurecr.io'],
    ['\uFEFFmyregistry.azurecr.io\r\n', 'myregistry.azurecr.io'],
    ['  \tmyregistry.azurecr.io\n\n', 'myregistry.azurecr.io'],
    ['https://MyRegistry.azurecr.io:443/', 'https://MyRegistry.azurecr.io:443/'],
    ['unused', 'unused'],
    ['a\nb', 'a\nb'],
    ['', undefined],
    ['\n', undefined],
    ['\uFEFF', undefined],
    ['\uFEFF \r\n', undefined],
    [' \t\r\n', undefined],
  ];
  for (const [input, serverUrl] of rows) {
    test(`returns ${JSON.stringify(serverUrl)} for ${JSON.stringify(input)}`, () => {
      expect(parseServerUrl(input)).toBe(serverUrl);
    });
  }
});

describe('parseStorePayload', () => {
  const SECRET_NOT_TEXT = 'Cannot read the credential: its secret is not a string';
  const credential = { serverUrl: 'myregistry.azurecr.io', username: 'someone', secret: 'hidden' };
  const rows: readonly (readonly [input: string, result: typeof credential | string])[] = [
    ['{"ServerURL":"myregistry.azurecr.io","Username":"someone","Secret":"hidden"}\n', credential],
    ['\uFEFF{"ServerURL":"myregistry.azurecr.io","Username":"someone","Secret":"hidden"}\r\n', credential],
    ['{"serverurl":"myregistry.azurecr.io","USERNAME":"someone","secret":"hidden"}', credential],
    ['{"ServerURL":" myregistry.azurecr.io\\n","Username":"someone","Secret":"hidden","Other":[1]}', credential],
    [
      '{"ServerURL":"myregistry.azurecr.io","Username":"\\u003ctoken\\u003e","Secret":"hidden"}',
      { ...credential, username: '<token>' },
    ],
    ['{"ServerURL":"myregistry.azurecr.io","Username":"someone"}', { ...credential, secret: '' }],
    ['{"ServerURL":"myregistry.azurecr.io","Username":"someone","Secret":null}', { ...credential, secret: '' }],
    ['{"ServerURL":"myregistry.azurecr.io","Username":"someone","Secret":"hidden","secret":null}', credential],
    ['{"ServerURL":"myregistry.azurecr.io","Username":"someone","Secret":7}', SECRET_NOT_TEXT],
    ['{"ServerURL":"myregistry.azurecr.io","Username":"someone","Secret":["hidden"]}', SECRET_NOT_TEXT],
    ['{"ServerURL":"myregistry.azurecr.io","Username":"someone","Secret":false}', SECRET_NOT_TEXT],
    ['{"ServerURL":"","Username":"someone","Secret":"hidden"}', NO_SERVER_URL],
    ['{"ServerURL":" \\r\\n","Username":"someone","Secret":"hidden"}', NO_SERVER_URL],
    ['{"ServerURL":null,"Username":"someone","Secret":"hidden"}', NO_SERVER_URL],
    ['{"ServerURL":["myregistry.azurecr.io"],"Username":"someone"}', NO_SERVER_URL],
    ['{"Server":"myregistry.azurecr.io","Username":"someone"}', NO_SERVER_URL],
    ['{}', NO_SERVER_URL],
    ['{"__proto__":{"ServerURL":"myregistry.azurecr.io","Username":"someone"}}', NO_SERVER_URL],
    ['{"constructor":"x","toString":"y"}', NO_SERVER_URL],
    ['{"ServerURL":"myregistry.azurecr.io"}', NO_USERNAME],
    ['{"ServerURL":"myregistry.azurecr.io","Username":"","Secret":"hidden"}', NO_USERNAME],
    ['{"ServerURL":"myregistry.azurecr.io","Username":null,"Secret":"hidden"}', NO_USERNAME],
    ['{"ServerURL":"myregistry.azurecr.io","Username":{"a":1},"Secret":"hidden"}', NO_USERNAME],
    ['', NOT_AN_OBJECT],
    ['null', NOT_AN_OBJECT],
    ['7', NOT_AN_OBJECT],
    ['"myregistry.azurecr.io"', NOT_AN_OBJECT],
    ['[]', NOT_AN_OBJECT],
    ['[{"ServerURL":"myregistry.azurecr.io","Username":"someone"}]', NOT_AN_OBJECT],
    ['{"ServerURL":"myregistry.azurecr.io","Username":"someone"', NOT_AN_OBJECT],
    ['{"ServerURL":"myregistry.azurecr.io","Username":"someone"} x', NOT_AN_OBJECT],
    ['myregistry.azurecr.io', NOT_AN_OBJECT],
    ['\0', NOT_AN_OBJECT],
    ['['.repeat(100_000), NOT_AN_OBJECT],
  ];
  for (const [input, result] of rows) {
    test(`${typeof result === 'string' ? 'rejects' : 'accepts'} ${JSON.stringify(input).slice(0, 120)}`, () => {
      expect(parseStorePayload(input)).toEqual(result);
    });
  }

  test('does not quote the payload when it rejects it', () => {
    expect(parseStorePayload('{"Secret":"hidden"')).not.toContain('hidden');
  });
});

describe('formatCredential', () => {
  test('returns one line with the exact keys in their order', () => {
    const answer = formatCredential({ serverUrl: 'myregistry.azurecr.io', username: TOKEN_USERNAME, secret: 'a.b.c' });
    expect(answer).toBe(
      '{"ServerURL":"myregistry.azurecr.io","Username":"00000000-0000-0000-0000-000000000000","Secret":"a.b.c"}\n',
    );
  });

  const texts: readonly string[] = [
    '<token>',
    'a"b\\c',
    'line\nend\r\n',
    '\u2028',
    '\0',
    '\uD800',
    '`$(id)`',
    '{}',
    '日本',
  ];
  for (const text of texts) {
    test(`returns one line of valid JSON with ${JSON.stringify(text)} in every field`, () => {
      const answer = formatCredential({ serverUrl: text, username: text, secret: text });
      expect(answer.indexOf('\n')).toBe(answer.length - 1);
      expect(JSON.parse(answer)).toEqual({ ServerURL: text, Username: text, Secret: text });
    });
  }
});
