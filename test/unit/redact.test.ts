/** Redacting secrets in any encoding, and quoting texts that somebody else wrote. */
import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createQuote, createRedactor, cutBeginning, listSecrets } from '../../src/redact.ts';
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

describe('createRedactor finds a secret whatever was done to it:', () => {
  const secret = 'n0t-Fo r&<you>+%41';
  const redact = createRedactor(makeRuntime({ AZURE_CLIENT_SECRET: secret }));
  const percent = encodeURIComponent(secret);
  const everyCharacter = (format: (code: number) => string) =>
    [...secret].map((character) => format(character.charCodeAt(0))).join('');
  const base64 = Buffer.from(`user:${secret}`).toString('base64');
  const rows: readonly (readonly [what: string, text: string])[] = [
    ['collapsed spaces', secret.replace(' ', '')],
    ['a line break in it', secret.replace(' ', '\r\n\t')],
    ['a space after each character', [...secret].join(' ')],
    ['its tag removed', secret.replace('<you>', '')],
    ['a tag in it', secret.replace('t', 't<b class="x">')],
    ['characters without a width in it', secret.replaceAll('o', 'o\u200B\u00AD\uFEFF')],
    ['its beginning', secret.slice(0, 12)],
    ['its end', secret.slice(-12)],
    ['percent-encoded twice', encodeURIComponent(percent)],
    ['percent-encoded three times', encodeURIComponent(encodeURIComponent(percent))],
    ['every byte percent-encoded', everyCharacter((code) => `%${code.toString(16)}`)],
    ['decimal entities', everyCharacter((code) => `&#${code};`)],
    ['decimal entities with zeros', everyCharacter((code) => `&#00${code};`)],
    ['hexadecimal entities', everyCharacter((code) => `&#x${code.toString(16)};`)],
    ['named entities', secret.replace('&', '&amp;').replace('+', '&plus;').replace('%', '&percnt;')],
    ['JSON of every character', everyCharacter((code) => `\\u00${code.toString(16)}`)],
    ['JSON in JSON in a URL', encodeURIComponent(JSON.stringify(JSON.stringify(secret)))],
    ['base64 with a user name', base64],
    ['base64 in lines', base64.replace(/.{8}/g, '$&\n')],
    ['base64 of base64', Buffer.from(base64).toString('base64')],
    ['hexadecimal of base64 in a URL', encodeURIComponent(Buffer.from(base64).toString('hex'))],
  ];
  for (const [what, text] of rows) {
    test(what, () => {
      const clean = redact(`before ${text} after`);
      expect(clean).toMatch(/^before .{0,12}\[redacted\].{0,12} after$/s);
    });
  }

  test('a key, but not the first line that all keys share', () => {
    const key = '-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\n-----END PRIVATE KEY-----';
    const redactKey = createRedactor(makeRuntime({}, { secrets: new Set([key]) }));
    expect(redactKey('after -----BEGIN PRIVATE KEY----- is MIIEvQIBADANBgkq')).toBe(
      'after -----BEGIN PRIVATE KEY----- is [redacted]',
    );
  });
});

test('createRedactor finds both ends of a secret of any length, at once', () => {
  const secret = `begins-here${randomBytes(400_000).toString('base64')}ends-there`;
  const redact = createRedactor(makeRuntime({}, { secrets: new Set([secret]) }));
  const before = process.threadCpuUsage();
  // Blanks count for nothing, so what is between the two must not be what may be next in the secret.
  expect(redact(`it ${secret.slice(0, 70)} & ${secret.slice(-70)}`)).toBe('it [redacted] & [redacted]');
  expect(process.threadCpuUsage(before).user / 1000).toBeLessThan(500);
});

describe('createRedactor leaves ordinary words beside a secret:', () => {
  const rows: readonly (readonly [secret: string, text: string, clean: string])[] = [
    ['password', 'the password of me:password is wrong', 'the [redacted] of me:[redacted] is wrong'],
    ['secret', 'no client_secret in the request', 'no client_[redacted] in the request'],
    ['istoken', 'this token is old', 'this token is old'],
    ['a-passphrase-of-mine', 'type a passphrase', 'type a passphrase'],
    ['correct horse battery staple', 'the correct battery', 'the correct battery'],
    ['registry-password', 'myregistry.azurecr.io denies access', 'myregistry.azurecr.io denies access'],
    ['%2541%2542%2543', 'ABC is not it', 'ABC is not it'],
  ];
  for (const [secret, text, clean] of rows) {
    test(`${secret} in ${text}`, () => {
      expect(createRedactor(makeRuntime({ MSI_SECRET: secret }))(text)).toBe(clean);
    });
  }
});

test('createRedactor redacts the whole of a text that is encoded in too many ways to search', () => {
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const text = '<a> + %25 &amp; 41424344454647484950 \\u0041 ';
  const percent = encodeURIComponent(text);
  const nested = [text, percent, base64(text), base64(percent), base64(base64(text)), encodeURIComponent(percent)];
  const nestedText = Array(10).fill(nested).flat().join(' <b> + ');
  expect(createRedactor(makeRuntime({ MSI_SECRET: 'the-secret' }))(nestedText)).toBe('[redacted]');
  expect(createRedactor(makeRuntime({ MSI_SECRET: 'the-secret' }))(nested.join(' '))).toContain('<a> + %25');
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

  test('redacts before it reshapes, cuts and makes a line', () => {
    const quoteSecret = createQuote(makeRuntime({ AZURE_CLIENT_SECRET: 'a  secret <of> mine' }));
    const reshape = (text: string) => text.replaceAll(/<[^<>]*>|\s+/g, ' ');
    expect(quoteSecret('it is a  secret <of> mine.', 300, reshape)).toBe('it is [redacted].');
    expect(quoteSecret('it is a\u200B  secret\r\n<of> mine.', 300, reshape)).toBe('it is [redacted].');
    expect(quoteSecret('it is a  secret <of> mine.', 20)).toBe('it is [redacted].');
    expect(quoteSecret('it is a  secret <of> mine.', 12)).toBe('it is…');
  });

  test('looks only at the beginning of a text', () => {
    let seen = 0;
    quote('word '.repeat(100_000), 300, (text) => {
      seen = text.length;
      return text;
    });
    expect(seen).toBeGreaterThan(1_000);
    expect(seen).toBeLessThan(10_000);
  });

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

test('cutBeginning keeps the end of a text, from a word on', () => {
  expect(cutBeginning('one two three', 13)).toBe('one two three');
  expect(cutBeginning('one two three', 9)).toBe(' two three');
  expect(cutBeginning('one two three', 8)).toBe(' three');
  expect(cutBeginning('x'.repeat(100_000), 8)).toBe('');
});
