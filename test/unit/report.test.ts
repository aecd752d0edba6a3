/** How a failure is reported on stdout and on stderr. */
import { describe, expect, test } from 'vitest';
import { CredentialError } from '../../src/errors.ts';
import { formatFailure } from '../../src/report.ts';
import { makeRuntime } from './runtime.ts';
import { makeToken } from './token.ts';

describe('formatFailure', () => {
  const rows: readonly (readonly [name: string, failure: unknown, stdout: string, stderr: string])[] = [
    [
      'a message alone',
      new CredentialError('BUSY', 'Cannot do it: it is busy'),
      'Cannot do it: it is busy\n',
      'docker-credential-acr: error: Cannot do it: it is busy\n',
    ],
    [
      'a message and a hint',
      new CredentialError('BUSY', 'Cannot do it', { hint: 'az login' }),
      'Cannot do it; hint: az login\n',
      'docker-credential-acr: error: Cannot do it\nhint: az login\n',
    ],
    [
      'a message, then its causes, then a hint',
      new CredentialError('BUSY', 'Cannot do it', { causes: ['one', 'two'], hint: 'az login' }),
      'Cannot do it; hint: az login\n',
      'docker-credential-acr: error: Cannot do it\ncause: one\ncause: two\nhint: az login\n',
    ],
    [
      'line breaks and backticks, which would end what clients quote, as harmless characters',
      new CredentialError('BUSY', 'Cannot `do`\nit', { causes: ['o\u001B[1mn`e\r\ntwo'], hint: 'run `az\nlogin`' }),
      "Cannot 'do' it; hint: run 'az login'\n",
      "docker-credential-acr: error: Cannot 'do' it\ncause: o [1mn'e two\nhint: run 'az login'\n",
    ],
    [
      'an internal error',
      new TypeError('x is not\na `function`'),
      "Cannot answer: internal error: x is not a 'function'\n",
      "docker-credential-acr: error: Cannot answer: internal error: x is not a 'function'\n",
    ],
    [
      'a value that is not an error',
      undefined,
      'Cannot answer: internal error: undefined\n',
      'docker-credential-acr: error: Cannot answer: internal error: undefined\n',
    ],
    [
      'a system error with its code',
      Object.assign(new Error('too many open files'), { code: 'EMFILE' }),
      'Cannot answer: internal error: EMFILE: too many open files\n',
      'docker-credential-acr: error: Cannot answer: internal error: EMFILE: too many open files\n',
    ],
  ];
  for (const [name, failure, stdout, stderr] of rows) {
    test(`reports ${name}`, () => {
      expect(formatFailure(makeRuntime(), failure)).toEqual({ stdout, stderr });
    });
  }
});

test('formatFailure redacts secrets and tokens in every part', () => {
  const secret = 'p~8Q/+&="xyz';
  const runtime = makeRuntime({ AZURE_CLIENT_SECRET: secret });
  const leak = `${secret} ${encodeURIComponent(secret)} ${makeToken({ sub: 'someone' })} https://u:${'hidden'}@host/`;
  for (const failure of [
    new CredentialError('BUSY', leak, { causes: [leak, leak], hint: leak }),
    new Error(leak),
    leak,
  ]) {
    const { stdout, stderr } = formatFailure(runtime, failure);
    for (const text of [stdout, stderr]) expect(text).not.toMatch(/p~8Q|p%7E8Q|xyz|eyJ|hidden/);
  }
});

test('formatFailure redacts a secret before it cuts a long text', () => {
  const secret = 'abcdefghijklmnopqrst';
  const runtime = makeRuntime({ AZURE_CLIENT_SECRET: secret });
  const { stdout, stderr } = formatFailure(runtime, new CredentialError('BUSY', `${'. '.repeat(495)}${secret}`));
  for (const text of [stdout, stderr]) expect(text).not.toContain('abcdef');
});

test('formatFailure limits the length of each line', () => {
  const long = 'word '.repeat(20_000);
  const { stdout, stderr } = formatFailure(
    makeRuntime(),
    new CredentialError('BUSY', long, { causes: [long], hint: long }),
  );
  for (const line of `${stdout}${stderr}`.split('\n')) expect(line.length).toBeLessThan(1100);
  expect(stdout.split('\n')).toHaveLength(2);
  expect(stderr.split('\n')).toHaveLength(4);
});
