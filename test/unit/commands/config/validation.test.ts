/** Every mistake in the text of a configuration, with its place. */
import { chmodSync, chownSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type Finding, validateFile, validateText } from '../../../../src/commands/config/validation.ts';
import { SOURCES } from '../../../../src/identity/sources.ts';
import { needRoot } from '../../other-user.ts';
import { useTemporaryFolder } from '../../temporary-folder.ts';

const folder = useTemporaryFolder();

/** Each finding as `line:column code what`. */
function find(text: string): readonly string[] {
  return validateText(text, '/c.json').map(format);
}

function format({ severity, code, place, what }: Finding): string {
  return `${place === undefined ? '' : `${place.line}:${place.column} `}${severity} ${code} ${what}`;
}

describe('a text without mistakes', () => {
  for (const text of [
    '{}',
    '\n{ "$schema": "./x", "registries": {} }\r\n',
    '{"registries":{"*.azurecr.io":{"identity":"ci"},"my1registry.azurecr.io":{"anonymous":true}},"identities":{"ci":{"type":"azure-cli"}}}',
    '{"registries":{"docker.io":{"store":false},"localhost:5000":{"store":false},"myhost":{"store":true}}}',
    '{"registries":{"sample.example.com":{"anonymous":true}},"clouds":{"*.example.com":{}}}',
    '{"registries":{"one.example.com":{"anonymous":true}},"clouds":{"one.example.com":{}}}',
    '{"registries":{"*.geo.azurecr.io":{},"myregistry.*.geo.azurecr.io":{},"*-abc.azurecr.cn":{},"*":{}}}',
  ]) {
    test(text, () => expect(find(text)).toEqual([]));
  }
});

describe('the syntax', () => {
  const rows: readonly (readonly [text: string, found: readonly string[]])[] = [
    ['', ['1:1 error syntax a value is missing here']],
    ['[]', ['1:1 error file it must contain a JSON object']],
    ['null', ['1:1 error file it must contain a JSON object']],
    ['{"strict":true', ['1:15 error syntax a closing brace is missing here']],
    ['{\n  "strict": true\n  "store": "file"\n}', ['3:3 error syntax a comma is missing here']],
    ['{"strict" true}', ['1:11 error syntax a colon is missing here']],
    ['{"strict": }', ['1:12 error syntax a value is missing here']],
    ['{} {}', ['1:4 error syntax there is more after the end of the object']],
    ['{"registries":{"a\\x":{}}}', ['1:16 error syntax JSON has no such escape']],
    ['{"a":"b\n"}', ['1:6 error syntax this text has no closing quote']],
    [
      '{"é😀":1,}',
      ['1:8 error syntax JSON has no comma after the last entry', '1:2 error unknown-key unknown key "é😀"'],
    ],
  ];
  for (const [text, found] of rows) {
    test(`of ${JSON.stringify(text)}`, () => {
      const all = find(text);
      expect(all).toEqual(expect.arrayContaining([...found]));
      expect(all[0]?.includes('error')).toBe(true);
    });
  }

  test('does not hide the other mistakes when it is only comments and commas too many', () => {
    expect(find('{ // a comment\n "strict": 1, /* another */\n "stor": "file",\n}')).toEqual([
      '1:3 error syntax JSON has no comments',
      '2:12 error wrong-value "strict" must be true or false',
      '2:15 error syntax JSON has no comments',
      '3:2 error unknown-key unknown key "stor"',
      '3:16 error syntax JSON has no comma after the last entry',
    ]);
  });

  test('is found out however deep the nesting is', () => {
    const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
    expect(find(deep)).toEqual(['1:1 error file it must contain a JSON object']);
    expect(find(`{"a":${deep}}`)).toEqual(['1:1 error unknown-key unknown key "a"']);
  });
});

describe('all mistakes', () => {
  test('of one entry are told', () => {
    const text = `{
  "registries": {
    "myregistry.azurecr.io": {
      "anonymus": true,
      "scope": ["x"],
      "tenantId": 5,
      "identity": { "type": "client-secret", "clientSecret": "hidden", "clientId": 1, "more": 1 }
    }
  }
}`;
    const entry = '"registries"."myregistry.azurecr.io"';
    expect(find(text)).toEqual([
      `4:7 error unknown-key unknown key "anonymus" in ${entry}`,
      `5:16 error wrong-value ${entry}."scope" must be a scope such as "repository:team/app:pull", or a list of them`,
      `6:19 error wrong-value ${entry}."tenantId" must be the id or domain of a tenant`,
      `7:62 error secret ${entry}."identity" contains a secret in "clientSecret"`,
      `7:84 error wrong-value ${entry}."identity"."clientId" must be the id of an application or a managed identity`,
      `7:87 error unknown-key unknown key "more" in ${entry}."identity"`,
    ]);
  });

  const rows: readonly (readonly [text: string, found: readonly string[]])[] = [
    [
      '{"strict":1,"store":"x","cacheTokens":"yes"}',
      [
        '1:11 error wrong-value "strict" must be true or false',
        '1:21 error wrong-value "store" must be one of "keychain", "file"',
        '1:39 error wrong-value "cacheTokens" must be true or false',
      ],
    ],
    [
      '{"registries":[],"identities":1}',
      [
        '1:15 error wrong-value "registries" must be an object',
        '1:31 error wrong-value "identities" must be an object',
      ],
    ],
    ['{"clouds":5}', ['1:11 warning wrong-value "clouds" must be an object']],
    [
      '{"registries":{"myregistry.azurecr.io":5}}',
      ['1:40 error wrong-value "registries"."myregistry.azurecr.io" must be an object'],
    ],
    [
      '{"registries":{"myregistry":{"anonymous":true}}}',
      ['1:16 error wrong-name "registries" has "myregistry", which is not a registry'],
    ],
    [
      '{"registries":{"https://*.azurecr.io":{}}}',
      ['1:16 error wrong-name "registries" has "https://*.azurecr.io", which is not a pattern'],
    ],
    [
      '{"registries":{"docker.io":{"anonymous":true}}}',
      ['1:29 error unknown-key unknown key "anonymous" in "registries"."docker.io"'],
    ],
    [
      '{"registries":{"*.azurecr.oi":{"anonymus":1}}}',
      [
        '1:16 warning unused "registries" has "*.azurecr.oi", which matches no registry of Azure',
        '1:32 warning unknown-key unknown key "anonymus" in "registries"."*.azurecr.oi"',
      ],
    ],
    [
      '{"registries":{"MyRegistry.azurecr.io":{},"https://myregistry.azurecr.io":{"anonymus":1}}}',
      [
        '1:43 warning unused "registries" has "https://myregistry.azurecr.io", which never applies',
        '1:76 warning unknown-key unknown key "anonymus" in "registries"."https://myregistry.azurecr.io"',
      ],
    ],
    [
      '{"identities":{"a":{"type":"nothing"},"b":{"type":"command"},"c":5}}',
      [
        `1:28 error wrong-value "identities"."a"."type" must be one of ${SOURCES.map(({ name }) => `"${name}"`).join(', ')}`,
        '1:43 error wrong-value "identities"."b"."command" must be a list: the program, then its arguments',
        '1:66 error wrong-value "identities"."c" must be an object with a "type"',
      ],
    ],
    [
      '{"clouds":{"*.example.com":{"authorityHost":"http://x"},"*.azurecr.io":{},"a b":{"audience":" "}}}',
      [
        '1:45 error wrong-value "clouds"."*.example.com"."authorityHost" must be an https URL',
        '1:57 warning unused "clouds" has "*.azurecr.io", which is known without the configuration',
        '1:75 warning unused "clouds" has "a b", which is not a host',
        '1:93 warning wrong-value "clouds"."a b"."audience" must be a URL such as "https://containerregistry.azure.net"',
      ],
    ],
    [
      '{"strict":true,"strict":1,"registries":{"*":{"store":1,"store":true}}}',
      [
        '1:2 warning repeated-key the key "strict" is there more than once',
        '1:25 error wrong-value "strict" must be true or false',
        '1:46 warning repeated-key the key "store" is there more than once',
      ],
    ],
  ];
  for (const [text, found] of rows) test(`of ${text}`, () => expect(find(text)).toEqual(found));

  const hostile: readonly (readonly [what: string, entry: (index: number) => string])[] = [
    ['patterns with one wrong identity', (index) => `"r${index}*.azurecr.io":{"identity":"ci"}`],
    ['unknown keys', (index) => `"r${index}.azurecr.io":{"anonymus":1}`],
    ['repeated keys', () => '"*":{"anonymus":1}'],
    ['stars', (index) => `"${'*a'.repeat(100)}*${index}.azurecr.oi":{}`],
  ];
  for (const [what, entry] of hostile) {
    test(`of a file with three thousand ${what} are found in a few seconds`, () => {
      const entries = Array.from({ length: 3_000 }, (_, index) => entry(index));
      const text = `{"registries":{${entries.join()}},"identities":{"ci":{"type":"x"}}}`;
      const startedMs = performance.now();
      expect(find(text).length).toBeGreaterThan(0);
      expect(performance.now() - startedMs).toBeLessThan(4_000);
    });
  }

  test('have hints that correct them', () => {
    const findings = validateText('{"registries":{"*":{"identity":"az-cli"}},"strictt":true}', '/c.json');
    expect(findings.map(({ hint }) => hint)).toEqual(['write "identity": "azure-cli"', 'did you mean "strict"?']);
  });
});

describe('a file', () => {
  const write = (text: string) => {
    writeFileSync(folder.path('config.json'), text, { mode: 0o600 });
    return folder.path('config.json');
  };

  test('with a byte-order mark behind a link is read', () => {
    symlinkSync(write('\uFEFF{"strict":1}'), folder.path('link.json'));
    const { findings } = validateFile(folder.path('link.json'), true);
    expect(findings.map(format)).toEqual(['1:11 error wrong-value "strict" must be true or false']);
  });

  test.each([0o622, 0o666, 0o620])('with mode %o is a mistake, and its content is not looked at', (mode) => {
    const file = write('{"strict":1}');
    chmodSync(file, mode);
    const { text, findings } = validateFile(file, true);
    expect(text).toBeUndefined();
    expect(findings.map(format)).toEqual(['error file others can write to it']);
    expect(findings[0]?.hint).toBe(`chmod go-w ${file}`);
  });

  test('of another user is a mistake', (context) => {
    needRoot(context);
    const file = write('{}');
    chownSync(file, 65_534, 65_534);
    expect(validateFile(file, true).findings.map(format)).toEqual(['error file it belongs to another user (65534)']);
  });

  test('that is missing is a mistake only if it is required', () => {
    expect(validateFile(folder.path('none'), true).findings.map(format)).toEqual(['error file there is no such file']);
    expect(validateFile(folder.path('none'), false)).toMatchObject({ text: undefined, findings: [] });
  });

  test('by a relative path is a mistake', () => {
    expect(validateFile('config.json', false).findings.map(({ what }) => what)).toEqual([
      'DOCKER_CREDENTIAL_ACR_CONFIG is not an absolute path',
    ]);
  });
});
