/** Redacting secrets in any encoding, and quoting texts that somebody else wrote. */
import { describe, expect, test } from 'vitest';
import { createQuote, createRedactor, listSecrets } from '../../src/redact.ts';
import { makeRuntime } from './runtime.ts';
import { makeToken } from './token.ts';

const SECRET_VARIABLES = [
  'AZURE_CLIENT_SECRET',
  'AZURE_CLIENT_CERTIFICATE_PASSWORD',
  'AZURE_PASSWORD',
  'AZURE_FEDERATED_TOKEN',
  'ACTIONS_ID_TOKEN_REQUEST_TOKEN',
  'SYSTEM_ACCESSTOKEN',
  'IDENTITY_HEADER',
  'MSI_SECRET',
];

/** Every kind of character that an encoding changes. */
const SECRET = 'p~8Q /+&="\\é%~xyz';

describe('createRedactor', () => {
  const encodings: readonly (readonly [name: string, text: string])[] = [
    ['as it is', SECRET],
    ['in JSON', JSON.stringify(SECRET)],
    ['percent-encoded', encodeURIComponent(SECRET)],
    ['in a form', new URLSearchParams({ client_secret: SECRET }).toString()],
    ['in base64', Buffer.from(SECRET).toString('base64')],
    ['in base64url', Buffer.from(SECRET).toString('base64url')],
    ['in hexadecimal', Buffer.from(SECRET).toString('hex')],
  ];
  for (const variable of SECRET_VARIABLES) {
    for (const [name, text] of encodings) {
      test(`redacts the value of ${variable} ${name}`, () => {
        const clean = createRedactor(makeRuntime({ [variable]: SECRET }))(`before ${text} between ${text} after`);
        expect(clean).toMatch(/^before \S*\[redacted\]\S* between \S*\[redacted\]\S* after$/);
        expect(clean).not.toContain('xyz');
        expect(clean).not.toContain(text);
      });
    }
  }

  test('redacts the whole of a secret that contains another', () => {
    const redact = createRedactor(makeRuntime({ AZURE_PASSWORD: 'inside', MSI_SECRET: 'outside-inside-outside' }));
    expect(redact('a outside-inside-outside b inside c')).toBe('a [redacted] b [redacted] c');
  });

  test('redacts a secret that has the special characters of a regular expression', () => {
    const redact = createRedactor(makeRuntime({ AZURE_CLIENT_SECRET: '.*$&(x)[y' }));
    expect(redact('a .*$&(x)[y b')).toBe('a [redacted] b');
    expect(redact('nothing of it')).toBe('nothing of it');
  });

  test('does not redact a value that is as short as a word', () => {
    const redact = createRedactor(makeRuntime({ AZURE_CLIENT_SECRET: 'is', MSI_SECRET: '' }));
    expect(redact('this is a text')).toBe('this is a text');
  });

  test('redacts a secret that the runtime learned after the redactor was created', () => {
    const runtime = makeRuntime({ AZURE_CLIENT_SECRET: 'from-the-environment' });
    const redact = createRedactor(runtime);
    expect(redact('from-the-environment from-a-file')).toBe('[redacted] from-a-file');
    runtime.secrets.add('from-a-file');
    expect(redact('from-the-environment from-a-file')).toBe('[redacted] [redacted]');
    runtime.secrets.add('from-a-pipe');
    expect(redact('from-a-pipe from-a-file')).toBe('[redacted] [redacted]');
    expect(listSecrets(runtime).sort()).toEqual(['from-a-file', 'from-a-pipe', 'from-the-environment']);
  });

  test('does not redact a variable that is not secret', () => {
    const redact = createRedactor(makeRuntime({ AZURE_CLIENT_ID: 'the-client-id' }));
    expect(redact('AZURE_CLIENT_ID the-client-id')).toBe('AZURE_CLIENT_ID the-client-id');
  });
});

describe('createRedactor redacts what looks like a token or a password in', () => {
  const token = makeToken({ aud: 'https://containerregistry.azure.net', sub: 'someone' });
  const [header = '', payload = ''] = token.split('.');
  const opaque = `0.AXEA${'aB3_-x'.repeat(20)}`;
  const rows: readonly (readonly [text: string, clean: string])[] = [
    [`token ${token} end`, 'token [redacted] end'],
    [`token ${header} end`, 'token [redacted] end'],
    [`token ${payload} end`, 'token [redacted] end'],
    [`token ${header}.${payload} end`, 'token [redacted] end'],
    [`{"access_token":"${token}"}`, '{"access_token":"[redacted]"}'],
    [`access_token=${token}&x=1`, 'access_token=[redacted]&x=1'],
    [`refresh ${'Ab1-'.repeat(20)} end`, 'refresh [redacted] end'],
    [`refresh ${'Ab1/'.repeat(20)}== end`, 'refresh [redacted] end'],
    [`refresh ${opaque} end`, 'refresh 0.[redacted] end'],
    ['https://user:password@example.com/path', 'https://[redacted]@example.com/path'],
    ['http://user@example.com', 'http://[redacted]@example.com'],
    ['socks5://u:p@127.0.0.1:1080', 'socks5://[redacted]@127.0.0.1:1080'],
  ];
  for (const [text, clean] of rows) {
    test(text.slice(0, 200), () => {
      expect(createRedactor(makeRuntime())(text)).toBe(clean);
    });
  }
});

describe('createRedactor leaves unchanged', () => {
  const rows: readonly string[] = [
    '',
    'Cannot use /home/someone/.config/docker-credential-acr/config.json: it is not valid JSON',
    `/home/${'a-rather-long-folder/'.repeat(10)}config.json`,
    'correlation id 0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0',
    `${'w'.repeat(79)} is not long enough`,
    'someone@example.com has no role there',
    'https://login.microsoftonline.com/error?code=7000215',
    'az role assignment create --role AcrPull --assignee x --scope $(az acr show -n NAME --query id -o tsv)',
    'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    'ey is a word, and eyJ too',
  ];
  for (const text of rows) {
    test(JSON.stringify(text).slice(0, 80), () => {
      expect(createRedactor(makeRuntime())(text)).toBe(text);
    });
  }
});

describe('createRedactor does not backtrack over a hundred thousand characters of', () => {
  const redacted = '[redacted]';
  const rows: readonly (readonly [name: string, text: string, clean?: string])[] = [
    ['slashes', '/'.repeat(100_000)],
    ['letters', 'a'.repeat(100_000), redacted],
    ['words of a token', 'eyJ'.repeat(33_000), redacted],
    ['the beginnings of tokens', 'eyJ.'.repeat(25_000)],
    ['parts of a token', `eyJhbGciOiJ${'.'.repeat(100_000)}`, redacted],
    ['parts of what is too short for a token', `eyJhbGciOi${'.'.repeat(100_000)}`],
    ['URLs without a host', '//a'.repeat(33_000)],
    ['a URL', `//${'a'.repeat(100_000)}`],
    ['a user name in a URL', `//${'a'.repeat(100_000)}@`, `//${redacted}@`],
    ['spaces', ' '.repeat(100_000)],
  ];
  for (const [name, text, clean = text] of rows) {
    test(`${name}, and ${clean === text ? 'leaves them' : 'redacts them'}`, () => {
      // Compared as a whole: the difference of two such texts would take minutes to print.
      const result = createRedactor(makeRuntime({ AZURE_CLIENT_SECRET: SECRET }))(text);
      expect(result === clean, result.slice(0, 80)).toBe(true);
    });
  }
});

describe('createQuote', () => {
  const quote = createQuote(makeRuntime());
  const rows: readonly (readonly [text: string, line: string])[] = [
    ['plain', 'plain'],
    ['', ''],
    ['  around  ', 'around'],
    ['two\nlines', 'two lines'],
    ['two\r\nlines\n', 'two lines'],
    ['tab\tbell\u0007end', 'tab bell end'],
    ['\u001B[2J\u001B[31mred\u001B[0m', '[2J [31mred [0m'],
    ['\u009B31mred', '31mred'],
    ['nul\0nul', 'nul nul'],
    ['del\u007Fdel', 'del del'],
    ['right\u202Eleft', 'right left'],
    ['isolate\u2066x\u2069', 'isolate x'],
    ['line\u2028paragraph\u2029', 'line paragraph'],
    ['back\bspace', 'back space'],
    ['日本語 é 🐳', '日本語 é 🐳'],
  ];
  for (const [text, line] of rows) {
    test(`returns ${JSON.stringify(line)} for ${JSON.stringify(text)}`, () => {
      expect(quote(text)).toBe(line);
    });
  }

  test('cuts a long text between words, and marks the cut', () => {
    expect(quote('é'.repeat(300))).toBe('é'.repeat(300));
    expect(quote('one two three', 7)).toBe('one two…');
    expect(quote('one two three', 8)).toBe('one two…');
    // Never within a word: a redactor that sees the text afterwards would not recognise part of a secret.
    expect(quote('é'.repeat(301))).toBe('…');
    expect(quote('secret is abcdef', 12)).toBe('secret is…');
    expect(quote(`abc${'\n'.repeat(100_000)}`, 3)).toBe('abc');
  });
});
